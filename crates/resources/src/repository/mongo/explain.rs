//! Plans of requests.

use mongodb::bson::{Bson, doc};

use super::{Store, failure, ids};
use crate::repository::RepositoryError;
use crate::schema::{Id, ResourceType};

/// The plan of a request for one resource or for the first page.
pub(super) async fn explain(
    store: &Store,
    of: &ResourceType,
    id: Option<&Id>,
) -> Result<String, RepositoryError> {
    let mut find = doc! { "find": &of.collection };
    if let Some(id) = id {
        find.insert("filter", doc! { ids::ID: ids::to_bson(id) });
    } else {
        find.insert("sort", ids::order(of));
        find.insert("limit", 1);
    }
    let command = doc! { "explain": find, "verbosity": "executionStats" };
    let reply = store.database.run_command(command).await;
    let reply = reply.map_err(|error| failure::of_read(&error))?;
    Ok(Bson::Document(reply).into_relaxed_extjson().to_string())
}
