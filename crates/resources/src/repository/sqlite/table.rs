//! The table of one collection, in SQL.
//!
//! `position` is the order of creation, `document` holds the attributes as JSONB.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, ToSql};
use uuid::Uuid;

use crate::repository::Resource;
use crate::schema::{Id, IdKind, Index, ResourceType};

/// The name of a collection's table, quoted.
pub(super) struct Table(String);

impl Table {
    pub(super) fn of(resource_type: &ResourceType) -> Self {
        Self(quoted(&format!("collection:{}", resource_type.collection)))
    }

    pub(super) fn create(&self) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (position INTEGER PRIMARY KEY AUTOINCREMENT, \
             id ANY NOT NULL UNIQUE, document BLOB NOT NULL) STRICT",
            self.0
        )
    }

    pub(super) fn create_index(&self, of: &ResourceType, index: &Index) -> String {
        let unique = if index.unique { "UNIQUE " } else { "" };
        let keys: Vec<String> = index
            .keys
            .iter()
            .map(|key| {
                let path = serde_json::Value::from(key.attribute.as_str()).to_string();
                let order = if key.descending { " DESC" } else { "" };
                // `->>` gives NULL for null as for an absent member, and NULLs never clash.
                format!("(document ->> '$.{}'){order}", path.replace('\'', "''"))
            })
            .collect();
        let name = quoted(&index_name(of, index));
        format!(
            "CREATE {unique}INDEX IF NOT EXISTS {name} ON {} ({})",
            self.0,
            keys.join(", ")
        )
    }

    pub(super) fn count(&self) -> String {
        format!("SELECT count(*) FROM {}", self.0)
    }

    pub(super) fn page(&self) -> String {
        format!(
            "SELECT id, json(document) FROM {} ORDER BY position LIMIT ?1 OFFSET ?2",
            self.0
        )
    }

    pub(super) fn find(&self) -> String {
        format!("SELECT json(document) FROM {} WHERE id = ?1", self.0)
    }

    pub(super) fn insert(&self) -> String {
        format!(
            "INSERT INTO {} (id, document) VALUES (?1, jsonb(?2))",
            self.0
        )
    }

    pub(super) fn replace(&self) -> String {
        format!("UPDATE {} SET document = jsonb(?2) WHERE id = ?1", self.0)
    }

    pub(super) fn delete(&self) -> String {
        format!("DELETE FROM {} WHERE id = ?1", self.0)
    }

    /// Goes through the whole collection, until `visit` says that it has had enough.
    pub(super) fn for_each(
        &self,
        connection: &Connection,
        mut visit: impl FnMut(Resource) -> bool,
    ) -> rusqlite::Result<()> {
        let all = format!(
            "SELECT id, json(document) FROM {} ORDER BY position",
            self.0
        );
        let mut statement = connection.prepare(&all)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if !visit(resource(row)?) {
                break;
            }
        }
        Ok(())
    }
}

/// A row of `id, json(document)`.
pub(super) fn resource(row: &Row<'_>) -> rusqlite::Result<Resource> {
    Ok(Resource {
        id: row.get(0)?,
        attributes: row.get(1)?,
    })
}

pub(super) fn index_name(of: &ResourceType, index: &Index) -> String {
    let keys: Vec<String> = index
        .keys
        .iter()
        .map(|key| format!("{}{}", if key.descending { "-" } else { "" }, key.attribute))
        .collect();
    let unique = if index.unique { "unique " } else { "" };
    format!("{unique}index:{}:{}", of.collection, keys.join(","))
}

/// The kind as it is kept beside a collection.
pub(super) fn kind_name(kind: IdKind) -> String {
    kind.to_string()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl ToSql for Id {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::ObjectId(bytes) => ValueRef::Blob(bytes),
            Self::Uuid(uuid) => ValueRef::Blob(uuid.as_bytes()),
            Self::String(text) => ValueRef::Text(text.as_bytes()),
            Self::Integer(number) => ValueRef::Integer(*number),
        }))
    }
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Integer(number) => Ok(Self::Integer(number)),
            ValueRef::Text(_) => value.as_str().map(|text| Self::String(text.to_owned())),
            // A collection has ids of one kind, and the two that are bytes differ in length.
            ValueRef::Blob(bytes) => match <[u8; 12]>::try_from(bytes) {
                Ok(bytes) => Ok(Self::ObjectId(bytes)),
                Err(_) => Uuid::from_slice(bytes)
                    .map(Self::Uuid)
                    .map_err(FromSqlError::other),
            },
            ValueRef::Null | ValueRef::Real(_) => Err(FromSqlError::InvalidType),
        }
    }
}
