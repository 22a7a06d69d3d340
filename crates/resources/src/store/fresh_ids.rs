//! Ids that a process chooses alone.

use super::StoreError;
use crate::schema::{Id, ResourceType};

/// So many new ids of a type whose ids no store has to count: object ids and UUIDs.
///
/// # Errors
/// [`StoreError::Internal`] for a type whose ids the client or the store chooses.
pub fn fresh_ids(resource_type: &ResourceType, count: usize) -> Result<Vec<Id>, StoreError> {
    let fresh = || resource_type.id.generate();
    let ids: Option<Vec<Id>> = std::iter::repeat_with(fresh).take(count).collect();
    ids.ok_or_else(|| {
        let (name, kind) = (&resource_type.name, resource_type.id);
        StoreError::Internal(format!(
            "no process chooses the ids of '{name}' ({kind}) alone"
        ))
    })
}
