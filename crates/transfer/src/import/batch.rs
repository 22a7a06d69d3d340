//! Rows that are handed to the store together.

use std::sync::Arc;

use resources::schema::{Id, ResourceType};
use resources::store::{NewResource, Store, StoreError};
use serde_json::Value;

use super::RowPosition;
use super::row::CheckedRow;

/// Rows in one batch, at most.
pub const BATCH_ROWS: usize = 500;

/// Text in one batch, in bytes; the last row of a batch may exceed it.
const BATCH_BYTES: usize = 4 << 20;

/// Rows in the order of the file: those to store, and those that are rejected already, so that all
/// are reported in their order.
#[derive(Default)]
pub(super) struct Batch {
    bytes: usize,
    entries: Vec<Entry>,
    rows: Vec<CheckedRow>,
}

/// A row that can be handed to the store.
pub(super) struct IdentifiedRow {
    pub(super) resource: NewResource,
    /// The values by which it finds the resource whose place it takes.
    pub(super) key: Option<Vec<Value>>,
    /// Whether the id is the row's own.
    pub(super) brings_id: bool,
}

/// A row of a batch.
pub(super) struct Entry {
    pub(super) position: RowPosition,
    /// Why it is not for the store, if it is not.
    pub(super) rejected: Option<String>,
}

impl Batch {
    pub(super) fn push(&mut self, position: RowPosition, bytes: usize, row: CheckedRow) {
        self.bytes += bytes;
        self.rows.push(row);
        self.entries.push(Entry {
            position,
            rejected: None,
        });
    }

    pub(super) fn reject(&mut self, position: RowPosition, reason: String) {
        self.bytes += reason.len();
        self.entries.push(Entry {
            position,
            rejected: Some(reason),
        });
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    pub(super) fn ends_in_rejection(&self) -> bool {
        self.entries
            .last()
            .is_some_and(|entry| entry.rejected.is_some())
    }

    pub(super) fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Whether a row before is about the same resource.
    pub(super) fn has_same(&self, row: &CheckedRow) -> bool {
        self.rows.iter().any(|before| {
            let is_id = before.id.is_some() && before.id == row.id;
            is_id || before.key.is_some() && before.key == row.key
        })
    }

    /// The entries alone, where nothing is stored.
    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    /// The entries, and the rows with an id each: their own, or a fresh one. A row that has its own
    /// is marked.
    pub(super) async fn with_ids(
        self,
        store: &dyn Store,
        resource_type: &Arc<ResourceType>,
    ) -> Result<(Vec<Entry>, Vec<IdentifiedRow>), StoreError> {
        let mut fresh = fresh_ids(&self.rows, store, resource_type)
            .await?
            .into_iter();
        let with_id = |row: CheckedRow| {
            let brings_id = row.id.is_some();
            let id = row.id.or_else(|| fresh.next()).ok_or_else(too_few)?;
            let attributes = row.attributes;
            Ok(IdentifiedRow {
                resource: NewResource { id, attributes },
                key: row.key,
                brings_id,
            })
        };
        let rows: Result<_, StoreError> = self.rows.into_iter().map(with_id).collect();
        Ok((self.entries, rows?))
    }
}

/// An id for each row that brings none, all from one request to the store.
async fn fresh_ids(
    rows: &[CheckedRow],
    store: &dyn Store,
    resource_type: &Arc<ResourceType>,
) -> Result<Vec<Id>, StoreError> {
    let brought: Vec<&Id> = rows.iter().filter_map(|row| row.id.as_ref()).collect();
    let count = rows.len() - brought.len();
    if count == 0 {
        return Ok(Vec::new());
    }
    // The store does not know the ids that this batch brings. Each of them can take one away.
    let mut ids = store.next_ids(resource_type, rows.len()).await?;
    ids.retain(|id| !brought.contains(&id));
    ids.truncate(count);
    Ok(ids)
}

fn too_few() -> StoreError {
    StoreError::Internal("the store gave fewer ids than it was asked for".to_owned())
}
