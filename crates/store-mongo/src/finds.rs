//! Single resources by their ids.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mongodb::bson::{Bson, doc};

use super::calls::Kind;
use super::rounds::Rounds;
use super::{Connection, failure, ids, json};
use resources::schema::{Id, ResourceType};
use resources::store::{Resource, StoreError};

type Found = Result<Option<Resource>, StoreError>;

/// Resources of one type, named by the key, that are wanted at the same time.
pub(super) type Finds = Rounds<String, Id, Found>;

/// The resource with this id, asked for together with others that are wanted at the same time.
pub(super) async fn find(store: &Arc<Connection>, of: &Arc<ResourceType>, id: &Id) -> Found {
    let (place, kind) = (store.clone(), of.clone());
    let ask = move |ids| async move { find_all(&place, &kind, ids).await };
    let found = store.finds.answer(of.name.clone(), id.clone(), ask);
    found.await?
}

/// What is found for each of the ids.
async fn find_all(store: &Arc<Connection>, of: &Arc<ResourceType>, wanted: Vec<Id>) -> Vec<Found> {
    let distinct: HashSet<Id> = wanted.iter().cloned().collect();
    if distinct.len() == 1 {
        let found = find_alone(store, of, &wanted[0]).await;
        return vec![found; wanted.len()];
    }
    let (place, kind) = (store.clone(), of.clone());
    let work = async move { read(&place, &kind, distinct).await };
    let found = match store.calls.run(Kind::Read, work).await {
        Ok(found) => found,
        Err(error) => return vec![Err(error); wanted.len()],
    };
    let mut answers = Vec::with_capacity(wanted.len());
    for id in &wanted {
        answers.push(match found.resources.get(id) {
            // Only its own reader is to meet a document that cannot be read.
            None if found.has_others => find_alone(store, of, id).await,
            resource => Ok(resource.cloned()),
        });
    }
    answers
}

/// What one request for several ids has found.
#[derive(Default)]
struct Several {
    resources: HashMap<Id, Resource>,
    /// Documents that cannot be read, or whose ids only the server takes for one of those wanted,
    /// such as a Decimal128 for an integer.
    has_others: bool,
}

async fn read(
    store: &Connection,
    of: &ResourceType,
    wanted: HashSet<Id>,
) -> Result<Several, StoreError> {
    let count = wanted.len();
    let any: Vec<Bson> = wanted.iter().map(ids::to_bson).collect();
    let collection = store.collection(of);
    let find = collection.find(doc! { ids::ID: { "$in": any } });
    // One reply, as far as the server lets it be one (16 MB).
    let find = find.batch_size(u32::try_from(count + 1).unwrap_or(u32::MAX));
    let find = find.max_time(store.calls.time_max());
    let mut documents = find.await.map_err(|error| failure::of_read(&error))?;
    let mut several = Several::default();
    while documents
        .advance()
        .await
        .map_err(|error| failure::of_read(&error))?
    {
        match json::resource(of, documents.current()) {
            Ok(resource) if wanted.contains(&resource.id) => {
                several.resources.insert(resource.id.clone(), resource);
            }
            _ => several.has_others = true,
        }
    }
    Ok(several)
}

async fn find_alone(store: &Arc<Connection>, of: &Arc<ResourceType>, id: &Id) -> Found {
    let (place, of) = (store.clone(), of.clone());
    let filter = doc! { ids::ID: ids::to_bson(id) };
    let work = async move {
        let collection = place.collection(&of);
        let find = collection.find_one(filter).max_time(place.calls.time_max());
        let found = find.await;
        let document = found.map_err(|error| failure::of_read(&error))?;
        let resource = document.map(|document| json::resource(&of, &document));
        resource.transpose()
    };
    store.calls.run(Kind::Read, work).await
}
