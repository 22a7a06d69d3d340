//! What is kept under idempotency keys, in the same file and the same transactions as the rest.

use resources::store::{KeptAnswer, Key, KeyRefusal, StoreError, WriteError, Written, now};
use rusqlite::{Connection, OptionalExtension};

use super::failure::failure;
use super::session::Session;

/// What one key takes beside its texts, in bytes: its row and its entries in two indexes.
const AROUND: usize = 256;

/// Keys that go in one transaction when they have expired.
const SWEPT_MAX: usize = 500;

/// What stands against a unit with this key.
pub(super) fn met(connection: &Connection, key: &Key) -> rusqlite::Result<Option<KeyRefusal>> {
    let find =
        "SELECT fingerprint, answer FROM idempotency_keys WHERE name = ?1 AND expires_at > ?2";
    let mut statement = connection.prepare_cached(find)?;
    let met = statement.query_row((&key.name, now()), |row| {
        let fingerprint: Vec<u8> = row.get(0)?;
        Ok(key.met(&fingerprint, KeptAnswer::kept(row.get(1)?)))
    });
    met.optional()
}

/// Keeps what a unit with this key has left.
pub(super) fn keep(session: &Session, key: &Key, written: &[Written]) -> Result<(), WriteError> {
    let answer = key.answer(written)?;
    let bytes = (AROUND + key.name.len() + answer.text().len()) as u64;
    let kept = || {
        let connection = &session.connection;
        let mut statement = connection.prepare_cached("SELECT bytes FROM idempotency_kept")?;
        let held: u64 = statement.query_one([], |row| row.get(0))?;
        if held + bytes > key.limits.bytes_max {
            return Ok(false);
        }
        // It may be there, and have expired.
        let gone = "DELETE FROM idempotency_keys WHERE name = ?1";
        connection.prepare_cached(gone)?.execute([&key.name])?;
        let keep = "INSERT INTO idempotency_keys (name, fingerprint, answer, expires_at, bytes) \
                    VALUES (?1, ?2, ?3, ?4, ?5)";
        let row = (
            &key.name,
            &key.fingerprint[..],
            answer.text(),
            key.expires_at(),
            bytes,
        );
        connection.prepare_cached(keep)?.execute(row)?;
        Ok(true)
    };
    if kept().map_err(failure)? {
        Ok(())
    } else {
        Err(KeyRefusal::NoRoom.into())
    }
}

/// Removes some of those that have expired, and says whether there may be more.
pub(super) fn sweep(session: &Session) -> Result<bool, StoreError> {
    let is_expired = "SELECT EXISTS (SELECT 1 FROM idempotency_keys WHERE expires_at <= ?1)";
    let connection = &session.connection;
    let expired = connection.query_one(is_expired, [now()], |row| row.get::<_, bool>(0));
    // A commit is a change for those who keep what they have read.
    if !expired.map_err(failure)? {
        return Ok(false);
    }
    session.in_transaction(|| {
        let expired = "DELETE FROM idempotency_keys WHERE rowid IN \
                       (SELECT rowid FROM idempotency_keys WHERE expires_at <= ?1 \
                        ORDER BY expires_at LIMIT ?2)";
        let gone = connection.execute(expired, (now(), SWEPT_MAX));
        Ok(gone.map_err(failure)? == SWEPT_MAX)
    })
}
