//! What a failure of the driver means to whoever asked.

mod codes;
mod refusal;
mod text;

use mongodb::error::{
    Error, ErrorKind, NO_WRITES_PERFORMED, RETRYABLE_WRITE_ERROR, SYSTEM_OVERLOADED_ERROR,
    TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};

use self::codes::{State, meaning};
use super::writes::overtaken;
use resources::store::{Refusal, StoreError, WriteError};

pub(super) use self::refusal::{
    DUPLICATE_KEY, document_too_large, duplicate, duplicate_key, refused_document,
};
pub(super) use self::text::text;

const UNAUTHORIZED: i32 = 13;
const AUTHENTICATION_FAILED: i32 = 18;
const ILLEGAL_OPERATION: i32 = 20;
const UNKNOWN_WRITE_CONCERN: i32 = 79;
const UNSATISFIABLE_WRITE_CONCERN: i32 = 100;

/// Why an operation was not done.
#[derive(Debug)]
pub(super) enum Failure {
    Driver(Error),
    Refused(Refusal),
    Store(StoreError),
    /// A comparison with what is stored was no way to it: others were always faster, or it is no
    /// document that can be compared.
    NeedsTransaction,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Failure {
    /// As the answer to the write at a position of its unit.
    pub(super) fn of_write(self, index: usize) -> WriteError {
        match self {
            Self::Driver(error) => WriteError::Store(of_write(&error)),
            Self::Refused(refusal) => WriteError::Refused { index, refusal },
            Self::Store(error) => WriteError::Store(error),
            Self::NeedsTransaction => WriteError::Store(overtaken()),
        }
    }

    /// Whether the whole transaction is to be tried again.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Driver(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR))
    }
}

/// Whether a commit is to be sent again to learn what came of it.
pub(super) fn is_unknown_commit(error: &Error) -> bool {
    error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT)
}

/// Whether the server itself has said so.
pub(super) fn is_answer(error: &Error) -> bool {
    matches!(
        error.kind.as_ref(),
        ErrorKind::Command(_) | ErrorKind::Write(_)
    )
}

/// Of a read in several steps.
pub(super) fn read_failure(failure: Failure) -> StoreError {
    match failure {
        Failure::Driver(error) => of_read(&error),
        Failure::Store(error) => error,
        Failure::Refused(refusal) => StoreError::Internal(refusal.to_string()),
        Failure::NeedsTransaction => overtaken(),
    }
}

/// Of something that changes nothing, so that it can be asked for again.
pub(super) fn of_read(error: &Error) -> StoreError {
    let text = text(error);
    match error.kind.as_ref() {
        // Later attempts find no server to select, because the first was refused.
        ErrorKind::ServerSelection { message, .. }
        | ErrorKind::ConnectionPoolCleared { message, .. }
            if is_about_authentication(message) =>
        {
            refused_authentication()
        }
        ErrorKind::ServerSelection { message, .. } if is_about_versions(message) => {
            StoreError::Unusable(text)
        }
        ErrorKind::ServerSelection { .. }
        | ErrorKind::Io(_)
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::DnsResolve { .. }
        | ErrorKind::Shutdown => StoreError::Unavailable(text),
        // The driver also says so of a server that it has not reached yet.
        ErrorKind::Transaction { message, .. } if message.contains("not supported by this") => {
            StoreError::Unavailable(text)
        }
        ErrorKind::Authentication { .. } => refused_authentication(),
        ErrorKind::InvalidTlsConfig { .. }
        | ErrorKind::IncompatibleServer { .. }
        | ErrorKind::SessionsNotSupported => StoreError::Unusable(text),
        _ => of_code(error, text),
    }
}

fn of_code(error: &Error, text: String) -> StoreError {
    with_code(code(error), error, text)
}

/// Of one write of several that failed, without the others that may have been done.
pub(super) fn of_write_error(code: i32, error: &Error) -> StoreError {
    with_code(Some(code), error, text(error))
}

