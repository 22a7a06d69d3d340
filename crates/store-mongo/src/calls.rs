//! How the store waits for the driver: for a bounded time, few at once, and never half-way.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::circuit::Circuit;
use resources::store::{StoreError, WriteError};

/// What the silence of the server means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

/// An error that may say that the server is away.
pub(super) trait Verdict: From<StoreError> {
    /// The failure of the store, if it is one.
    fn failure(&self) -> Option<&StoreError>;
}

impl Verdict for StoreError {
    fn failure(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl Verdict for WriteError {
    fn failure(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Refused { .. } => None,
        }
    }
}

pub(super) struct Calls {
    circuit: Arc<Circuit>,
    /// As many as the pool has connections: whoever waits here has sent nothing yet.
    connections: Arc<Semaphore>,
    timeout: Duration,
}

impl Calls {
    pub(super) fn new(circuit: Arc<Circuit>, connections: u32, timeout: Duration) -> Self {
        let connections = usize::try_from(connections).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            circuit,
            // A pool of 0 is one without a bound.
            connections: Arc::new(Semaphore::new(match connections {
                0 => Semaphore::MAX_PERMITS,
                bounded => bounded.min(Semaphore::MAX_PERMITS),
            })),
            timeout,
        }
    }

    /// How long the server may work on one request: nobody waits for it any longer.
    pub(super) fn time_max(&self) -> Duration {
        self.timeout
    }

    /// When work that tries again gives up: somewhat before its caller does, who would only learn
    /// that there was no answer.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout / 10 * 9
    }

    /// Runs work of the driver to its end and gives its outcome, if that comes in time.
    pub(super) async fn run<T, E>(
        &self,
        kind: Kind,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Verdict + Send + 'static,
    {
        self.circuit.admit()?;
        let deadline = Instant::now() + self.timeout;
        let waiting = self.connections.clone().acquire_owned();
        // What is left of the time is for the work.
        let Ok(Ok(connection)) = timeout(self.timeout / 2, waiting).await else {
            return Err(StoreError::Busy("all connections are in use".into()).into());
        };
        let circuit = self.circuit.clone();
        let work = ToTheEnd::of(async move {
            let outcome = work.await;
            drop(connection);
            match outcome.as_ref().err().and_then(Verdict::failure) {
                Some(StoreError::Unavailable(reason)) => circuit.failed(reason),
                // Also of a server that has answered, but not with the certainty that was asked for.
                Some(StoreError::OutcomeUnknown(reason)) => circuit.suspect(reason.clone()),
                _ => circuit.succeeded(),
            }
            outcome
        });
        match timeout_at(deadline, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.timed_out(kind).into()),
        }
    }

    fn timed_out(&self, kind: Kind) -> StoreError {
        let reason = format!("no answer within {:?}", self.timeout);
        self.circuit.suspect(reason.clone());
        match kind {
            Kind::Read => StoreError::Unavailable(reason),
            Kind::Write => StoreError::OutcomeUnknown(reason),
        }
    }
}

/// Work that goes on in a task of its own when nobody waits for it any more.
///
/// A future of the driver that is dropped half-way can leave its connection in disorder:
/// <https://github.com/mongodb/mongo-rust-driver#warning-about-timeouts--cancellation>. While
/// somebody waits, no task stands between them and the driver.
struct ToTheEnd<T: Send + 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T: Send + 'static> ToTheEnd<T> {
    fn of(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<T: Send + 'static> Future for ToTheEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // Taken while it runs, so that work that panicked is not run again.
        let Some(mut work) = self.0.take() else {
            return Poll::Pending;
        };
        let outcome = work.as_mut().poll(context);
        if outcome.is_pending() {
            self.0 = Some(work);
        }
        outcome
    }
}

impl<T: Send + 'static> Drop for ToTheEnd<T> {
    fn drop(&mut self) {
        // Without a runtime the process is ending, and its connections with it.
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_done_to_its_end() {
        let (reply, server) = oneshot::channel::<()>();
        let (done, end) = oneshot::channel();
        let work = ToTheEnd::of(async move {
            server.await.unwrap();
            done.send(()).unwrap();
        });
        assert!(timeout(Duration::from_millis(1), work).await.is_err());
        reply.send(()).unwrap();
        end.await.unwrap();
    }

    #[tokio::test]
    async fn work_that_is_waited_for_gives_its_outcome() {
        assert_eq!(ToTheEnd::of(async { 42 }).await, 42);
    }
}
