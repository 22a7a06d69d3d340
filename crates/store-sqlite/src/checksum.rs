//! Checksums of documents, so that bytes that have flipped on the disk are noticed when they are
//! read.

use std::fmt;

use resources::schema::Id;
use rusqlite::types::{ToSqlOutput, Type, ValueRef};
use rusqlite::{Row, ToSql};

use super::id::{SqlId, StoredId};

/// What a row is read as: `id, json(document), checksum`.
pub(super) const COLUMNS: &str = "id, json(document), checksum";

/// The document of the resource with this id does not have the checksum that it was stored with.
#[derive(Debug)]
pub(super) struct Damaged(Id);

impl std::error::Error for Damaged {}

impl fmt::Display for Damaged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(id) = self;
        write!(
            formatter,
            "the document of the resource '{id}' does not have the checksum that it was stored with"
        )
    }
}

/// The CRC-32 of the id and the text of a resource.
pub(super) fn checksum(id: &Id, text: &str) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    // An id is written into a statement without fail.
    match SqlId(id).to_sql() {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(bytes) | ValueRef::Text(bytes))) => {
            hasher.update(bytes);
        }
        Ok(ToSqlOutput::Borrowed(ValueRef::Integer(number))) => {
            hasher.update(&number.to_le_bytes());
        }
        _ => {}
    }
    hasher.update(text.as_bytes());
    hasher.finalize()
}

/// The id and the text of a row of [`COLUMNS`]. Rows of earlier versions have no checksum.
pub(super) fn resource<'r>(row: &'r Row<'_>) -> rusqlite::Result<(Id, &'r str)> {
    let StoredId(id) = row.get(0)?;
    let text = row.get_ref(1)?.as_str()?;
    let stored: Option<u32> = row.get(2)?;
    if stored.is_some_and(|stored| stored != checksum(&id, text)) {
        let damaged = Box::new(Damaged(id));
        return Err(rusqlite::Error::FromSqlConversionFailure(
            2,
            Type::Integer,
            damaged,
        ));
    }
    Ok((id, text))
}
