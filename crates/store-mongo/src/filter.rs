//! Filters as MongoDB's queries.

use bson::RawDocumentBuf;
use mongodb::bson::{Bson, Document, doc};
use resources::query::Filter;
use resources::schema::{Id, ResourceType};
use resources::store::StoreError;

use crate::ids;

/// The documents that pass a filter.
pub(crate) fn matching(filter: &Filter) -> Document {
    match filter {
        Filter::Everything => doc! {},
        _ => doc! { "$expr": false },
    }
}

/// The documents with one of these ids that pass a filter.
pub(crate) fn with_ids(mut ids: Vec<Bson>, scope: &Filter) -> Document {
    let mut filter = matching(scope);
    let condition = match ids.len() {
        1 => ids.swap_remove(0),
        _ => doc! { "$in": ids }.into(),
    };
    filter.insert(ids::ID, condition);
    filter
}

/// Finds one resource on its shard alone.
pub(crate) fn targeted(
    resource_type: &ResourceType,
    id: &Id,
    before: &RawDocumentBuf,
) -> Result<Document, StoreError> {
    let mut filter = doc! { ids::ID: ids::to_bson(id) };
    for attribute in &resource_type.shard_key {
        let value = before.get(attribute).map_err(|error| damaged(&error))?;
        // Absent is null to a shard key.
        let value = value.map_or(Ok(Bson::Null), Bson::try_from);
        let value = value.map_err(|error| damaged(&error))?;
        filter.insert(attribute, doc! { "$eq": value });
    }
    Ok(filter)
}

/// Narrows a filter to a document that is still this one.
pub(crate) fn compare(filter: &mut Document, before: &RawDocumentBuf) -> Result<(), StoreError> {
    let unchanged = Document::try_from(before).map_err(|error| damaged(&error))?;
    // `$literal` keeps values that look like operators from being taken for such.
    let comparison = doc! { "$eq": ["$$ROOT", { "$literal": unchanged }] };
    filter.insert("$expr", comparison);
    Ok(())
}

fn damaged(error: &bson::error::Error) -> StoreError {
    StoreError::Corrupt(error.to_string())
}
