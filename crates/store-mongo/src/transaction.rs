//! Several writes together, as a transaction of the server.

use mongodb::ClientSession;
use mongodb::error::Error;
use mongodb::options::ReadConcern;
use resources::store::{StoreError, Unit, Write, WriteError, Written};
use tokio::time::Instant;

use crate::connection::{Connection, primary};
use crate::failure::{self, Intent, Stop, classify};
use crate::patience::{CONTENTION, Patience};
use crate::write::Session;

pub(crate) async fn begin(session: &mut ClientSession) -> Result<(), Error> {
    let begun = session.start_transaction().selection_criteria(primary());
    begun.read_concern(ReadConcern::snapshot()).await
}

/// Does one write in a transaction, because alone it was stopped.
pub(crate) async fn write_one(
    store: &Connection,
    write: &Write,
    deadline: Instant,
    stopped: Stop,
) -> Result<Vec<Written>, WriteError> {
    let unit = Unit::new(vec![write.clone()]);
    let outcome = self::write(store, &unit, deadline).await;
    outcome.map_err(|error| match error {
        // A standalone server has no transactions.
        WriteError::Store(StoreError::Unsupported(_)) => stopped.at(0),
        other => other,
    })
}

/// Tries the whole again while the server calls its failures transient, as the specification of
/// the drivers has it:
/// <https://github.com/mongodb/specifications/blob/master/source/transactions-convenient-api/transactions-convenient-api.md>
pub(crate) async fn write(
    store: &Connection,
    unit: &Unit,
    deadline: Instant,
) -> Result<Vec<Written>, WriteError> {
    let start = store.client.start_session().await;
    let mut client = start.map_err(|error| Stop::Driver(error).at(0))?;
    let client = &mut client;
    let mut patience = Patience::until(&CONTENTION, deadline);
    loop {
        begin(client)
            .await
            .map_err(|error| Stop::Driver(error).at(0))?;
        let mut session = Session {
            store,
            client: &mut *client,
            in_transaction: true,
            deadline,
        };
        let (index, stop) = match perform_all(&mut session, unit).await {
            Ok(written) => match commit(client, deadline).await {
                Ok(()) => return Ok(written),
                Err(stop) => (0, stop),
            },
            Err(stopped) => {
                // Best effort: the server drops an uncommitted transaction by itself.
                let _ = client.abort_transaction().await;
                stopped
            }
        };
        if !stop.is_transient() || !patience.wait().await {
            return Err(undone(stop, index));
        }
    }
}

async fn perform_all(
    session: &mut Session<'_>,
    unit: &Unit,
) -> Result<Vec<Written>, (usize, Stop)> {
    let mut written = Vec::with_capacity(unit.writes.len());
    for (index, write) in unit.writes.iter().enumerate() {
        let done = session.perform(write).await;
        written.push(done.map_err(|stop| (index, stop))?);
    }
    let last = unit.writes.len().saturating_sub(1);
    for absence in &unit.absences {
        let holds = session.holds(absence).await;
        holds.map_err(|stop| (last, stop))?;
    }
    if let Some(key) = &unit.key {
        let kept = session.keep(key, &written).await;
        kept.map_err(|stop| (last, stop))?;
    }
    Ok(written)
}

/// Sends the commit until its outcome is known, or the time is over.
///
/// # Errors
/// `OutcomeUnknown` also where a first commit had no answer and a later one did not reach the
/// server: that says nothing about the first.
pub(crate) async fn commit(client: &mut ClientSession, deadline: Instant) -> Result<(), Stop> {
    let mut patience = Patience::until(&CONTENTION, deadline);
    loop {
        let Err(error) = client.commit_transaction().await else {
            return Ok(());
        };
        let is_unknown = failure::is_unknown_commit(&error);
        if !is_unknown && (patience.attempts() == 0 || failure::is_answer(&error)) {
            return Err(error.into());
        }
        if !is_unknown || !patience.wait().await {
            let text = failure::text(&error);
            return Err(StoreError::OutcomeUnknown(text).into());
        }
    }
}

/// Unlike a single write, a part of a transaction that had no answer is certainly not done.
fn undone(stop: Stop, index: usize) -> WriteError {
    match stop {
        Stop::Driver(error) if !failure::is_unknown_commit(&error) => {
            classify(&error, Intent::Read).into()
        }
        other => other.at(index),
    }
}
