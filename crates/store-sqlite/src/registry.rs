//! What is noted of each collection beside its resources.

use resources::schema::ResourceType;
use rusqlite::{Connection, OptionalExtension};

/// The names of all collections that have resources, in their order.
pub(super) fn collections(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    // Of files that were never opened by this version nothing is counted.
    let all = "SELECT name FROM collections WHERE resources IS NOT 0 ORDER BY name";
    let mut statement = connection.prepare_cached(all)?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect()
}

/// The definition that was noted last.
pub(super) fn definition(
    connection: &Connection,
    resource_type: &ResourceType,
) -> rusqlite::Result<Option<String>> {
    let noted = "SELECT definition FROM collections WHERE name = ?1";
    let mut statement = connection.prepare_cached(noted)?;
    let noted = statement.query_row([&resource_type.collection], |row| row.get(0));
    Ok(noted.optional()?.flatten())
}

/// Notes a definition.
pub(super) fn note_definition(
    connection: &Connection,
    resource_type: &ResourceType,
    fingerprint: &str,
) -> rusqlite::Result<()> {
    let note = "UPDATE collections SET definition = ?2 WHERE name = ?1";
    let mut statement = connection.prepare_cached(note)?;
    statement
        .execute([resource_type.collection.as_str(), fingerprint])
        .map(drop)
}
