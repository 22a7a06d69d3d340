//! The table of a collection and its indexes, in SQL: how they are made and changed.
//!
//! `position` is the order of creation, `document` holds the members of a resource as JSONB,
//! `checksum` tells whether id and document are as they were stored.

use resources::schema::{Index, IndexKey, ResourceType};

/// A collection and its table.
pub(super) struct Collection {
    /// The name of the table.
    pub(super) table: String,
    pub(super) quoted: String,
}

impl Collection {
    pub(super) fn new(resource_type: &ResourceType) -> Self {
        let table = format!("collection:{}", folded(&resource_type.collection));
        Self {
            quoted: quoted(&table),
            table,
        }
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

    pub(super) fn create_index(&self, resource_type: &ResourceType, index: &Index) -> String {
        let keys: Vec<String> = index
            .keys
            .iter()
            .map(|key| key_columns(key, index.unique))
            .collect();
        format!(
            "CREATE {}INDEX IF NOT EXISTS {} ON {} ({})",
            if index.unique { "UNIQUE " } else { "" },
            quoted(&index_name(resource_type, index)),
            self.quoted,
            keys.join(", ")
        )
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

pub(super) fn index_name(resource_type: &ResourceType, index: &Index) -> String {
    let keys: Vec<String> = index
        .keys
        .iter()
        .map(|key| {
            format!(
                "{}{}",
                if key.descending { "-" } else { "" },
                folded(&key.attribute)
            )
        })
        .collect();
    let kind = if index.unique {
        "unique index"
    } else {
        "index"
    };
    format!(
        "{kind}:{}:{}",
        folded(&resource_type.collection),
        keys.join(",")
    )
}

/// `->>` gives NULL for null and for an absent member, and NULLs never clash. A unique index holds
/// the kind of the value too, since `->>` turns true into the number 1.
fn key_columns(key: &IndexKey, unique: bool) -> String {
    let name = serde_json::Value::from(key.attribute.as_str()).to_string();
    let path = format!("'$.{}'", name.replace('\'', "''"));
    let order = if key.descending { " DESC" } else { "" };
    let value = format!("(document ->> {path}){order}");
    if !unique {
        return value;
    }
    format!(
        "{value}, (CASE json_type(document, {path}) WHEN 'real' THEN 'integer' \
         ELSE json_type(document, {path}) END)"
    )
}

/// SQLite compares names without case, and a comma separates names here. Capital letters and
/// commas are marked, so that different names stay different.
fn folded(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_uppercase() || matches!(character, '^' | ',' | ':') {
            folded.push('^');
        }
        folded.push(character.to_ascii_lowercase());
    }
    folded
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
