//! The table of one collection, in SQL.
//!
//! `position` is the order of creation, `document` holds the attributes as JSONB.

use rusqlite::{Connection, Rows};

use resources::store::Resources;
use resources::schema::{Id, Index, IndexKey, ResourceType};

/// The table of a collection.
pub(super) struct Table {
    /// Its name.
    pub(super) name: String,
    quoted: String,
}

impl Table {
    pub(super) fn of(resource_type: &ResourceType) -> Self {
        let name = format!("collection:{}", folded(&resource_type.collection));
        Self {
            quoted: quoted(&name),
            name,
        }
    }

    pub(super) fn create(&self) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (position INTEGER PRIMARY KEY AUTOINCREMENT, \
             id ANY NOT NULL UNIQUE, document BLOB NOT NULL) STRICT",
            self.quoted
        )
    }

    pub(super) fn create_index(&self, of: &ResourceType, index: &Index) -> String {
        let keys: Vec<String> = index
            .keys
            .iter()
            .map(|key| key_columns(key, index.unique))
            .collect();
        format!(
            "CREATE {}INDEX IF NOT EXISTS {} ON {} ({})",
            if index.unique { "UNIQUE " } else { "" },
            quoted(&index_name(of, index)),
            self.quoted,
            keys.join(", ")
        )
    }

    pub(super) fn count(&self) -> String {
        format!("SELECT count(*) FROM {}", self.quoted)
    }

    pub(super) fn page(&self) -> String {
        format!(
            "SELECT id, json(document) FROM {} ORDER BY position LIMIT ?1 OFFSET ?2",
            self.quoted
        )
    }

    pub(super) fn find(&self) -> String {
        format!("SELECT json(document) FROM {} WHERE id = ?1", self.quoted)
    }

    pub(super) fn insert(&self) -> String {
        format!(
            "INSERT INTO {} (id, document) VALUES (?1, jsonb(?2))",
            self.quoted
        )
    }

    pub(super) fn replace(&self) -> String {
        format!(
            "UPDATE {} SET document = jsonb(?2) WHERE id = ?1",
            self.quoted
        )
    }

    pub(super) fn delete(&self) -> String {
        format!("DELETE FROM {} WHERE id = ?1", self.quoted)
    }

    /// Goes through the whole collection, until `visit` says that it has had enough.
    pub(super) fn for_each(
        &self,
        connection: &Connection,
        mut visit: impl FnMut(Id, &str) -> bool,
    ) -> rusqlite::Result<()> {
        let all = format!(
            "SELECT id, json(document) FROM {} ORDER BY position",
            self.quoted
        );
        let mut statement = connection.prepare(&all)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if !visit(row.get(0)?, row.get_ref(1)?.as_str()?) {
                break;
            }
        }
        Ok(())
    }
}

/// Adds rows of `id, json(document)`.
pub(super) fn collect(mut rows: Rows<'_>) -> rusqlite::Result<Resources> {
    let mut resources = Resources::default();
    while let Some(row) = rows.next()? {
        let StoredId(id) = row.get(0)?;
        resources.push(id, row.get_ref(1)?.as_str()?);
    }
    Ok(resources)
}

pub(super) fn index_name(of: &ResourceType, index: &Index) -> String {
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
    format!("{kind}:{}:{}", folded(&of.collection), keys.join(","))
}

/// `->>` gives NULL for null as for an absent member, and NULLs never clash. In a unique index the
/// kind of the value stands beside it: `->>` makes true the number 1, and a list its text.
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

/// SQLite takes `Name` and `name` for the same, and a comma stands between names here: both are
/// marked, so that different names stay different.
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
