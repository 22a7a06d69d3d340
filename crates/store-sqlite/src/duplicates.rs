//! Values that a unique index forbids and several resources have.

use resources::schema::{Index, ResourceType};
use resources::store::Duplicates;
use rusqlite::Connection;

use super::id::StoredId;
use super::indexes::{unique_columns, unique_values};
use super::table::Collection;

/// At most so many of them, over all unique indexes of a type. Without a table there are none.
pub(super) fn find(
    connection: &Connection,
    resource_type: &ResourceType,
    limit: usize,
) -> rusqlite::Result<Vec<Duplicates>> {
    let mut found = Vec::new();
    let collection = Collection::new(resource_type);
    if !collection.is_there(connection)? {
        return Ok(found);
    }
    for index in resource_type.indexes.iter().filter(|index| index.unique) {
        let left = limit - found.len();
        found.extend(of_index(connection, &collection, index, left)?);
    }
    Ok(found)
}

/// SQLite sorts what it groups in files of its own where memory does not do:
/// <https://www.sqlite.org/tempfiles.html>.
pub(super) fn of_index(
    connection: &Connection,
    collection: &Collection,
    index: &Index,
    limit: usize,
) -> rusqlite::Result<Vec<Duplicates>> {
    let table = &collection.quoted;
    let columns = unique_columns(index).join(", ");
    let present: Vec<String> = unique_values(index)
        .iter()
        .map(|value| format!("({value}) IS NOT NULL"))
        .collect();
    let present = present.join(" AND ");
    let groups = format!(
        "SELECT g.count, one.id, other.id FROM \
         (SELECT count(*) AS count, min(position) AS first, max(position) AS last FROM {table} \
         WHERE {present} GROUP BY {columns} HAVING count(*) > 1 ORDER BY first LIMIT ?1) AS g \
         JOIN {table} AS one ON one.position = g.first \
         JOIN {table} AS other ON other.position = g.last ORDER BY g.first"
    );
    let mut statement = connection.prepare(&groups)?;
    let found = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
        let (StoredId(one), StoredId(other)) = (row.get(1)?, row.get(2)?);
        Ok(Duplicates {
            index: index.clone(),
            count: row.get(0)?,
            one,
            other,
        })
    })?;
    found.collect()
}
