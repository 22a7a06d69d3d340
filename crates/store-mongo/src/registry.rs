//! What is noted of each collection beside its documents, in `monocoque_definitions`, and which
//! collections there are.

use std::sync::Arc;

use mongodb::bson::{Document, doc};
use resources::schema::ResourceType;
use resources::store::StoreError;

use crate::connection::Connection;
use crate::failure::{Intent, of_read, of_write};
use crate::ids;

const DEFINITIONS: &str = "monocoque_definitions";

/// How the names of collections begin that are nobody's resources.
const OWN: [&str; 2] = ["monocoque_", "system."];

/// The fingerprint of the definition with which the documents were last compared.
const DEFINITION: &str = "definition";

/// The names of all collections with documents but the program's and the server's, in their order.
/// Views are none.
pub(crate) async fn collections(store: &Arc<Connection>) -> Result<Vec<String>, StoreError> {
    let connection = store.clone();
    let work = async move {
        let names = connection.database.list_collection_names();
        let names = names.filter(doc! { "type": "collection" }).await;
        names.map_err(of_read)
    };
    let mut names = store.calls.run(Intent::Read, work).await?;
    names.retain(|name| !OWN.iter().any(|own| name.starts_with(own)));
    names.sort();
    let mut filled = Vec::new();
    for name in names {
        let collection = store.database.collection::<Document>(&name);
        let work = async move {
            let count = collection.estimated_document_count().await;
            count.map_err(of_read)
        };
        if store.calls.run(Intent::Read, work).await? > 0 {
            filled.push(name);
        }
    }
    Ok(filled)
}

/// The definition that was noted last.
pub(crate) async fn definition(
    store: &Arc<Connection>,
    resource_type: &ResourceType,
) -> Result<Option<String>, StoreError> {
    let definitions = store.database.collection::<Document>(DEFINITIONS);
    let by_id = doc! { ids::ID: &resource_type.collection };
    let work = async move { definitions.find_one(by_id).await.map_err(of_read) };
    let noted = store.calls.run(Intent::Read, work).await?;
    let noted = noted.and_then(|noted| noted.get_str(DEFINITION).ok().map(str::to_owned));
    Ok(noted)
}

/// Notes a definition. Repeating it changes nothing.
pub(crate) async fn note_definition(
    store: &Arc<Connection>,
    resource_type: &ResourceType,
    fingerprint: &str,
) -> Result<(), StoreError> {
    let definitions = store.database.collection::<Document>(DEFINITIONS);
    let by_id = doc! { ids::ID: &resource_type.collection };
    let noted = doc! { "$set": { DEFINITION: fingerprint } };
    let work = async move {
        let noted = definitions.update_one(by_id, noted).upsert(true).await;
        noted.map(drop).map_err(of_write)
    };
    store.calls.run(Intent::Write, work).await
}
