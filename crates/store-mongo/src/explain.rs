//! MongoDB's plans of requests.

use mongodb::bson::{Bson, Document, doc};
use resources::query::Filter;
use resources::schema::{Id, ResourceType};
use resources::store::StoreError;

use crate::connection::Connection;
use crate::failure::of_read;
use crate::{filter, ids};

/// The plan of a request for one resource or for the first page; where a shard key is declared,
/// also that of a change of the resource. By the name of MongoDB's command.
pub(crate) async fn explain(
    store: &Connection,
    resource_type: &ResourceType,
    id: Option<&Id>,
) -> Result<String, StoreError> {
    let mut plans = Document::new();
    let mut find = doc! { "find": &resource_type.collection };
    if let Some(id) = id {
        let ids = vec![ids::to_bson(id)];
        find.insert("filter", filter::with_ids(ids, &Filter::Everything));
    } else {
        let limit = i64::try_from(resource_type.page.default).unwrap_or(i64::MAX);
        find.insert("sort", ids::order(resource_type));
        find.insert("limit", limit.saturating_add(1));
    }
    plans.insert("find", plan(store, find).await?);
    if let Some(id) = id
        && !resource_type.shard_key.is_empty()
    {
        let filter = filter_of_change(store, resource_type, id).await?;
        let change = doc! { "q": filter, "u": { "$set": {} } };
        let update = doc! { "update": &resource_type.collection, "updates": [change] };
        plans.insert("update", plan(store, update).await?);
    }
    Ok(Bson::Document(plans).into_relaxed_extjson().to_string())
}

/// Names the shard key's values, which only the stored document has.
async fn filter_of_change(
    store: &Connection,
    resource_type: &ResourceType,
    id: &Id,
) -> Result<Document, StoreError> {
    let by_id = doc! { ids::ID: ids::to_bson(id) };
    let found = store.collection(resource_type).find_one(by_id).await;
    let before = found.map_err(of_read)?;
    let before =
        before.ok_or_else(|| StoreError::Unusable(format!("there is no resource '{id}'")))?;
    filter::targeted(resource_type, id, &before)
}

async fn plan(store: &Connection, command: Document) -> Result<Document, StoreError> {
    let command = doc! { "explain": command, "verbosity": "executionStats" };
    store.database.run_command(command).await.map_err(of_read)
}
