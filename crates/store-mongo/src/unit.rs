//! A unit of work: one write as one request, several as a transaction.

use mongodb::ClientSession;
use mongodb::options::{ReadConcern, ReadPreference, SelectionCriteria};
use tokio::time::Instant;

use super::Connection;
use super::failure::{self, Failure};
use super::writes::{Place, overtaken, pause};
use resources::store::{StoreError, Write, WriteError, Written};

pub(super) async fn write(
    store: &Connection,
    unit: &[Write],
    deadline: Instant,
) -> Result<Vec<Written>, WriteError> {
    let session = store.client.start_session().await;
    let mut session = session.map_err(|error| Failure::Driver(error).of_write(0))?;
    match unit {
        [] => Ok(Vec::new()),
        [write] => {
            let mut place = Place {
                store,
                session: &mut session,
                in_transaction: false,
                deadline,
            };
            match place.perform(write).await {
                Err(Failure::NeedsTransaction) => {
                    let outcome = transaction(store, unit, &mut session, deadline).await;
                    outcome.map_err(|error| match error {
                        // A standalone server has none.
                        WriteError::Store(StoreError::Unusable(_)) => overtaken().into(),
                        other => other,
                    })
                }
                outcome => Ok(vec![outcome.map_err(|failure| failure.of_write(0))?]),
            }
        }
        _ => transaction(store, unit, &mut session, deadline).await,
    }
}

pub(super) fn primary() -> SelectionCriteria {
    SelectionCriteria::ReadPreference(ReadPreference::Primary)
}

/// Tries the whole again while the server calls its failures transient, as the specification of
/// the drivers has it:
/// <https://github.com/mongodb/specifications/blob/master/source/transactions-convenient-api/transactions-convenient-api.md>
async fn transaction(
    store: &Connection,
    unit: &[Write],
    session: &mut ClientSession,
    deadline: Instant,
) -> Result<Vec<Written>, WriteError> {
    let mut attempt = 0;
    loop {
        let begun = session.start_transaction().selection_criteria(primary());
        let begun = begun.read_concern(ReadConcern::snapshot()).await;
        begun.map_err(|error| Failure::Driver(error).of_write(0))?;
        let mut place = Place {
            store,
            session: &mut *session,
            in_transaction: true,
            deadline,
        };
        let (index, failure) = match attempt_all(&mut place, unit).await {
            Ok(written) => match commit(session, deadline).await {
                Ok(()) => return Ok(written),
                Err(failure) => (0, failure),
            },
            Err(failed) => {
                // Nothing of it is visible either way; the server drops what is not committed.
                let _ = session.abort_transaction().await;
                failed
            }
        };
        if !failure.is_transient() {
            return Err(undone(failure, index));
        }
        if pause(attempt, deadline).await.is_err() {
            return Err(undone(failure, index));
        }
        attempt += 1;
    }
}

async fn attempt_all(
    place: &mut Place<'_>,
    unit: &[Write],
) -> Result<Vec<Written>, (usize, Failure)> {
    let mut written = Vec::with_capacity(unit.len());
    for (index, write) in unit.iter().enumerate() {
        match place.perform(write).await {
            Ok(done) => written.push(done),
            Err(failure) => return Err((index, failure)),
        }
    }
    Ok(written)
}

/// Sends the commit until it is known what came of it, or the time is over.
///
/// # Errors
/// `OutcomeUnknown` also where a first commit had no answer and a later one did not reach the
/// server: that says nothing about the first.
pub(super) async fn commit(session: &mut ClientSession, deadline: Instant) -> Result<(), Failure> {
    let mut attempt = 0;
    loop {
        let Err(error) = session.commit_transaction().await else {
            return Ok(());
        };
        let is_unknown = failure::is_unknown_commit(&error);
        if !is_unknown && (attempt == 0 || failure::is_answer(&error)) {
            return Err(error.into());
        }
        if !is_unknown || pause(attempt, deadline).await.is_err() {
            let text = failure::text(&error);
            return Err(StoreError::OutcomeUnknown(text).into());
        }
        attempt += 1;
    }
}

/// Unlike a single write, a part of a transaction that got no answer is surely not done.
fn undone(failure: Failure, index: usize) -> WriteError {
    match failure {
        Failure::Driver(error) if !failure::is_unknown_commit(&error) => {
            WriteError::Store(match failure::of_read(&error) {
                StoreError::Internal(text) if text.contains("Transaction numbers") => {
                    failure::needs_replica_set()
                }
                known => known,
            })
        }
        other => other.of_write(index),
    }
}
