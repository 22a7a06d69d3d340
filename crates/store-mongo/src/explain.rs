//! Plans of requests.

use mongodb::bson::{Bson, Document, doc};

use super::writes::targeted;
use super::{Connection, failure, ids};
use resources::schema::{Id, ResourceType};
use resources::store::StoreError;

/// The plan of a request for one resource or for the first page; where a shard key is declared,
/// also that of a change of the resource. By the name of MongoDB's command.
pub(super) async fn explain(
    store: &Connection,
    of: &ResourceType,
    id: Option<&Id>,
) -> Result<String, StoreError> {
    let mut plans = Document::new();
    let mut find = doc! { "find": &of.collection };
    if let Some(id) = id {
        find.insert("filter", doc! { ids::ID: ids::to_bson(id) });
    } else {
        let limit = i64::try_from(of.page.default).unwrap_or(i64::MAX);
        find.insert("sort", ids::order(of));
        find.insert("limit", limit.saturating_add(1));
    }
    plans.insert("find", plan(store, find).await?);
    if let Some(id) = id
        && !of.shard_key.is_empty()
    {
        let change = doc! { "q": filter_of_change(store, of, id).await?, "u": { "$set": {} } };
        let update = doc! { "update": &of.collection, "updates": [change] };
        plans.insert("update", plan(store, update).await?);
    }
    Ok(Bson::Document(plans).into_relaxed_extjson().to_string())
}

/// Names the shard key's values, which only the stored document has.
async fn filter_of_change(
    store: &Connection,
    of: &ResourceType,
    id: &Id,
) -> Result<Document, StoreError> {
    let by_id = doc! { ids::ID: ids::to_bson(id) };
    let found = store.collection(of).find_one(by_id).await;
    let before = found.map_err(|error| failure::of_read(&error))?;
    let before =
        before.ok_or_else(|| StoreError::Unusable(format!("there is no resource '{id}'")))?;
    targeted(of, id, &before).map_err(failure::read_failure)
}

async fn plan(store: &Connection, command: Document) -> Result<Document, StoreError> {
    let command = doc! { "explain": command, "verbosity": "executionStats" };
    let reply = store.database.run_command(command).await;
    reply.map_err(|error| failure::of_read(&error))
}
