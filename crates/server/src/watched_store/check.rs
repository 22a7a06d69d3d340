//! The scheduled check of a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use chassis::health::{Check, CheckFailure};
use resources::store::{Store, StoreError};

/// Asks the store for as little as possible.
pub(super) struct StoreCheck {
    pub(super) store: Arc<dyn Store>,
    /// Whether the last check was answered, and failed all the same.
    pub(super) answers_and_fails: AtomicBool,
}

#[async_trait]
impl Check for StoreCheck {
    fn name(&self) -> &str {
        self.store.name()
    }

    async fn check(&self) -> Result<(), CheckFailure> {
        let outcome = self.store.ping().await;
        let answers_and_fails = match &outcome {
            Ok(()) | Err(StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_)) => false,
            Err(_) => true,
        };
        self.answers_and_fails
            .store(answers_and_fails, Ordering::Relaxed);
        outcome.map_err(|error| failure_of(&error))
    }
}

/// The public reason names neither files nor hosts; the log has the whole of it.
pub(super) fn failure_of(error: &StoreError) -> CheckFailure {
    CheckFailure::new(reason_of(error)).with_detail(error.to_string())
}

pub(super) fn reason_of(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_) => "unreachable",
        StoreError::Busy(_) => "busy",
        StoreError::Unprepared(_) => "unprepared",
        StoreError::Lost(_) => "lost",
        StoreError::Corrupt(_) => "damaged",
        StoreError::Unusable(_) | StoreError::Unsupported(_) | StoreError::Internal(_) => "failed",
    }
}
