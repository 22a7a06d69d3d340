//! Reads everything in a data directory that no process uses, and says what is damaged.

use std::path::Path;

use resources::store::StoreError;
use rusqlite::{Connection, Row};

use super::checksum::checksum;
use super::failure::failure;
use super::file;
use super::id::StoredId;
use super::lock::{FilesState, Lock};
use super::table::Collection;

/// Damages that are told; there may be more.
const DAMAGES_MAX: usize = 1000;

/// What a check has found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// Resources that were read.
    pub resources: u64,
    /// Those of them without a checksum, which earlier versions have stored.
    pub unchecked: u64,
    /// What is damaged, in the words of an operator, at most 1000 of them.
    pub damages: Vec<String>,
}

/// Reads the store of a data directory, also when the last process has lost it.
pub(super) fn check(data_dir: &Path, files_mode: u32) -> Result<Report, StoreError> {
    let path = data_dir.join(file::NAME);
    if !path.exists() {
        return Err(file::no_store(data_dir));
    }
    let lock = Lock::acquire(data_dir, files_mode)?;
    let mut report = Report::default();
    if let FilesState::Lost(reason) = &lock.last {
        report.damages.push(reason.clone());
        file::missing(&path, &FilesState::Unknown)?;
    } else {
        file::missing(&path, &lock.last)?;
    }
    let connection = file::open_to_look(&path)?;
    if let Err(error) = look(&connection, &mut report) {
        report.damages.push(error.to_string());
    }
    Ok(report)
}

pub(super) fn look(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({DAMAGES_MAX})"))?;
    let verdicts = statement.query_map([], |row| row.get::<_, String>(0))?;
    for verdict in verdicts {
        match verdict {
            Ok(verdict) if verdict == "ok" => {}
            Ok(verdict) => report.damages.push(verdict),
            Err(error) => report.damages.push(error.to_string()),
        }
    }
    let tables = "SELECT name, EXISTS (SELECT 1 FROM pragma_table_info(sqlite_schema.name) WHERE \
                  name = 'checksum') FROM sqlite_schema WHERE type = 'table' AND name GLOB 'collection:*'";
    let mut statement = connection.prepare(tables)?;
    let tables: Vec<(String, bool)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (table, has_checksums) in tables {
        if let Err(error) = look_into(connection, &table, has_checksums, report) {
            report.damages.push(format!("{table}: {}", failure(error)));
        }
    }
    look_at_numbers(connection, report)?;
    report.damages.truncate(DAMAGES_MAX);
    Ok(())
}

/// Whether the numbers of resources are right, which are given as totals. Files of earlier versions
/// have none.
fn look_at_numbers(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let has_numbers =
        "SELECT EXISTS (SELECT 1 FROM pragma_table_info('collections') WHERE name = 'resources')";
    if !connection.query_one(has_numbers, [], |row| row.get::<_, bool>(0))? {
        return Ok(());
    }
    let numbers = "SELECT name, resources FROM collections WHERE resources IS NOT NULL";
    let mut statement = connection.prepare(numbers)?;
    let numbers = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (name, noted) in numbers.collect::<rusqlite::Result<Vec<(String, i64)>>>()? {
        let table = Collection::named(&name).quoted;
        let count = format!("SELECT count(*) FROM {table}");
        let counted: i64 = connection.query_one(&count, [], |row| row.get(0))?;
        if counted != noted {
            let damage = format!("'{name}' has {counted} resources, not {noted} as is noted");
            report.damages.push(damage);
        }
    }
    Ok(())
}

fn look_into(
    connection: &Connection,
    table: &str,
    has_checksums: bool,
    report: &mut Report,
) -> rusqlite::Result<()> {
    let checksum = if has_checksums { "checksum" } else { "NULL" };
    // 8: only what is whole to the last byte.
    let all = format!(
        "SELECT id, CASE WHEN json_valid(document, 8) THEN json(document) END, {checksum} \
         FROM \"{}\" ORDER BY position",
        table.replace('"', "\"\"")
    );
    let mut statement = connection.prepare(&all)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        report.resources += 1;
        match whole(row) {
            Ok(has_checksum) => report.unchecked += u64::from(!has_checksum),
            Err(reason) if report.damages.len() < DAMAGES_MAX => {
                report.damages.push(format!("{table}: {reason}"));
            }
            Err(_) => {}
        }
    }
    Ok(())
}

/// Whether a row has a checksum, which it fits then.
fn whole(row: &Row<'_>) -> Result<bool, String> {
    let StoredId(id) = row
        .get(0)
        .map_err(|error| format!("an id is damaged: {error}"))?;
    let text = row
        .get_ref(1)
        .map(|text| text.as_str_or_null().ok().flatten());
    let Ok(Some(text)) = text else {
        return Err(format!("the document of the resource '{id}' is damaged"));
    };
    match row.get::<_, Option<u32>>(2) {
        Ok(None) => Ok(false),
        Ok(Some(stored)) if stored == checksum(&id, text) => Ok(true),
        _ => Err(format!("the resource '{id}' does not fit its checksum")),
    }
}
