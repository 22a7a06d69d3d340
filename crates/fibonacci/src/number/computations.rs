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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// A computation that runs until it is told to stop, and says when it begins and ends.
    fn endless(
        events: &mpsc::Sender<&'static str>,
    ) -> impl FnOnce(&AtomicBool) -> Option<()> + use<> {
        let events = events.clone();
        move |abandoned| {
            events.send("begins").ok()?;
            while !abandoned.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            events.send("ends").ok()
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn few_run_some_wait_and_the_rest_are_refused() {
        let (events, happened) = mpsc::channel();
        let computations = Arc::new(Computations::new(1));
        let clients: Vec<_> = (0..=WAITING_PER_RUNNING)
            .map(|_| {
                let (computations, endless) = (Arc::clone(&computations), endless(&events));
                tokio::spawn(async move { computations.run(endless).await })
            })
            .collect();
        assert_eq!(happened.recv_timeout(Duration::from_secs(5)), Ok("begins"));
        while computations.admitted.available_permits() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(matches!(
            computations.run(|_| Some(())).await,
            Err(Failure::Busy)
        ));

        // Clients that leave end what runs for them and never start what waits.
        clients.iter().for_each(tokio::task::JoinHandle::abort);
        assert_eq!(happened.recv_timeout(Duration::from_secs(5)), Ok("ends"));
        for client in clients {
            assert!(client.await.is_err_and(|error| error.is_cancelled()));
        }
        assert!(matches!(computations.run(|_| Some(7)).await, Ok(7)));
        assert!(happened.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_and_no_more() {
        let computations = Computations::new(1);
        let broken = computations
            .run(|_| -> Option<()> { panic!("on purpose") })
            .await;
        assert!(matches!(broken, Err(Failure::Broken)));
        assert!(matches!(computations.run(|_| Some(7)).await, Ok(7)));
    }
}
