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
    let Some((first, more)) = ids.split_first() else {
        return Ok(Vec::new());
    };
    if more.iter().all(|id| id == first) {
        let found = find_all(store, resource_type, vec![first.clone()], scope).await?;
        return Ok(vec![found.into_iter().next(); ids.len()]);
    }
    let found = find_all(store, resource_type, ids.to_vec(), scope).await?;
    let found: HashMap<Id, Resource> = found.into_iter().map(|one| (one.id.clone(), one)).collect();
    // The server alone takes some ids for those wanted, such as a Decimal128 for an integer.
    let wanted: HashSet<&Id> = ids.iter().collect();
    let has_others = found.keys().any(|id| !wanted.contains(id));
    let mut answers = Vec::with_capacity(ids.len());
    for id in ids {
        answers.push(match found.get(id) {
            None if has_others => {
                let alone = find_all(store, resource_type, vec![id.clone()], scope).await?;
                alone.into_iter().next()
            }
            found => found.cloned(),
        });
    }
    Ok(answers)
}

/// What the server finds for these ids with one request.
async fn find_all(
    store: &Arc<Connection>,
    resource_type: &Arc<ResourceType>,
    ids: Vec<Id>,
    scope: &Filter,
) -> Result<Vec<Resource>, StoreError> {
    let (connection, resource_type) = (store.clone(), resource_type.clone());
    let any: Vec<Bson> = ids.iter().map(ids::to_bson).collect();
    let filter = filter::with_ids(any, scope);
    let work = async move {
        let collection = connection.collection(&resource_type);
        // One reply, as far as the server lets it be one (16 MB).
        let batch_size = u32::try_from(ids.len() + 1).unwrap_or(u32::MAX);
        let find = collection.find(filter).batch_size(batch_size);
        let find = find.max_time(connection.calls.time_max());
        let mut documents = find.await.map_err(of_read)?;
        let mut found = Vec::with_capacity(ids.len());
        while documents.advance().await.map_err(of_read)? {
            found.push(json::resource(&resource_type, documents.current())?);
        }
        Ok(found)
    };
    store.calls.run(Intent::Read, work).await
}
