//! The store's part in readiness.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chassis::health::Check;
use resources::store::{Store, StoreError};

/// Asks the store for as little as possible.
pub(crate) struct StoreCheck {
    store: Arc<dyn Store>,
    /// What was last said in the log, so that it is not said at every look.
    last: Mutex<Option<StoreError>>,
}

impl StoreCheck {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let last = Mutex::default();
        Self { store, last }
    }
}

#[async_trait]
impl Check for StoreCheck {
    fn name(&self) -> &str {
        self.store.name()
    }

    /// The public reason names neither files nor hosts; the log has the whole of it.
    async fn check(&self) -> Result<(), String> {
        let outcome = self.store.ping().await;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let error = outcome.as_ref().err();
        if let Some(error) = error.filter(|error| last.as_ref() != Some(error)) {
            tracing::warn!(%error, store = self.store.name(), "the store is not ready");
        }
        *last = error.cloned();
        outcome.map_err(|error| public_reason(&error).to_owned())
    }
}

fn public_reason(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_) => "unreachable",
        StoreError::Busy(_) => "busy",
        StoreError::Unprepared(_) => "unprepared",
        StoreError::Corrupt(_) => "damaged",
        StoreError::Unusable(_) | StoreError::Internal(_) => "failed",
    }
}
