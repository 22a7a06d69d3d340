//! Large numbers are computed off the threads that serve connections, a few at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

/// How many may wait for each that runs.
const WAITING_PER_RUNNING: usize = 16;

/// The bound on computations.
pub(crate) struct Computations {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// As many as allowed are running and waiting.
    Busy,
    /// The computation panicked.
    Broken,
}

/// Tells the computation that nobody waits for it any more.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Computations {
    pub(crate) fn new(running_max: usize) -> Self {
        let running = running_max.min(Semaphore::MAX_PERMITS / (WAITING_PER_RUNNING + 1));
        Self {
            running: Arc::new(Semaphore::new(running)),
            admitted: Arc::new(Semaphore::new(running * (WAITING_PER_RUNNING + 1))),
        }
    }

    /// Runs `compute` when its turn has come. If the returned future is dropped before, it never
    /// starts; if while it runs, its flag is set, and it should soon return None.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        compute: impl FnOnce(&AtomicBool) -> Option<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let _place = self.admitted.try_acquire().map_err(|_| Failure::Busy)?;
        let turn = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| Failure::Busy)?;
        let abandoned = Arc::new(AtomicBool::new(false));
        let _abandon = Abandon(Arc::clone(&abandoned));
        let computation = tokio::task::spawn_blocking(move || {
            // Kept to the end even if abandoned: the bound is on work, not on clients.
            let _turn = turn;
            compute(&abandoned)
        });
        match computation.await {
            Ok(Some(result)) => Ok(result),
            Ok(None) => Err(Failure::Busy),
            Err(_) => Err(Failure::Broken),
        }
    }
}
