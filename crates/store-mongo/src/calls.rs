//! How the store waits for the driver: for a bounded time, few at once, never dropped half-way.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use metrics::{Counter, Gauge};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument;

use resources::store::StoreError;

use crate::circuit::Circuit;
use crate::failure::Intent;
use crate::patience::{INTERRUPTION, Patience};

pub(crate) struct Calls {
    circuit: Arc<Circuit>,
    /// As many as the pool has connections: a request that waits here has sent nothing yet.
    connections: Arc<Semaphore>,
    timeout: Duration,
    pool: Pool,
}

/// What is told of the use of connections.
struct Pool {
    used: Gauge,
    waiting: Gauge,
    exhausted: Counter,
}

impl Pool {
    fn new() -> Self {
        metrics::describe_gauge!(
            "db.client.connection.count",
            "Requests to the server that have a connection"
        );
        metrics::describe_gauge!(
            "db.client.connection.pending_requests",
            "Requests to the server that wait for a connection"
        );
        metrics::describe_counter!(
            "db.client.connection.timeouts",
            "Requests to the server that got no connection in time"
        );
        Self {
            used: metrics::gauge!("db.client.connection.count", "state" => "used"),
            waiting: metrics::gauge!("db.client.connection.pending_requests"),
            exhausted: metrics::counter!("db.client.connection.timeouts"),
        }
    }
}

/// One more, until it is dropped.
struct OneOf(Gauge);

impl OneOf {
    fn new(gauge: &Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge.clone())
    }
}

impl Drop for OneOf {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

impl Calls {
    pub(crate) fn new(circuit: Arc<Circuit>, connections: u32, timeout: Duration) -> Self {
        let connections = usize::try_from(connections).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            circuit,
            // A pool of 0 is one without a bound.
            connections: Arc::new(Semaphore::new(match connections {
                0 => Semaphore::MAX_PERMITS,
                bounded => bounded.min(Semaphore::MAX_PERMITS),
            })),
            timeout,
            pool: Pool::new(),
        }
    }

    /// How long the server may work on one request: the caller waits no longer.
    pub(crate) fn time_max(&self) -> Duration {
        self.timeout
    }

    /// When work that tries again gives up: shortly before its caller does, so that the caller
    /// learns the reason.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout / 10 * 9
    }

    /// Runs work of the driver to its end. The caller has the outcome, or an error after the
    /// operation timeout.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        intent: Intent,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.circuit.admit()?;
        let deadline = Instant::now() + self.timeout;
        let waiting = self.connections.clone().acquire_owned();
        let pending = OneOf::new(&self.pool.waiting);
        // What is left of the time is for the work.
        let Ok(Ok(connection)) = timeout(self.timeout / 2, waiting).await else {
            self.pool.exhausted.increment(1);
            return Err(StoreError::Busy("all connections are in use".into()));
        };
        drop(pending);
        let circuit = self.circuit.clone();
        let used = OneOf::new(&self.pool.used);
        let work = ToTheEnd::new(async move {
            let outcome = work.await;
            drop((connection, used));
            match &outcome {
                Err(StoreError::Unavailable(reason)) => circuit.failed(reason),
                // Also where a server answered that it cannot tell.
                Err(StoreError::OutcomeUnknown(reason)) => circuit.suspect(reason.clone()),
                _ => circuit.succeeded(),
            }
            outcome
        });
        match timeout_at(deadline, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.timed_out(intent)),
        }
    }

    /// Does writes that may be done twice, again while the server is away or busy for a while.
    pub(crate) async fn run_patiently<T: Send + 'static, W>(
        &self,
        what: &str,
        work: impl Fn() -> W,
    ) -> Result<T, StoreError>
    where
        W: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let mut patience = Patience::new(&INTERRUPTION);
        loop {
            let error = match self.run(Intent::Write, work()).await {
                Err(error) if passes(&error) && patience.wait().await => error,
                outcome => return outcome,
            };
            tracing::warn!(%error, "{what} was interrupted and goes on");
        }
    }

    fn timed_out(&self, intent: Intent) -> StoreError {
        let reason = format!("no answer within {:?}", self.timeout);
        self.circuit.suspect(reason.clone());
        match intent {
            Intent::Read => StoreError::Unavailable(reason),
            Intent::Write => StoreError::OutcomeUnknown(reason),
        }
    }
}

/// Whether the same can succeed later.
fn passes(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unavailable(_) | StoreError::Busy(_) | StoreError::OutcomeUnknown(_)
    )
}

/// Work that goes on in a task of its own when its caller is gone.
///
/// A future of the driver that is dropped half-way can leave its connection in disorder:
/// <https://github.com/mongodb/mongo-rust-driver#warning-about-timeouts--cancellation>. While
/// the caller waits, no task stands between it and the driver.
struct ToTheEnd<T: Send + 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T: Send + 'static> ToTheEnd<T> {
    fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
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
            runtime.spawn(work.in_current_span());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_whose_caller_is_gone_is_done_to_its_end() {
        let (reply, server) = oneshot::channel::<()>();
        let (done, end) = oneshot::channel();
        let work = ToTheEnd::new(async move {
            server.await.unwrap();
            done.send(()).unwrap();
        });
        assert!(timeout(Duration::from_millis(1), work).await.is_err());
        reply.send(()).unwrap();
        end.await.unwrap();
    }

    #[tokio::test]
    async fn work_that_is_waited_for_gives_its_outcome() {
        assert_eq!(ToTheEnd::new(async { 42 }).await, 42);
    }
}
