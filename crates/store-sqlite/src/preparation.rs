//! Collections and their indexes as the definitions want them.

use std::sync::Arc;

use resources::schema::ResourceType;
use resources::store::{Duplicates, StoreError};
use rusqlite::{Connection, ErrorCode};

use super::duplicates;
use super::failure::failure;
use super::indexes::{self, Made, links_prefix, links_tables};
use super::session::Session;
use super::table::{Collection, quoted};

/// What was dropped: its kind and its name.
type Dropped = (String, String);

/// Prepares the collections of all these types, or none.
pub(super) fn prepare_all(
    session: &Session,
    types: &[Arc<ResourceType>],
) -> Result<(), StoreError> {
    let dropped = session.in_transaction(|| {
        let mut dropped = Vec::new();
        for resource_type in types {
            dropped.extend(prepare(session, resource_type)?);
        }
        Ok(dropped)
    })?;
    for (kind, name) in dropped {
        tracing::info!(name, "what is no longer declared so is dropped: {kind}");
    }
    Ok(())
}

/// Returns what it has dropped: its kind and its name.
fn prepare(session: &Session, resource_type: &ResourceType) -> Result<Vec<Dropped>, StoreError> {
    let connection = &session.connection;
    let greatest_id = register(connection, resource_type)?;
    let collection = Collection::new(resource_type);
    connection
        .execute_batch(&collection.create())
        .map_err(failure)?;
    let has_checksums =
        "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE name = 'checksum')";
    let has_checksums = connection.query_one(has_checksums, [&collection.table], |row| row.get(0));
    if !has_checksums.map_err(failure)? {
        let added = connection.execute_batch(&collection.add_checksum());
        added.map_err(failure)?;
    }
    make_links(connection, resource_type).map_err(failure)?;
    let (missing, dropped) =
        drop_undeclared(connection, &collection, resource_type).map_err(failure)?;
    for made in missing {
        let outcome = connection.execute_batch(&made.sql);
        outcome.map_err(|error| why_not_made(connection, resource_type, &made, &error))?;
    }
    let count = format!(
        "UPDATE collections SET resources = (SELECT count(*) FROM {}) \
         WHERE name = ?1 AND resources IS NULL",
        collection.quoted
    );
    let counted = connection.execute(&count, [&collection.name]);
    counted.map_err(failure)?;
    session
        .counters
        .raise(&resource_type.collection, greatest_id);
    Ok(dropped)
}

/// Names the resources that a unique index forbids, if that is the reason. Nothing of the whole
/// preparation is kept then.
fn why_not_made(
    connection: &Connection,
    resource_type: &ResourceType,
    made: &Made,
    error: &rusqlite::Error,
) -> StoreError {
    let is_unique = error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation);
    let mut indexes = resource_type.indexes.iter();
    let index = indexes.find(|index| indexes::index_name(resource_type, index) == made.name);
    let found = index.filter(|_| is_unique).and_then(|index| {
        let collection = Collection::new(resource_type);
        let wanted = Duplicates::NAMED_MAX + 1;
        duplicates::of_index(connection, &collection, index, wanted).ok()
    });
    let found = found.unwrap_or_default();
    let text = Duplicates::refuse(&found, &resource_type.name).unwrap_or_else(|| {
        format!(
            "the index over {} of '{}' cannot be made: {error}",
            made.over, resource_type.collection
        )
    });
    StoreError::Unusable(text)
}

/// Notes a collection with the kind of its ids, and returns the greatest integer id that it had.
fn register(connection: &Connection, resource_type: &ResourceType) -> Result<i64, StoreError> {
    let (name, kind) = (&resource_type.collection, resource_type.id.to_string());
    let note = "INSERT INTO collections (name, id_kind) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    connection.execute(note, (name, &kind)).map_err(failure)?;
    let look = "SELECT id_kind, greatest_id FROM collections WHERE name = ?1";
    let (known, greatest_id): (String, i64) = connection
        .query_one(look, [name], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(failure)?;
    if known != kind {
        let type_name = &resource_type.name;
        return Err(StoreError::Unusable(format!(
            "the collection '{name}' has ids of the kind {known}, but the definition of \
             '{type_name}' says {kind}"
        )));
    }
    Ok(greatest_id)
}

/// Drops what is over a table and not declared so, and gives what is declared and not there, and
/// what was dropped. An index holds no data, and a unique one that is no longer declared would refuse writes for no
/// reason that an operator could see.
fn drop_undeclared(
    connection: &Connection,
    collection: &Collection,
    resource_type: &ResourceType,
) -> rusqlite::Result<(Vec<Made>, Vec<Dropped>)> {
    let mut dropped = Vec::new();
    let mut wanted = indexes::wanted(resource_type);
    let made = "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ?1 \
                AND type IN ('index', 'trigger') AND sql IS NOT NULL";
    let mut statement = connection.prepare(made)?;
    let made = statement.query_map([&collection.table], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    for (kind, name, sql) in made.collect::<rusqlite::Result<Vec<(String, String, String)>>>()? {
        let is_it = |one: &Made| one.name == name && one.sql == sql;
        if let Some(at) = wanted.iter().position(is_it) {
            wanted.swap_remove(at);
            continue;
        }
        connection.execute_batch(&format!("DROP {kind} {}", quoted(&name)))?;
        dropped.push((kind, name));
    }
    Ok((wanted, dropped))
}

/// Makes and fills the tables of links, and drops those of relationships that are gone.
fn make_links(connection: &Connection, resource_type: &ResourceType) -> rusqlite::Result<()> {
    let prefix = links_prefix(&resource_type.collection);
    let made = "SELECT name FROM sqlite_schema WHERE type = 'table' \
                AND substr(name, 1, length(?1)) = ?1";
    let mut statement = connection.prepare(made)?;
    let made = statement.query_map([&prefix], |row| row.get(0))?;
    let made = made.collect::<rusqlite::Result<Vec<String>>>()?;
    let wanted = links_tables(resource_type);
    for name in &made {
        if !wanted.iter().any(|one| one.name == *name) {
            connection.execute_batch(&format!("DROP TABLE {}", quoted(name)))?;
        }
    }
    for links in wanted.iter().filter(|one| !made.contains(&one.name)) {
        connection.execute_batch(&links.create)?;
        connection.execute_batch(&links.fill)?;
    }
    Ok(())
}
