//! The connection of the one thread that writes, and its transactions.

use std::sync::Arc;

use resources::store::StoreError;
use rusqlite::{Connection, ErrorCode, ffi};

use super::changes;
use super::failure::failure;
use super::id::Counters;
use super::watch::Watch;

/// What the jobs of the thread work with.
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) counters: Arc<Counters>,
    pub(super) watch: Arc<Watch>,
    pub(super) changes_kept: u32,
}

impl Session {
    /// Does work on the files if they are still ours, and says that it is done if they still are.
    pub(super) fn watched<T>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let watched = self.watch.begin()?;
        let outcome = work();
        let ended = watched.end();
        let outcome = outcome.and_then(|value| ended.map(|()| value).map_err(unknown));
        outcome.map_err(|error| self.watch.explain(error))
    }

    /// Runs `work` in a transaction that is committed if it succeeds.
    pub(super) fn in_transaction<T>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.execute("BEGIN IMMEDIATE")?;
        let outcome = work().and_then(|value| {
            self.commit()?;
            Ok(value)
        });
        if outcome.is_err() {
            self.roll_back();
        }
        outcome
    }

    /// Commits, and looks whether that went into files which are still ours.
    ///
    /// # Errors
    /// `OutcomeUnknown` when the transaction may be on the disk all the same.
    pub(super) fn commit(&self) -> Result<(), StoreError> {
        changes::trim(self).map_err(failure)?;
        let committed = self
            .connection
            .prepare_cached("COMMIT")
            .and_then(|mut statement| statement.execute([]));
        // Also where it is unknown whether it was done.
        self.watch.note_change();
        committed.map_err(commit_failure)?;
        self.watch.committed().map_err(unknown)
    }

    /// Ends a transaction that must leave nothing behind.
    pub(super) fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            let _ = self.execute("ROLLBACK");
        }
    }

    /// Some failures, such as a full disk, end the whole transaction. What follows would be
    /// committed alone.
    ///
    /// # Errors
    /// `Busy` if that has happened.
    pub(super) fn still_in_transaction(&self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() {
            let text = "the transaction was rolled back: the disk may be full";
            return Err(StoreError::Busy(text.to_owned()));
        }
        Ok(())
    }

    pub(super) fn execute(&self, sql: &str) -> Result<(), StoreError> {
        let done = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]));
        done.map(|_| ()).map_err(failure)
    }
}

/// A commit whose frames were written and could not be synced may be found at the next start:
/// <https://www.sqlite.org/walformat.html#recovery>. After a failure to write them it is not.
fn commit_failure(error: rusqlite::Error) -> StoreError {
    let is_unknown = error.sqlite_error().is_some_and(|reason| {
        reason.code == ErrorCode::SystemIoFailure && reason.extended_code != ffi::SQLITE_IOERR_WRITE
    });
    if is_unknown {
        return StoreError::OutcomeUnknown(error.to_string());
    }
    failure(error)
}

/// A failure after the commit. What is lost says so itself.
fn unknown(error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(text) => StoreError::OutcomeUnknown(text),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_that_could_not_be_synced_may_have_been_done() {
        for (code, is_unknown) in [
            (ffi::SQLITE_IOERR_FSYNC, true),
            (ffi::SQLITE_IOERR_WRITE, false),
            (ffi::SQLITE_FULL, false),
            (ffi::SQLITE_BUSY, false),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let means = commit_failure(error);
            let found = matches!(means, StoreError::OutcomeUnknown(_));
            assert_eq!(found, is_unknown, "{code}: {means}");
        }
    }
}
