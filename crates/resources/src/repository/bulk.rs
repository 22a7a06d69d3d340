//! Many resources at once, in constant memory: batches through channels.

use tokio::sync::{mpsc, oneshot};

use super::{NewResource, Refusal, RepositoryError, Resources};

/// Batches that may wait between a store and its reader or writer.
const BATCHES_WAITING_MAX: usize = 2;

/// What an import does with a row that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// All rows are stored or none: nothing is visible before [`Import::commit`].
    AllOrNothing,
    /// Each batch is stored when it is acknowledged, without the rows that are refused.
    EachBatch,
    /// The same, but no row after the first one that is refused is stored: the outcomes of its
    /// batch end with it.
    InOrder,
}

/// What a store says of each batch of a scan.
pub(crate) type Batch = Result<Resources, RepositoryError>;

/// A whole collection or a large page of it, batch by batch.
#[derive(Debug)]
pub struct Scan(mpsc::Receiver<Batch>);

impl Scan {
    /// The store's end and the reader's end.
    pub(crate) fn channel() -> (mpsc::Sender<Batch>, Self) {
        let (batches, scan) = mpsc::channel(BATCHES_WAITING_MAX);
        (batches, Self(scan))
    }

    /// The next batch, or `None` after the last.
    ///
    /// # Errors
    /// When the store fails; there are no more batches then.
    pub async fn next(&mut self) -> Result<Option<Resources>, RepositoryError> {
        self.0.recv().await.transpose()
    }
}

/// What came of each row of a batch, in its order; see [`ImportMode::InOrder`].
pub type Outcomes = Vec<Result<(), Refusal>>;

/// What an import asks of the store.
#[derive(Debug)]
pub(super) enum Step {
    Insert(
        Vec<NewResource>,
        oneshot::Sender<Result<Outcomes, RepositoryError>>,
    ),
    Commit(oneshot::Sender<Result<(), RepositoryError>>),
    Abandon,
}

impl Step {
    pub(super) fn fail(self, error: RepositoryError) {
        // Who no longer waits has given the import up.
        match self {
            Self::Insert(_, reply) => drop(reply.send(Err(error))),
            Self::Commit(reply) => drop(reply.send(Err(error))),
            Self::Abandon => {}
        }
    }
}

/// A running import. Dropped without [`Import::commit`], it leaves nothing of what was not yet
/// acknowledged as stored, but nobody waits for the store to tidy up: see [`Import::abandon`].
#[derive(Debug)]
pub struct Import(mpsc::Sender<Step>);

impl Import {
    /// The store's end and the caller's end.
    pub(super) fn channel() -> (mpsc::Receiver<Step>, Self) {
        let (steps, receiver) = mpsc::channel(BATCHES_WAITING_MAX);
        (receiver, Self(steps))
    }

    /// Stores a batch of rows, in their order, each without those that are refused. A store that
    /// is away or busy for a few seconds is waited for.
    ///
    /// # Errors
    /// When the store fails; some rows of this batch may be stored then, unless it is all or
    /// nothing.
    pub async fn insert(&mut self, rows: Vec<NewResource>) -> Result<Outcomes, RepositoryError> {
        self.begin(rows).await?.outcomes().await
    }

    /// The same, but returns when the store has the batch, so that the next one can be made
    /// while this one is stored.
    ///
    /// # Errors
    /// When the store has failed before.
    pub async fn begin(&mut self, rows: Vec<NewResource>) -> Result<Pending, RepositoryError> {
        let (reply, answer) = oneshot::channel();
        let step = Step::Insert(rows, reply);
        self.0.send(step).await.map_err(|_| ended())?;
        Ok(Pending(answer))
    }

    /// Makes all of it durable and visible.
    ///
    /// # Errors
    /// When the store fails; nothing that was not acknowledged before is stored then.
    pub async fn commit(self) -> Result<(), RepositoryError> {
        let (reply, answer) = oneshot::channel();
        let step = Step::Commit(reply);
        self.0.send(step).await.map_err(|_| ended())?;
        let outcome = answer.await.map_err(|_| ended())?;
        self.0.closed().await;
        outcome
    }

    /// Gives the import up and waits until the store has tidied up after it, which the end of a
    /// process would cut short.
    pub async fn abandon(self) {
        // A store that has given up by itself takes no more steps.
        let _ = self.0.send(Step::Abandon).await;
        self.0.closed().await;
    }
}

/// A batch that is being stored.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<Outcomes, RepositoryError>>);

impl Pending {
    /// What came of its rows.
    ///
    /// # Errors
    /// As [`Import::insert`].
    pub async fn outcomes(self) -> Result<Outcomes, RepositoryError> {
        self.0.await.map_err(|_| ended())?
    }
}

fn ended() -> RepositoryError {
    RepositoryError::Internal("the import has ended".to_owned())
}
