//! Resources by their ids, with one request.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mongodb::bson::Bson;
use resources::query::Filter;
use resources::schema::{Id, ResourceType};
use resources::store::{Resource, StoreError};

use crate::connection::Connection;
use crate::failure::{Intent, of_read};
use crate::{filter, ids, json};

/// For each id its resource, if there is one within the scope.
pub(crate) async fn find(
    store: &Arc<Connection>,
    resource_type: &Arc<ResourceType>,
    ids: &[Id],
    scope: &Filter,
) -> Result<Vec<Option<Resource>>, StoreError> {
    let (first, more) = match ids {
        [] => return Ok(Vec::new()),
        [first, more @ ..] => (first, more),
    };
    if more.iter().all(|id| id == first) {
        let found = find_one(store, resource_type, first, scope).await?;
        return Ok(vec![found; ids.len()]);
    }
    let wanted: HashSet<Id> = ids.iter().cloned().collect();
    let (connection, of, within) = (store.clone(), resource_type.clone(), scope.clone());
    let work = async move { read(&connection, &of, wanted, &within).await };
    let several = store.calls.run(Intent::Read, work).await?;
    let mut answers = Vec::with_capacity(ids.len());
    for id in ids {
        answers.push(match several.resources.get(id) {
            None if several.has_others => find_one(store, resource_type, id, scope).await?,
            found => found.cloned(),
        });
    }
    Ok(answers)
}

/// What one request for several ids has found.
#[derive(Default)]
struct Several {
    resources: HashMap<Id, Resource>,
    /// Whether there are documents whose ids only the server takes for one of those wanted, such
    /// as a Decimal128 for an integer.
    has_others: bool,
}

async fn read(
    store: &Connection,
    resource_type: &ResourceType,
    wanted: HashSet<Id>,
    scope: &Filter,
) -> Result<Several, StoreError> {
    let any: Vec<Bson> = wanted.iter().map(ids::to_bson).collect();
    // One reply, as far as the server lets it be one (16 MB).
    let batch_size = u32::try_from(wanted.len() + 1).unwrap_or(u32::MAX);
    let collection = store.collection(resource_type);
    let find = collection
        .find(filter::with_ids(any, scope))
        .batch_size(batch_size)
        .max_time(store.calls.time_max());
    let mut documents = find.await.map_err(of_read)?;
    let mut several = Several::default();
    while documents.advance().await.map_err(of_read)? {
        let resource = json::resource(resource_type, documents.current())?;
        if wanted.contains(&resource.id) {
            several.resources.insert(resource.id.clone(), resource);
        } else {
            several.has_others = true;
        }
    }
    Ok(several)
}

async fn find_one(
    store: &Arc<Connection>,
    resource_type: &Arc<ResourceType>,
    id: &Id,
    scope: &Filter,
) -> Result<Option<Resource>, StoreError> {
    let (connection, resource_type) = (store.clone(), resource_type.clone());
    let filter = filter::with_ids(vec![ids::to_bson(id)], scope);
    let work = async move {
        let collection = connection.collection(&resource_type);
        let find = collection.find_one(filter);
        let found = find.max_time(connection.calls.time_max()).await;
        let document = found.map_err(of_read)?;
        let resource = document.map(|document| json::resource(&resource_type, &document));
        resource.transpose()
    };
    store.calls.run(Intent::Read, work).await
}
