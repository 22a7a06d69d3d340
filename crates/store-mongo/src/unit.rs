//! One unit of work, in whichever way the server does it soonest.

use resources::store::{Unit, WriteError, Written};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::failure::Stop;
use crate::{keys, transaction, write};

/// A single write is one or two requests, several are a transaction.
pub(crate) async fn write(
    store: &Connection,
    unit: &Unit,
    deadline: Instant,
) -> Result<Vec<Written>, WriteError> {
    store.counters.raise_for(&unit.writes).await?;
    if let Some(key) = &unit.key {
        return keys::write(store, unit, key, deadline).await;
    }
    match unit.writes.as_slice() {
        [] if unit.absences.is_empty() => Ok(Vec::new()),
        [write] if unit.absences.is_empty() => match write::single(store, write, deadline).await {
            Ok(written) => Ok(vec![written]),
            Err(stop @ (Stop::Overtaken | Stop::Incomparable)) => {
                transaction::write_one(store, write, deadline, stop).await
            }
            Err(stop) => Err(stop.at(0)),
        },
        _ => transaction::write(store, unit, deadline).await,
    }
}
