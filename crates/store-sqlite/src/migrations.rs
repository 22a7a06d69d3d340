//! The versions of the file's schema.

use resources::store::StoreError;
use rusqlite::Connection;

use super::failure::failure;
use super::file::pragma;

/// The position of the last one is the version of this program.
const MIGRATIONS: [&str; 4] = [
    include_str!("../migrations/0001-collections.sql"),
    include_str!("../migrations/0002-token.sql"),
    include_str!("../migrations/0003-counts.sql"),
    include_str!("../migrations/0005-idempotency-keys.sql"),
];

/// The greatest version that this program knows.
pub(super) const KNOWN: usize = MIGRATIONS.len();

/// Brings a file to the version of this program.
pub(super) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    let version: usize = pragma(connection, "user_version").map_err(failure)?;
    for (position, script) in MIGRATIONS.iter().enumerate().skip(version) {
        let reached = position + 1;
        connection
            .execute_batch(&format!(
                "BEGIN; {script} PRAGMA user_version = {reached}; COMMIT;"
            ))
            .map_err(failure)?;
    }
    Ok(())
}
