//! What a store tells of the changes of a collection, as they are committed.

use tokio::sync::mpsc;

use super::{Resource, StoreError};
use crate::schema::Id;

/// Batches that may wait between a store and whoever watches; one more may wait to be the next.
pub(crate) const BATCHES_WATCHED_MAX: usize = 1;

/// A place in the history of a store, in its own words: visible ASCII without blanks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Point(String);

impl Point {
    /// The place that a store calls so.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What the store calls it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What was done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// It was stored under an id that no resource had.
    Created,
    /// It was changed or replaced.
    Updated,
    /// It was removed.
    Deleted,
}

/// One change of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The place behind the change, which is the same for all who watch.
    pub point: Point,
    /// What was done.
    pub kind: EventKind,
    /// To which resource.
    pub id: Id,
    /// The resource as that change or a later one left it; `None` where it is gone by now.
    pub resource: Option<Resource>,
}

/// The next changes of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// The changes in the order in which they were committed; there may be none.
    pub events: Vec<Event>,
    /// Up to here, all that there was is told.
    pub passed: Point,
    /// Whether the store had no more at a moment after the batch before this one was told. While
    /// nothing changes, it says so every second or so.
    pub is_end: bool,
}

/// Why a store tells of no changes, or of no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// The place is not in the history that is kept, or was never in it.
    #[error("the history of changes does not go back to that place")]
    Gone,
    /// The store cannot tell of changes, for this reason.
    #[error("the datastore tells of no changes: {0}")]
    Unsupported(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The changes of a collection from a place on, without end.
#[derive(Debug)]
pub struct Watching {
    /// Where it begins: every change behind this place is told, and none before it.
    pub from: Point,
    batches: mpsc::Receiver<Result<Events, WatchError>>,
}

impl Watching {
    /// The store's end and the watcher's end. The store stops when the watcher's end is dropped.
    #[must_use]
    pub fn channel(from: Point) -> (mpsc::Sender<Result<Events, WatchError>>, Self) {
        let (sender, batches) = mpsc::channel(BATCHES_WATCHED_MAX);
        (sender, Self { from, batches })
    }

    /// Waits for the next changes. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the store cannot go on; there is nothing more then, but another one may begin at the
    /// place that was passed last.
    pub async fn next(&mut self) -> Result<Events, WatchError> {
        let ended = || StoreError::Unavailable("the store has stopped".to_owned());
        let next = self.batches.recv().await;
        next.unwrap_or_else(|| Err(ended().into()))
    }
}
