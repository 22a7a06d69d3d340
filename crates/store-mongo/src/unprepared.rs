//! Which types are not prepared yet, and why.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use resources::schema::{IdKind, ResourceType};
use resources::store::StoreError;

/// The types that are not prepared yet, each with the latest reason.
#[derive(Default)]
pub(crate) struct Unprepared(Mutex<BTreeMap<String, StoreError>>);

impl Unprepared {
    /// Whether resources of a type may be written.
    ///
    /// # Errors
    /// `Unprepared` or `Unavailable` while a write could break what the preparation promises.
    pub(crate) fn admit(&self, resource_type: &ResourceType) -> Result<(), StoreError> {
        match self.types().get(&resource_type.name) {
            Some(StoreError::Unavailable(_)) if !relies_on_preparation(resource_type) => Ok(()),
            Some(error) => Err(not_prepared(&resource_type.name, error)),
            None => Ok(()),
        }
    }

    /// # Errors
    /// `Unprepared` or `Unavailable` while any type is not prepared.
    pub(crate) fn admit_all(&self) -> Result<(), StoreError> {
        match self.types().first_key_value() {
            Some((name, error)) => Err(not_prepared(name, error)),
            None => Ok(()),
        }
    }

    /// Refuses writes that rely on the preparation until it is done.
    pub(crate) fn begin(&self, resource_type: &ResourceType) {
        if relies_on_preparation(resource_type) {
            let reason = StoreError::Unprepared("its indexes are not there yet".to_owned());
            self.types().insert(resource_type.name.clone(), reason);
        }
    }

    /// Notes the outcome of an attempt, and logs a reason that is new. A server that is away is
    /// logged elsewhere.
    pub(crate) fn note(&self, resource_type: &ResourceType, outcome: &Result<(), StoreError>) {
        let mut types = self.types();
        let Err(error) = outcome else {
            types.remove(&resource_type.name);
            return;
        };
        if types.get(&resource_type.name) != Some(error) {
            if !matches!(error, StoreError::Unavailable(_)) {
                tracing::warn!(%error, collection = resource_type.collection, "not prepared");
            }
            types.insert(resource_type.name.clone(), error.clone());
        }
    }

    fn types(&self) -> MutexGuard<'_, BTreeMap<String, StoreError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_prepared(name: &str, error: &StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(reason) => StoreError::Unavailable(reason.clone()),
        StoreError::Unprepared(reason) => StoreError::Unprepared(format!("{name}: {reason}")),
        other => StoreError::Unprepared(format!("{name}: {other}")),
    }
}

/// Unique indexes and the counter of integer ids keep duplicates from being stored.
fn relies_on_preparation(resource_type: &ResourceType) -> bool {
    let has_unique = resource_type.indexes.iter().any(|index| index.unique);
    resource_type.id == IdKind::Integer || has_unique
}
