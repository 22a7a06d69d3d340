//! A unit of work: a single write is one or two requests, several are a transaction.

use std::sync::Arc;

use resources::store::{Unit, WriteError, Written};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::failure::{Intent, Stop};
use crate::{keys, transaction, write};

/// Does the writes of a unit, all of them or none.
pub(crate) async fn write(store: &Arc<Connection>, unit: Unit) -> Result<Vec<Written>, WriteError> {
    for write in &unit.writes {
        store.unprepared.admit(&write.resource_type)?;
    }
    let connection = store.clone();
    let (store, deadline) = (store.clone(), store.calls.deadline());
    let work = async move {
        match write_unit(&store, &unit, deadline).await {
            Err(WriteError::Store(error)) => Err(error),
            decided => {
                for (write, written) in unit.writes.iter().zip(decided.iter().flatten()) {
                    if let Written::Stored(resource) = written {
                        let bytes = resource.text.len();
                        store.pages.have_stored(&write.resource_type, bytes);
                    }
                }
                Ok(decided)
            }
        }
    };
    connection.calls.run(Intent::Write, work).await?
}

async fn write_unit(
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
