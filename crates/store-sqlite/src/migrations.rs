//! The versions of the schema, and the way from one to the next.

use resources::store::StoreError;
use rusqlite::Connection;

use super::failure::failure;
use super::file::pragma;

/// The schema's versions; the position of the last one is the version of this program.
pub(super) const MIGRATIONS: [&str; 6] = [
    include_str!("../migrations/0001-collections.sql"),
    include_str!("../migrations/0002-token.sql"),
    include_str!("../migrations/0003-counts.sql"),
    include_str!("../migrations/0004-definitions.sql"),
    include_str!("../migrations/0005-idempotency-keys.sql"),
    include_str!("../migrations/0006-changes.sql"),
];

/// Brings a file of an earlier version to the last one.
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
