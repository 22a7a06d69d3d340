//! Integer ids: one counter for each collection, in the collection `monocoque_counters`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use mongodb::options::ReturnDocument;
use mongodb::{Collection, Database};
use resources::schema::{Id, ResourceType};
use resources::store::{Change, Presence, StoreError, Write};

use crate::failure::{self, of_read};
use crate::ids;

const COUNTERS: &str = "monocoque_counters";
/// The greatest id that was ever handed out or stored.
const GREATEST: &str = "greatest";
/// The counter is beyond the greatest int64.
const BAD_VALUE: i32 = 2;

pub(crate) struct Counters {
    documents: Collection<Document>,
    /// For each collection an id up to which this process knows that the counter has passed it.
    passed: Mutex<HashMap<String, i64>>,
}

impl Counters {
    pub(crate) fn new(database: &Database) -> Self {
        Self {
            documents: database.collection(COUNTERS),
            passed: Mutex::default(),
        }
    }

    /// Hands out the next ids with one request. Like a read it can be repeated: unused ids are a
    /// gap.
    pub(crate) async fn reserve(
        &self,
        resource_type: &ResourceType,
        count: i64,
    ) -> Result<Vec<Id>, StoreError> {
        let by_id = doc! { ids::ID: &resource_type.collection };
        let more = doc! { "$inc": { GREATEST: count } };
        let counter = self.documents.find_one_and_update(by_id, more).upsert(true);
        let counter = counter.return_document(ReturnDocument::After).await;
        let counter = counter.map_err(not_reserved)?;
        let last = counter.and_then(|counter| counter.get_i64(GREATEST).ok());
        let last = last.filter(|last| *last >= count).ok_or_else(exhausted)?;
        self.pass(resource_type, last);
        Ok((last - count + 1..=last).map(Id::Integer).collect())
    }

    /// [`Self::raise`] for the ids that writes may store.
    pub(crate) async fn raise_for(&self, writes: &[Write]) -> Result<(), StoreError> {
        for write in writes {
            let creates = matches!(write.change, Change::Replace(_));
            if creates && write.guard.presence != Presence::MustExist {
                let chosen = std::iter::once(&write.id);
                self.raise(&write.resource_type, chosen).await?;
            }
        }
        Ok(())
    }

    /// Keeps ids that clients chose from being handed out. Repeating it changes nothing.
    pub(crate) async fn raise<'a>(
        &self,
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
        if self.is_passed(resource_type, number) {
            return Ok(());
        }
        let by_id = doc! { ids::ID: &resource_type.collection };
        let raised = doc! { "$max": { GREATEST: number } };
        let raised = self.documents.update_one(by_id, raised).upsert(true);
        raised.await.map_err(of_read)?;
        self.pass(resource_type, number);
        Ok(())
    }

    fn is_passed(&self, resource_type: &ResourceType, number: i64) -> bool {
        let passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let greatest = passed.get(&resource_type.collection);
        greatest.is_some_and(|greatest| number <= *greatest)
    }

    fn pass(&self, resource_type: &ResourceType, number: i64) {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let collection = resource_type.collection.clone();
        let greatest = passed.entry(collection).or_insert(number);
        *greatest = number.max(*greatest);
    }
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
