//! What a failure of SQLite means.

use resources::store::StoreError;
use rusqlite::ErrorCode;

use super::checksum::Damaged;

/// What a failure of SQLite means to the caller.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
pub(super) fn failure(error: rusqlite::Error) -> StoreError {
    let text = error.to_string();
    if let rusqlite::Error::FromSqlConversionFailure(_, _, reason) = &error
        && reason.is::<Damaged>()
    {
        return StoreError::Corrupt(reason.to_string());
    }
    // What SQLite says of a document whose bytes are no JSONB.
    if text.ends_with("malformed JSON") {
        return StoreError::Corrupt("a document is damaged".to_owned());
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt(text),
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::OutOfMemory,
        ) => StoreError::Busy(text),
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly) => {
            StoreError::Unavailable(text)
        }
        _ => StoreError::Internal(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_says_of_bytes_that_are_no_jsonb_what_is_looked_for() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let read = connection.query_one("SELECT json(x'cf00ff')", [], |_| Ok(()));
        let means = failure(read.unwrap_err());
        assert!(matches!(means, StoreError::Corrupt(_)), "{means}");
    }
}
