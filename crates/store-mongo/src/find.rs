//! Resources by their ids, with one request.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mongodb::options::FindOptions;
use resources::query::{Filter, Query};
use resources::schema::{Id, ResourceType};
use resources::store::{Resource, StoreError};

use crate::connection::Connection;
use crate::failure::{Intent, of_read};
use crate::request::Request;
use crate::selection::Selection;
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
    let request = match scope {
        Filter::Everything => {
            let any = ids.iter().map(ids::to_bson).collect();
            Request::Find(filter::with_ids(any), FindOptions::default())
        }
        scope => {
            let query = Query {
                filter: Filter::Ids(ids.clone()).and(scope.clone()),
                ..Query::default()
            };
            Selection::new(&resource_type, &query)?.request(0, ids.len() as u64)
        }
    };
    // One reply, as far as the server lets it be one (16 MB).
    let batch_size = u32::try_from(ids.len() + 1).unwrap_or(u32::MAX);
    let request = request.in_batches(batch_size);
    let request = request.bounded(store.calls.time_max(), None);
    let work = async move {
        let session = connection.client.start_session().causal_consistency(false);
        let mut session = session.await.map_err(of_read)?;
        let collection = connection.collection(&resource_type);
        let documents = request.documents(&collection, &mut session).await;
        let mut documents = documents.map_err(of_read)?;
        let mut found = Vec::with_capacity(ids.len());
        while documents.advance(&mut session).await.map_err(of_read)? {
            found.push(json::resource(&resource_type, documents.current())?);
        }
        Ok(found)
    };
    store.calls.run(Intent::Read, work).await
}
