//! Integer ids: one counter for each collection, in the collection `monocoque_counters`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mongodb::Collection;
use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use mongodb::options::ReturnDocument;
use resources::schema::{Id, ResourceType};
use resources::store::{Change, Presence, StoreError, Write};

use crate::connection::Connection;
use crate::failure::{self, Intent, of_read};
use crate::ids;

const COUNTERS: &str = "monocoque_counters";
/// The greatest id that was ever handed out or stored.
const GREATEST: &str = "greatest";
/// The counter is beyond the greatest int64.
const BAD_VALUE: i32 = 2;

/// For each collection an id up to which this process knows that the counter has passed it.
#[derive(Default)]
pub(crate) struct Greatest(Mutex<HashMap<String, i64>>);

impl Greatest {
    fn is_passed(&self, resource_type: &ResourceType, number: i64) -> bool {
        let passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        passed
            .get(&resource_type.collection)
            .is_some_and(|greatest| number <= *greatest)
    }

    fn pass(&self, resource_type: &ResourceType, number: i64) {
        let mut passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let collection = resource_type.collection.clone();
        let greatest = passed.entry(collection).or_insert(number);
        *greatest = number.max(*greatest);
    }
}

/// Hands out the next ids with one request.
pub(crate) async fn reserve(
    store: &Arc<Connection>,
    resource_type: &Arc<ResourceType>,
    count: i64,
) -> Result<Vec<Id>, StoreError> {
    let (connection, collection) = (store.clone(), resource_type.collection.clone());
    let work = async move {
        let counters = counters(&connection);
        let counter = counters
            .find_one_and_update(
                doc! { ids::ID: collection },
                doc! { "$inc": { GREATEST: count } },
            )
            .upsert(true)
            .return_document(ReturnDocument::After);
        counter.await.map_err(not_reserved)
    };
    // Like a read it may be asked twice: ids that nobody uses are a gap.
    let counter = store.calls.run(Intent::Read, work).await?;
    let last = counter.and_then(|counter| counter.get_i64(GREATEST).ok());
    let last = last.filter(|last| *last >= count).ok_or_else(exhausted)?;
    store.greatest.pass(resource_type, last);
    Ok((last - count + 1..=last).map(Id::Integer).collect())
}

fn not_reserved(error: Error) -> StoreError {
    match failure::code(&error) {
        Some(BAD_VALUE) => exhausted(),
        _ => of_read(error),
    }
}

fn exhausted() -> StoreError {
    StoreError::Unusable("there is no integer id left".to_owned())
}

/// [`raise`] for the ids that writes may store.
pub(crate) async fn raise_for(store: &Connection, writes: &[Write]) -> Result<(), StoreError> {
    for write in writes {
        let creates = matches!(write.change, Change::Replace(_));
        if creates && write.guard.presence != Presence::MustExist {
            raise(store, &write.resource_type, std::iter::once(&write.id)).await?;
        }
    }
    Ok(())
}

/// Keeps ids that clients chose from being handed out. Repeating it changes nothing.
pub(crate) async fn raise<'a>(
    store: &Connection,
    resource_type: &ResourceType,
    chosen: impl Iterator<Item = &'a Id>,
) -> Result<(), StoreError> {
    let numbers = chosen.filter_map(|id| match id {
        Id::Integer(number) => Some(*number),
        _ => None,
    });
    let Some(number) = numbers.max() else {
        return Ok(());
    };
    if store.greatest.is_passed(resource_type, number) {
        return Ok(());
    }
    let counters = counters(store);
    let raised = counters
        .update_one(
            doc! { ids::ID: &resource_type.collection },
            doc! { "$max": { GREATEST: number } },
        )
        .upsert(true);
    raised.await.map_err(of_read)?;
    store.greatest.pass(resource_type, number);
    Ok(())
}

fn counters(store: &Connection) -> Collection<Document> {
    store.database.collection(COUNTERS)
}
