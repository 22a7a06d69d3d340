//! How long work that goes on for long outlasts the absence of its server.

use std::time::Duration;

use resources::store::StoreError;

/// Failures in a row after which work is tried again.
const ATTEMPTS: u32 = 5;

/// Before the first of these attempts; each later one waits so much longer. Together they last
/// as long as most elections.
const PAUSE: Duration = Duration::from_millis(700);

/// Failures in a row of work that can be done again without harm.
#[derive(Debug, Default)]
pub(super) struct Interruptions(u32);

impl Interruptions {
    /// Waits before another attempt.
    ///
    /// # Errors
    /// The one given, if it does not pass or there were too many.
    pub(super) async fn wait(&mut self, error: StoreError, what: &str) -> Result<(), StoreError> {
        let passes = matches!(
            error,
            StoreError::Unavailable(_) | StoreError::Busy(_) | StoreError::OutcomeUnknown(_)
        );
        if !passes || self.0 >= ATTEMPTS {
            return Err(error);
        }
        self.0 += 1;
        tracing::warn!(%error, "{what} was interrupted and goes on");
        tokio::time::sleep(PAUSE * self.0).await;
        Ok(())
    }

    /// There was progress.
    pub(super) fn are_over(&mut self) {
        self.0 = 0;
    }
}
