//! Ids as values of SQLite (12 or 16 bytes, a text or an integer), and those that are given out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use resources::schema::Id;
use resources::store::StoreError;
use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Value, ValueRef};
use uuid::Uuid;

/// An id on its way into a statement.
pub(super) struct SqlId<'a>(pub(super) &'a Id);

/// An id from a row.
pub(super) struct StoredId(pub(super) Id);

/// An id as a value of its own.
pub(super) fn sql_value(id: &Id) -> Value {
    match id {
        Id::ObjectId(bytes) => Value::Blob(bytes.to_vec()),
        Id::Uuid(uuid) => Value::Blob(uuid.as_bytes().to_vec()),
        Id::String(text) => Value::Text(text.clone()),
        Id::Integer(number) => Value::Integer(*number),
    }
}

/// An id as `->>` gives it where a member of a document holds it.
pub(super) fn member_value(id: &Id) -> Value {
    match id {
        Id::Integer(number) => Value::Integer(*number),
        other => Value::Text(other.to_string()),
    }
}

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

/// The greatest integer id of each collection that was given out or stored. It is kept in memory,
/// since one process owns the file; an id that was given out and never stored may come again
/// after a restart.
#[derive(Default)]
pub(super) struct Counters(Mutex<HashMap<String, i64>>);

impl Counters {
    /// The next ids of a collection.
    pub(super) fn next(&self, collection: &str, count: usize) -> Result<Vec<Id>, StoreError> {
        let mut counters = self.counters();
        let unprepared = || StoreError::Internal(format!("'{collection}' is not prepared"));
        let greatest = counters.get_mut(collection).ok_or_else(unprepared)?;
        let last = i64::try_from(count)
            .ok()
            .and_then(|count| greatest.checked_add(count))
            .ok_or_else(|| StoreError::Unusable("there is no integer id left".to_owned()))?;
        let ids = (*greatest + 1..=last).map(Id::Integer).collect();
        *greatest = last;
        Ok(ids)
    }

    /// Keeps this id and those below from being given out.
    pub(super) fn raise(&self, collection: &str, number: i64) {
        let mut counters = self.counters();
        match counters.get_mut(collection) {
            Some(greatest) => *greatest = number.max(*greatest),
            None => drop(counters.insert(collection.to_owned(), number)),
        }
    }

    fn counters(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
