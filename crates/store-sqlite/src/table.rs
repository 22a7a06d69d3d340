//! The table of a collection in SQL: how it is made and changed.
//!
//! `position` is the order of creation, `document` holds the members of a resource as JSONB,
//! `checksum` tells whether id and document are as they were stored.

use resources::schema::ResourceType;
use rusqlite::Connection;

/// A collection and its table.
pub(super) struct Collection {
    pub(super) name: String,
    /// The name of the table.
    pub(super) table: String,
    pub(super) quoted: String,
}

impl Collection {
    pub(super) fn new(resource_type: &ResourceType) -> Self {
        Self::named(&resource_type.collection)
    }

    pub(super) fn named(collection: &str) -> Self {
        let table = format!("collection:{}", folded(collection));
        Self {
            name: collection.to_owned(),
            quoted: quoted(&table),
            table,
        }
    }

    /// Whether it was ever made. A statement asks, and not `Connection::table_exists`: that knows
    /// nothing of a table that another connection made since this one last ran a statement.
    pub(super) fn is_there(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let find = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
        connection.query_one(find, [&self.table], |row| row.get(0))
    }

    pub(super) fn create(&self) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (position INTEGER PRIMARY KEY AUTOINCREMENT, \
             id ANY NOT NULL UNIQUE, document BLOB NOT NULL, checksum INTEGER) STRICT",
            self.quoted
        )
    }

    /// For tables of earlier versions.
    pub(super) fn add_checksum(&self) -> String {
        format!("ALTER TABLE {} ADD COLUMN checksum INTEGER", self.quoted)
    }

    pub(super) fn insert(&self) -> String {
        let table = &self.quoted;
        format!("INSERT INTO {table} (id, document, checksum) VALUES (?1, jsonb(?2), ?3)")
    }

    pub(super) fn replace(&self) -> String {
        let table = &self.quoted;
        format!("UPDATE {table} SET document = jsonb(?2), checksum = ?3 WHERE id = ?1")
    }

    pub(super) fn put(&self) -> String {
        format!(
            "{} ON CONFLICT (id) DO UPDATE SET document = excluded.document, \
             checksum = excluded.checksum",
            self.insert()
        )
    }

    pub(super) fn delete(&self) -> String {
        format!("DELETE FROM {} WHERE id = ?1", self.quoted)
    }
}

/// The path of a member in SQL: a literal, so that the text is that of an index.
pub(super) fn json_path<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let name = |name: &str| format!(".{}", serde_json::Value::from(name));
    let path: String = names.into_iter().map(name).collect();
    literal(&format!("${path}"))
}

/// A text in SQL.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// SQLite compares names without case, and a comma separates names here. Capital letters and
/// commas are marked, so that different names stay different.
pub(super) fn folded(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_uppercase() || matches!(character, '^' | ',' | ':') {
            folded.push('^');
        }
        folded.push(character.to_ascii_lowercase());
    }
    folded
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
