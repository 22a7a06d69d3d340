//! What statements call that SQLite does not have.

use resources::query;
use resources::schema::{Id, IdKind, Stored};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use super::id::StoredId;

/// Makes the functions known to a connection.
///
/// - `folded(text)`: the text in lower case; NULL for what is no text.
/// - `id_member(id)`: an id of bytes as members of documents hold it.
/// - `member_id(text)`: the id of bytes that a text is; NULL for others.
/// - `decimal_key(text)`: bytes that compare as decimal numbers do; NULL for what is none.
pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("folded", 1, flags, |context| {
        Ok(text(context.get_raw(0)).map(query::folded))
    })?;
    connection.create_scalar_function("id_member", 1, flags, |context| {
        let StoredId(id) = context.get(0)?;
        Ok(id.to_string())
    })?;
    connection.create_scalar_function("member_id", 1, flags, |context| {
        Ok(text(context.get_raw(0)).and_then(id_of_bytes))
    })?;
    connection.create_scalar_function("decimal_key", 1, flags, |context| {
        Ok(text(context.get_raw(0)).and_then(|text| Stored::Decimal.key(text)))
    })
}

/// The function that gives the bytes by which values are compared; none where their texts compare
/// as they do.
pub(super) fn key_function(stored: Stored) -> Option<&'static str> {
    match stored {
        Stored::Decimal => Some("decimal_key"),
        Stored::Date | Stored::ObjectId | Stored::Uuid | Stored::Binary | Stored::Long => None,
    }
}

/// What a text in normal form is compared by.
pub(super) fn key_value(stored: Stored, text: &str) -> Value {
    match stored.key(text) {
        Some(key) => Value::Blob(key),
        None => Value::Text(text.to_owned()),
    }
}

fn text(value: ValueRef<'_>) -> Option<&str> {
    value.as_str().ok()
}

fn id_of_bytes(text: &str) -> Option<ToSqlOutput<'static>> {
    let ids = if text.len() == 24 {
        IdKind::ObjectId
    } else {
        IdKind::Uuid
    };
    // One spelling for one id.
    let id = ids.parse(text).ok().filter(|id| id.to_string() == text)?;
    let bytes = match id {
        Id::ObjectId(bytes) => bytes.to_vec(),
        Id::Uuid(uuid) => uuid.as_bytes().to_vec(),
        Id::String(_) | Id::Integer(_) => return None,
    };
    Some(ToSqlOutput::Owned(Value::Blob(bytes)))
}
