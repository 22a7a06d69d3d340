//! Rows that are handed to the store together.

use std::sync::Arc;

use resources::schema::{Id, ResourceType};
use resources::store::{NewResource, Store, StoreError};

use super::RowPosition;
use super::row::CheckedRow;

/// Rows in one batch, at most.
pub const BATCH_ROWS: usize = 500;

/// Text in one batch, in bytes; the last row of a batch may exceed it.
const BATCH_BYTES: usize = 4 << 20;

#[derive(Default)]
pub(super) struct Batch {
    bytes: usize,
    positions: Vec<RowPosition>,
    rows: Vec<CheckedRow>,
}

impl Batch {
    pub(super) fn push(&mut self, position: RowPosition, bytes: usize, row: CheckedRow) {
        self.bytes += bytes;
        self.positions.push(position);
        self.rows.push(row);
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The positions of the rows, and the rows with an id each: their own, or a fresh one.
    pub(super) async fn with_ids(
        self,
        store: &dyn Store,
        resource_type: &Arc<ResourceType>,
    ) -> Result<(Vec<RowPosition>, Vec<NewResource>), StoreError> {
        let mut fresh = fresh_ids(&self.rows, store, resource_type)
            .await?
            .into_iter();
        let with_id = |row: CheckedRow| {
            let id = row.id.or_else(|| fresh.next()).ok_or_else(too_few)?;
            Ok(NewResource {
                id,
                attributes: row.attributes,
            })
        };
        let rows: Result<_, StoreError> = self.rows.into_iter().map(with_id).collect();
        Ok((self.positions, rows?))
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