fn with_code(code: Option<i32>, error: &Error, text: String) -> StoreError {
    match code {
        Some(AUTHENTICATION_FAILED) => return refused_authentication(),
        Some(UNAUTHORIZED) => {
            return StoreError::Unusable(
                "the server does not allow it to the user of the connection string, or wants one"
                    .to_owned(),
            );
        }
        Some(ILLEGAL_OPERATION) if is_about_replication(&text) => return needs_replica_set(),
        _ => {}
    }
    let transient = [
        SYSTEM_OVERLOADED_ERROR,
        TRANSIENT_TRANSACTION_ERROR,
        RETRYABLE_WRITE_ERROR,
    ];
    match code.and_then(meaning) {
        Some((State::Away, _)) => StoreError::Unavailable(text),
        Some((State::Busy, _)) => StoreError::Busy(text),
        Some((State::Misused, _)) => StoreError::Unusable(match code {
            Some(UNKNOWN_WRITE_CONCERN | UNSATISFIABLE_WRITE_CONCERN) => {
                format!("the deployment cannot do what 'w' of the connection string says: {text}")
            }
            _ => text,
        }),
        None if transient.iter().any(|label| error.contains_label(label)) => StoreError::Busy(text),
        None => StoreError::Internal(text),
    }
}

/// The server's words, or those that the driver puts in their place.
fn is_about_replication(text: &str) -> bool {
    text.contains("replica set") || text.contains("does not support retryable writes")
}

/// Of a write: what was sent and not answered may have been done.
pub(super) fn of_write(error: &Error) -> StoreError {
    let unsent = error.contains_label(NO_WRITES_PERFORMED);
    let unanswered = match error.kind.as_ref() {
        // The error of a second attempt can hide that the first was sent.
        ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } => !unsent,
        // Done on the primary, and perhaps lost with it.
        ErrorKind::Write(WriteFailure::WriteConcernError(_)) => true,
        _ => is_unknown_commit(error) || is_uncertain(error) && !unsent,
    };
    if unanswered {
        StoreError::OutcomeUnknown(text(error))
    } else {
        of_read(error)
    }
}

/// Whether the server may have written before it failed.
fn is_uncertain(error: &Error) -> bool {
    match code(error).and_then(meaning) {
        Some((_, write)) => write == codes::Write::Uncertain,
        None => error.contains_label(RETRYABLE_WRITE_ERROR),
    }
}

/// As the driver says it of each mechanism.
fn is_about_authentication(message: &str) -> bool {
    ["SCRAM", "MONGODB-X509", "PLAIN", "MONGODB-OIDC"]
        .iter()
        .any(|mechanism| message.contains(&format!("{mechanism} failure: ")))
}

/// The driver selects no server while it knows one that is too old or too new for it.
fn is_about_versions(message: &str) -> bool {
    message.contains("wire version") && message.contains("but this version of the MongoDB Rust")
}

fn refused_authentication() -> StoreError {
    // The driver's text names the mechanism, and perhaps more than should be seen.
    StoreError::Unavailable("the server refused the authentication".to_owned())
}

/// Why a standalone server is not enough.
pub(super) fn needs_replica_set() -> StoreError {
    StoreError::Unusable(
        "several writes together need transactions, which the server has only as a replica set \
         (one member is enough) or a sharded cluster"
            .to_owned(),
    )
}

pub(super) fn code(error: &Error) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => Some(write.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(write)) => Some(write.code),
        _ => None,
    }
}

/// Whether the server lacks reads of one moment: it is standalone or older than 5.0.
pub(super) fn has_no_snapshots(error: &Error) -> bool {
    const NOT_A_REPLICA_SET: i32 = 123;
    const INVALID_OPTIONS: i32 = 72;
    match error.kind.as_ref() {
        ErrorKind::IncompatibleServer { .. } => true,
        _ => matches!(
            code(error),
            Some(ILLEGAL_OPERATION | NOT_A_REPLICA_SET | INVALID_OPTIONS)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_driver_says_in_words_alone_is_told_apart() {
        let old = "Server at h:1 reports wire version 8, but this version of the MongoDB Rust \
                   driver requires at least 9 (MongoDB 4.4).";
        let refused = "No available servers. Error: Kind: PLAIN failure: bad, labels: {}";
        let away = "No available servers. Max Wire Version: 25";
        for (message, versions, authentication) in [
            (old, true, false),
            (refused, false, true),
            (away, false, false),
        ] {
            assert_eq!(is_about_versions(message), versions, "{message}");
            assert_eq!(
                is_about_authentication(message),
                authentication,
                "{message}"
            );
        }
    }
}
