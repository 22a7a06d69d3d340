//! The store's part in readiness.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chassis::health::Check;
use resources::repository::{Repository, RepositoryError};

/// Asks the store for as little as possible.
pub(crate) struct StoreCheck {
    store: Arc<dyn Repository>,
    /// What was last said in the log, so that it is not said at every look.
    last: Mutex<Option<RepositoryError>>,
}

impl StoreCheck {
    pub(crate) fn of(store: Arc<dyn Repository>) -> Self {
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

fn public_reason(error: &RepositoryError) -> &'static str {
    match error {
        RepositoryError::Unavailable(_) | RepositoryError::OutcomeUnknown(_) => "unreachable",
        RepositoryError::Busy(_) => "busy",
        RepositoryError::Unprepared(_) => "unprepared",
        RepositoryError::Corrupt(_) => "damaged",
        RepositoryError::Unusable(_) | RepositoryError::Internal(_) => "failed",
    }
}
