//! MongoDB's plans of requests.

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::FindOptions;
use resources::schema::{Id, ResourceType};
use resources::store::{Plan, StoreError};

use crate::connection::Connection;
use crate::failure::of_read;
use crate::request::Request;
use crate::{filter, ids};

/// The plan of a request for one resource; where a shard key is declared, also that of a change of
/// the resource. By the name of MongoDB's command.
pub(crate) async fn of_one(
    store: &Connection,
    resource_type: &ResourceType,
    id: &Id,
) -> Result<String, StoreError> {
    let by_id = filter::with_ids(vec![ids::to_bson(id)]);
    let find = Request::Find(by_id, FindOptions::default());
    let mut plans = plans(store, find.command(&resource_type.collection)).await?;
    if !resource_type.shard_key.is_empty() {
        let filter = filter_of_change(store, resource_type, id).await?;
        let change = doc! { "q": filter, "u": { "$set": {} } };
        let update = doc! { "update": &resource_type.collection, "updates": [change] };
        plans.extend(self::plans(store, update).await?);
    }
    Ok(shown(plans))
}

/// The plan of a request for a page.
pub(crate) async fn of_request(
    store: &Connection,
    resource_type: &ResourceType,
    request: &Request,
    is_filtered: bool,
) -> Result<Plan, StoreError> {
    let plans = plans(store, request.command(&resource_type.collection)).await?;
    Ok(Plan {
        is_costly: plans.values().any(|plan| is_costly(plan, is_filtered)),
        text: shown(plans),
    })
}

/// Whether a plan that is taken reads all documents or sorts more than it gives. The walk along a
/// whole index reads all of them where most do not pass.
fn is_costly(plan: &Bson, is_filtered: bool) -> bool {
    let document = match plan {
        Bson::Document(document) => document,
        Bson::Array(items) => return items.iter().any(|item| is_costly(item, is_filtered)),
        _ => return false,
    };
    let is_whole = |(_, bounds): (&String, &Bson)| {
        bounds.as_array().is_some_and(|intervals| {
            let all = [("[MinKey, MaxKey]"), ("[MaxKey, MinKey]")];
            matches!(intervals.as_slice(), [Bson::String(one)] if all.contains(&one.as_str()))
        })
    };
    let walks_all = document
        .get_document("indexBounds")
        .is_ok_and(|bounds| bounds.iter().all(is_whole));
    let stage = document.get_str("stage").unwrap_or_default();
    if matches!(stage, "COLLSCAN" | "SORT") || (walks_all && is_filtered) {
        return true;
    }
    // What else is in a reply repeats the request, or is what the server decided against.
    document.iter().any(|(name, part)| match name.as_str() {
        "$sort" => true,
        "rejectedPlans" | "command" | "executionStats" | "parsedQuery" => false,
        _ => is_costly(part, is_filtered),
    })
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

/// The plan of a command under its name.
async fn plans(store: &Connection, command: Document) -> Result<Document, StoreError> {
    let name = command.keys().next().cloned().unwrap_or_default();
    let command = doc! { "explain": command, "verbosity": "executionStats" };
    let plan = store.database.run_command(command).await;
    Ok(doc! { name: plan.map_err(of_read)? })
}

fn shown(plans: Document) -> String {
    Bson::Document(plans).into_relaxed_extjson().to_string()
}
