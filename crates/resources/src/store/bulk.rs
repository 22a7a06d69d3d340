//! Many resources at once, in constant memory: batches through channels.

use tokio::sync::{mpsc, oneshot};

use super::{Refusal, Resources, StoreError};
use crate::schema::{Attributes, Id};

/// Batches that may wait between a store and its reader or writer.
const BATCHES_WAITING_MAX: usize = 2;

/// A row of an import.
#[derive(Debug, Clone, PartialEq)]
pub struct NewResource {
    /// Its id; see [`super::Store::next_ids`].
    pub id: Id,
    /// Valid attributes.
    pub attributes: Attributes,
}

/// What an import does with a row that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// All rows are stored or none: nothing is visible before [`Import::commit`], and the first
    /// row that is refused ends the import. The outcomes of its batch end with it.
    AllOrNothing,
    /// Each batch is stored when it is acknowledged, without the rows that are refused.
    EachBatch,
    /// Each batch is stored when it is acknowledged, up to the first row that is refused. The
    /// outcomes of its batch end with it.
    InOrder,
}

/// One batch of a scan.
pub type Batch = Result<Resources, StoreError>;

/// A whole collection or a large page of it, batch by batch.
#[derive(Debug)]
pub struct Scan(mpsc::Receiver<Batch>);

impl Scan {
    /// The store's end and the reader's end.
    #[must_use]
    pub fn channel() -> (mpsc::Sender<Batch>, Self) {
        Self::channel_of(BATCHES_WAITING_MAX)
    }

    /// The same, where at most so many batches wait for the reader.
    #[must_use]
    pub fn channel_of(waiting_max: usize) -> (mpsc::Sender<Batch>, Self) {
        let (batches, scan) = mpsc::channel(waiting_max);
        (batches, Self(scan))
    }

    /// The next batch, or `None` after the last.
    ///
    /// # Errors
    /// When the store fails; there are no more batches then.
    pub async fn next(&mut self) -> Result<Option<Resources>, StoreError> {
        self.0.recv().await.transpose()
    }
}

/// What came of each row of a batch, in its order; see [`ImportMode::InOrder`].
pub type Outcomes = Vec<Result<(), Refusal>>;

/// What an import asks of its store.
#[derive(Debug)]
pub enum Step {
    /// Store these rows.
    Insert(
        Vec<NewResource>,
        oneshot::Sender<Result<Outcomes, StoreError>>,
    ),
    /// Make everything durable and visible; no step follows.
    Commit(oneshot::Sender<Result<(), StoreError>>),
    /// Undo what can be undone; no step follows.
    Abandon,
}

impl Step {
    /// Answers the step with a failure.
    pub fn fail(self, error: StoreError) {
        // Where nobody waits for the reply, the caller has dropped the import.
        match self {
            Self::Insert(_, reply) => drop(reply.send(Err(error))),
            Self::Commit(reply) => drop(reply.send(Err(error))),
            Self::Abandon => {}
        }
    }
}

/// A running import. Dropped without [`Import::commit`], it leaves nothing behind but what was
/// acknowledged as stored. The store tidies up after it, which [`Import::abandon`] waits for.
#[derive(Debug)]
pub struct Import(mpsc::Sender<Step>);

impl Import {
    /// The store's end and the caller's end.
    #[must_use]
    pub fn channel() -> (mpsc::Receiver<Step>, Self) {
        let (steps, receiver) = mpsc::channel(BATCHES_WAITING_MAX);
        (receiver, Self(steps))
    }

    /// Stores a batch of rows in their order. A store that is away or busy for a few seconds is
    /// waited for.
    ///
    /// # Errors
    /// When the store fails; some rows of this batch may be stored then, unless it is all or
    /// nothing.
    pub async fn insert(&mut self, rows: Vec<NewResource>) -> Result<Outcomes, StoreError> {
        self.begin(rows).await?.outcomes().await
    }

    /// The same, but returns when the store has the batch, so that the next one can be made
    /// while this one is stored.
    ///
    /// # Errors
    /// When the store has failed before.
    pub async fn begin(&mut self, rows: Vec<NewResource>) -> Result<Pending, StoreError> {
        let (reply, answer) = oneshot::channel();
        let step = Step::Insert(rows, reply);
        self.0.send(step).await.map_err(|_| ended())?;
        Ok(Pending(answer))
    }

    /// Makes all of it durable and visible.
    ///
    /// # Errors
    /// When the store fails; nothing that was not acknowledged before is stored then.
    pub async fn commit(self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let step = Step::Commit(reply);
        self.0.send(step).await.map_err(|_| ended())?;
        let outcome = answer.await.map_err(|_| ended())?;
        self.0.closed().await;
        outcome
    }

    /// Drops the import and waits until the store has tidied up, which the end of the process
    /// would cut short.
    pub async fn abandon(self) {
        // A store whose import has failed takes no more steps.
        let _ = self.0.send(Step::Abandon).await;
        self.0.closed().await;
    }
}

/// A batch that is being stored.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<Outcomes, StoreError>>);

impl Pending {
    /// What came of its rows.
    ///
    /// # Errors
    /// As [`Import::insert`].
    pub async fn outcomes(self) -> Result<Outcomes, StoreError> {
        self.0.await.map_err(|_| ended())?
    }
}

fn ended() -> StoreError {
    StoreError::Internal("the import has ended".to_owned())
}
