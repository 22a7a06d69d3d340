//! Ids as values of SQLite: 12 or 16 bytes, a text or an integer.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use uuid::Uuid;

use resources::schema::Id;

/// An id on its way into a statement.
pub(super) struct SqlId<'a>(pub(super) &'a Id);

/// An id from a row.
pub(super) struct StoredId(pub(super) Id);

impl ToSql for SqlId<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Id::ObjectId(bytes) => ValueRef::Blob(bytes),
            Id::Uuid(uuid) => ValueRef::Blob(uuid.as_bytes()),
            Id::String(text) => ValueRef::Text(text.as_bytes()),
            Id::Integer(number) => ValueRef::Integer(*number),
        }))
    }
}

impl FromSql for StoredId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(match value {
            ValueRef::Integer(number) => Id::Integer(number),
            ValueRef::Text(_) => Id::String(value.as_str()?.to_owned()),
            // A collection has ids of one kind, and the two that are bytes differ in length.
            ValueRef::Blob(bytes) => match <[u8; 12]>::try_from(bytes) {
                Ok(bytes) => Id::ObjectId(bytes),
                Err(_) => Id::Uuid(Uuid::from_slice(bytes).map_err(FromSqlError::other)?),
            },
            ValueRef::Null | ValueRef::Real(_) => return Err(FromSqlError::InvalidType),
        }))
    }
}
