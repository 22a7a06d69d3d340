//! An import of all or nothing: every batch goes into one transaction.

use std::sync::Arc;

use mongodb::ClientSession;
use resources::schema::ResourceType;
use resources::store::{Outcomes, StoreError};

use super::batch::{Batch, errors_of_documents};
use crate::connection::Connection;
use crate::failure::{Intent, Stop, of_read, of_write};
use crate::transaction;

/// The transaction lives as long as the import, and no longer than the server allows:
/// `transactionLifetimeLimitSeconds`, 60 by default.
pub(super) struct Whole {
    store: Arc<Connection>,
    resource_type: Arc<ResourceType>,
    progress: Progress,
}

enum Progress {
    /// Nothing was sent yet.
    New,
    Open(Box<ClientSession>),
    /// A row was refused or the server failed: nothing of the import is stored.
    Over,
}

impl Whole {
    pub(super) fn new(store: Arc<Connection>, resource_type: Arc<ResourceType>) -> Self {
        Self {
            store,
            resource_type,
            progress: Progress::New,
        }
    }

    /// Adds a batch; the first refusal and the first failure end the import.
    pub(super) async fn insert(&mut self, batch: Batch) -> Result<Outcomes, StoreError> {
        let session = match std::mem::replace(&mut self.progress, Progress::Over) {
            Progress::Over => return Err(is_over()),
            Progress::Open(session) => Some(session),
            Progress::New => None,
        };
        let (store, of) = (self.store.clone(), self.resource_type.clone());
        let work = async move {
            let mut session = match session {
                Some(session) => session,
                None => Box::new(begun(&store).await?),
            };
            let mut errors = Vec::new();
            if !batch.documents.is_empty() {
                let collection = store.collection(&of);
                let inserted = collection.insert_many(batch.documents.iter());
                if let Err(error) = inserted.session(&mut *session).await {
                    errors = errors_of_documents(error).map_err(of_read)?;
                }
            }
            Ok((session, batch.outcomes(&of, &errors)))
        };
        // Nothing of a transaction without a commit is stored, whatever the server did.
        let outcome = self.store.calls.run(Intent::Read, work).await;
        let (session, outcomes) = outcome.map_err(nothing_stored)?;
        if outcomes.iter().all(Result::is_ok) {
            self.progress = Progress::Open(session);
        } else {
            abort(&self.store, session).await;
        }
        Ok(outcomes)
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let mut session = match self.progress {
            Progress::New => return Ok(()),
            Progress::Over => return Err(is_over()),
            Progress::Open(session) => session,
        };
        let deadline = self.store.calls.deadline();
        let work = async move {
            match transaction::commit(&mut session, deadline).await {
                Ok(()) => Ok(()),
                Err(Stop::Store(error)) => Err(error),
                Err(Stop::Driver(error)) => Err(nothing_stored(of_write(error))),
                Err(other) => Err(StoreError::Internal(format!("{other:?}"))),
            }
        };
        self.store.calls.run(Intent::Write, work).await
    }

    pub(super) async fn abort(self) {
        if let Progress::Open(session) = self.progress {
            abort(&self.store, session).await;
        }
    }
}

/// The server would hold the rows until the transaction's time is over.
async fn abort(store: &Connection, mut session: Box<ClientSession>) {
    let abort = async move { session.abort_transaction().await.map_err(of_read) };
    let _ = store.calls.run(Intent::Read, abort).await;
}

async fn begun(store: &Connection) -> Result<ClientSession, StoreError> {
    let mut session = store.client.start_session().await.map_err(of_read)?;
    transaction::begin(&mut session).await.map_err(of_read)?;
    Ok(session)
}

fn is_over() -> StoreError {
    StoreError::Internal("the import of all or nothing has ended before".to_owned())
}

/// Says what to do where the server interrupted the transaction.
fn nothing_stored(error: StoreError) -> StoreError {
    let advice = |text: &str| {
        format!("{text}; nothing of the import was stored, so the same file can be imported again")
    };
    match error {
        StoreError::Unavailable(text) => StoreError::Unavailable(advice(&text)),
        StoreError::Busy(text) => StoreError::Busy(advice(&text)),
        other => other,
    }
}
