//! How the store waits for the driver: in tasks of their own, for a bounded time, few at once.
//!
//! A future of the driver that is dropped half-way can leave its connection in disorder, so it
//! runs to its end in a task while whoever asked may stop to wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::circuit::Circuit;
use crate::repository::{RepositoryError, WriteError};

/// What the silence of the server means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

/// An error that may say that the server is away.
pub(super) trait Verdict: From<RepositoryError> {
    fn unavailable(&self) -> Option<&str>;
}

impl Verdict for RepositoryError {
    fn unavailable(&self) -> Option<&str> {
        match self {
            Self::Unavailable(reason) | Self::OutcomeUnknown(reason) => Some(reason),
            _ => None,
        }
    }
}

impl Verdict for WriteError {
    fn unavailable(&self) -> Option<&str> {
        match self {
            Self::Store(error) => error.unavailable(),
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

    /// When a call that starts now must be done, for work that tries again.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
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
        let deadline = self.deadline();
        let waiting = self.connections.clone().acquire_owned();
        // What is left of the time is for the work.
        let Ok(Ok(connection)) = timeout(self.timeout / 2, waiting).await else {
            return Err(RepositoryError::Unavailable("all connections are in use".into()).into());
        };
        let circuit = self.circuit.clone();
        let task = tokio::spawn(async move {
            let outcome = work.await;
            drop(connection);
            match outcome.as_ref().err().and_then(Verdict::unavailable) {
                Some(reason) => circuit.failed(reason),
                None => circuit.succeeded(),
            }
            outcome
        });
        match timeout_at(deadline, task).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => Err(RepositoryError::Internal(panic.to_string()).into()),
            Err(_) => Err(self.timed_out(kind).into()),
        }
    }

    fn timed_out(&self, kind: Kind) -> RepositoryError {
        let reason = format!("no answer within {:?}", self.timeout);
        self.circuit.failed(&reason);
        match kind {
            Kind::Read => RepositoryError::Unavailable(reason),
            Kind::Write => RepositoryError::OutcomeUnknown(reason),
        }
    }
}
