//! Values that a unique index forbids and several documents have.

use std::sync::Arc;

use bson::{RawBsonRef, RawDocumentBuf};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use resources::schema::{Index, ResourceType};
use resources::store::{Duplicates, StoreError};

use crate::connection::Connection;
use crate::declared_indexes;
use crate::declared_indexes::{value_in_each, without_case};
use crate::failure::of_read;
use crate::indexes::{self, Standing};
use crate::{ids, json};

/// At most so many of them, over all unique indexes of a type. The server reads the whole
/// collection for each, however long that takes.
pub(crate) async fn find(
    store: &Arc<Connection>,
    resource_type: &Arc<ResourceType>,
    limit: usize,
) -> Result<Vec<Duplicates>, StoreError> {
    let (store, of) = (store.clone(), resource_type.clone());
    // A task, because the driver's futures must run to their end.
    let task = tokio::spawn(async move { of_all(&store, &of, limit).await });
    task.await
        .map_err(|panic| StoreError::Internal(panic.to_string()))?
}

async fn of_all(
    store: &Connection,
    resource_type: &ResourceType,
    limit: usize,
) -> Result<Vec<Duplicates>, StoreError> {
    let mut found = Vec::new();
    // Where the index is there, nothing can be twice, and the collection need not be read for it.
    let states = indexes::states(store, resource_type).await?;
    let is_there = |index: &&Index| {
        let name = declared_indexes::name(index);
        let mut states = states.iter();
        states.any(|state| state.name == name && state.standing == Standing::Present)
    };
    let unique = resource_type.indexes.iter().filter(|index| index.unique);
    for index in unique.filter(|index| !is_there(index)) {
        let left = limit - found.len();
        found.extend(of_index(store, resource_type, index, left).await?);
    }
    Ok(found)
}

/// The same of one index.
pub(crate) async fn of_index(
    store: &Connection,
    resource_type: &ResourceType,
    index: &Index,
    limit: usize,
) -> Result<Vec<Duplicates>, StoreError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let pipeline = pipeline(index, limit);
    let collection = store.primary_collection(resource_type);
    // What does not fit into memory is sorted on the disk of the server.
    let grouping = collection.aggregate(pipeline).allow_disk_use(true);
    let collation = index.ignores_case.then(without_case);
    let cursor = match collation {
        Some(collation) => grouping.collation(collation).await,
        None => grouping.await,
    };
    let cursor = cursor.map_err(of_read)?.with_type::<RawDocumentBuf>();
    let groups: Vec<RawDocumentBuf> = cursor.try_collect().await.map_err(of_read)?;
    let duplicates = |group: &RawDocumentBuf| {
        let id = |name| group.get(name).ok().flatten().map(json::id_from_bson);
        let count = match group.get("count").ok()?? {
            RawBsonRef::Int32(count) => u64::try_from(count).ok()?,
            RawBsonRef::Int64(count) => u64::try_from(count).ok()?,
            _ => return None,
        };
        Some(Duplicates {
            index: index.clone(),
            count,
            one: id("one")?,
            other: id("other")?,
        })
    };
    Ok(groups.iter().filter_map(duplicates).collect())
}

/// The least and the greatest id of each group: all of its ids may be more than a document holds.
fn pipeline(index: &Index, limit: usize) -> [Document; 4] {
    let paths = index.keys.iter().map(|key| key.attribute.as_str());
    let values: Document = paths
        .clone()
        .enumerate()
        .map(|(position, path)| (format!("k{position}"), format!("${path}").into()))
        .collect();
    let id = format!("${}", ids::ID);
    [
        doc! { "$match": value_in_each(paths) },
        doc! { "$group": {
            ids::ID: values, "count": { "$sum": 1 },
            "one": { "$min": &id }, "other": { "$max": &id },
        } },
        doc! { "$match": { "count": { "$gt": 1 } } },
        doc! { "$limit": i64::try_from(limit).unwrap_or(i64::MAX) },
    ]
}
