//! Collections and their indexes as the definitions want them.

use std::sync::Arc;

use resources::schema::ResourceType;
use resources::store::StoreError;
use rusqlite::Connection;

use super::failure::failure;
use super::session::Session;
use super::table::Collection;
use super::table::index_name;

/// Prepares the collections of all these types, or none.
pub(super) fn prepare_all(
    session: &Session,
    types: &[Arc<ResourceType>],
) -> Result<(), StoreError> {
    session.in_transaction(|| {
        for resource_type in types {
            prepare(session, resource_type)?;
        }
        Ok(())
    })
}

fn prepare(session: &Session, resource_type: &ResourceType) -> Result<(), StoreError> {
    let connection = &session.connection;
    let greatest_id = register(connection, resource_type)?;
    let collection = Collection::new(resource_type);
    drop_undeclared(connection, &collection, resource_type).map_err(failure)?;
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
    for index in &resource_type.indexes {
        let made = connection.execute_batch(&collection.create_index(resource_type, index));
        made.map_err(|error| {
            StoreError::Unusable(format!(
                "the index over {} of '{}' cannot be made: {error}",
                index.attribute_names(),
                resource_type.collection
            ))
        })?;
    }
    session
        .counters
        .raise(&resource_type.collection, greatest_id);
    Ok(())
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

/// An index holds no data, and a unique one that is no longer declared would refuse writes for no
/// reason that an operator could see.
fn drop_undeclared(
    connection: &Connection,
    collection: &Collection,
    resource_type: &ResourceType,
) -> rusqlite::Result<()> {
    let declared: Vec<String> = resource_type
        .indexes
        .iter()
        .map(|index| index_name(resource_type, index))
        .collect();
    let made = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 \
                AND sql IS NOT NULL";
    let mut statement = connection.prepare(made)?;
    let names = statement.query_map([&collection.table], |row| row.get::<_, String>(0))?;
    for name in names.collect::<Result<Vec<_>, _>>()? {
        if !declared.contains(&name) {
            tracing::info!(
                index = name,
                "an index that is no longer declared is dropped"
            );
            connection.execute_batch(&format!("DROP INDEX \"{}\"", name.replace('"', "\"\"")))?;
        }
    }
    Ok(())
}
