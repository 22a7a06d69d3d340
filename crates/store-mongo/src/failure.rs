//! What a failure of the driver means to the caller: one classification for all operations.

mod codes;
mod refusal;
mod text;

use mongodb::error::{
    Error, ErrorKind, NO_WRITES_PERFORMED, RETRYABLE_WRITE_ERROR, SYSTEM_OVERLOADED_ERROR,
    TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure as DriverWrite,
};
use resources::schema::{Id, ResourceType};
use resources::store::{KeyRefusal, Refusal, StoreError, WriteError, WriteFailure};

use self::codes::{State, meaning};

pub(crate) use self::refusal::{document_too_large, refusal_of_document};
pub(crate) use self::text::text;

pub(crate) const UNAUTHORIZED: i32 = 13;
const AUTHENTICATION_FAILED: i32 = 18;
const ILLEGAL_OPERATION: i32 = 20;
const INVALID_OPTIONS: i32 = 72;
const UNKNOWN_WRITE_CONCERN: i32 = 79;
const UNSATISFIABLE_WRITE_CONCERN: i32 = 100;
const NOT_A_REPLICA_SET: i32 = 123;

/// What was asked of the server: only a write can have an unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    Read,
    Write,
}

/// Why an operation stopped. An error of the driver stays as it is, because its labels decide
/// whether the transaction around the operation is tried again.
#[derive(Debug)]
pub(crate) enum Stop {
    Driver(Error),
    Refused(Refusal),
    Key(KeyRefusal),
    Store(StoreError),
    /// Other writers were always faster. A transaction helps.
    Overtaken,
    /// The stored document cannot be compared with itself. A transaction helps.
    Incomparable,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<KeyRefusal> for Stop {
    fn from(refusal: KeyRefusal) -> Self {
        Self::Key(refusal)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<WriteFailure> for Stop {
    fn from(failure: WriteFailure) -> Self {
        match failure {
            WriteFailure::Refused(refusal) => Self::Refused(refusal),
            WriteFailure::Store(error) => Self::Store(error),
        }
    }
}

impl Stop {
    /// The answer to a unit whose write at this position stopped.
    pub(crate) fn at(self, index: usize) -> WriteError {
        match self {
            Self::Driver(error) => classify(&error, Intent::Write).into(),
            Self::Refused(refusal) => WriteError::Refused { index, refusal },
            Self::Key(refusal) => refusal.into(),
            Self::Store(error) => error.into(),
            Self::Overtaken => overtaken().into(),
            Self::Incomparable => WriteError::Refused {
                index,
                refusal: refusal::incomparable(),
            },
        }
    }

    /// Whether the server says that the whole transaction may be tried again.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Driver(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR))
    }
}

/// What stopped the write of one document: a refusal where the server refused the document.
pub(crate) fn refusal_or_error(resource_type: &ResourceType, id: &Id, error: Error) -> Stop {
    let refusal = refusal::refusal(resource_type, id, &error);
    refusal.map_or(Stop::Driver(error), Stop::Refused)
}

/// Other writes to the same resource were always faster.
pub(crate) fn overtaken() -> StoreError {
    StoreError::Busy("other writes to the same resource were always faster".to_owned())
}

/// [`classify`] of a read.
#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
pub(crate) fn of_read(error: Error) -> StoreError {
    classify(&error, Intent::Read)
}

/// [`classify`] of a write.
#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
pub(crate) fn of_write(error: Error) -> StoreError {
    classify(&error, Intent::Write)
}

/// What an error of the driver says of the store.
pub(crate) fn classify(error: &Error, intent: Intent) -> StoreError {
    if intent == Intent::Write && may_be_done(error) {
        return StoreError::OutcomeUnknown(text(error));
    }
    match error.kind.as_ref() {
        // Later attempts find no server to select, because the first was refused.
        ErrorKind::ServerSelection { message, .. }
        | ErrorKind::ConnectionPoolCleared { message, .. }
            if is_about_authentication(message) =>
        {
            refused_authentication()
        }
        ErrorKind::ServerSelection { message, .. } if is_about_versions(message) => {
            StoreError::Unusable(text(error))
        }
        ErrorKind::ServerSelection { .. }
        | ErrorKind::Io(_)
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::DnsResolve { .. }
        | ErrorKind::Shutdown => StoreError::Unavailable(text(error)),
        // The driver says this also of a server that it has not reached yet.
        ErrorKind::Transaction { message, .. } if message.contains("not supported by this") => {
            StoreError::Unavailable(text(error))
        }
        ErrorKind::Authentication { .. } => refused_authentication(),
        ErrorKind::InvalidTlsConfig { .. }
        | ErrorKind::IncompatibleServer { .. }
        | ErrorKind::SessionsNotSupported => StoreError::Unusable(text(error)),
        _ => classify_code(error),
    }
}

fn classify_code(error: &Error) -> StoreError {
    let code = code(error);
    match code {
        Some(AUTHENTICATION_FAILED) => return refused_authentication(),
        Some(UNAUTHORIZED) => {
            return StoreError::Unusable(
                "the server does not allow it to the user of the connection string, or wants one"
                    .to_owned(),
            );
        }
        _ if needs_replica_set(error) => return replica_set_needed(),
        _ => {}
    }
    let text = text(error);
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

/// Whether the server may have done the write: it was sent, and there is no certain answer.
fn may_be_done(error: &Error) -> bool {
    let sent = !error.contains_label(NO_WRITES_PERFORMED);
    match error.kind.as_ref() {
        // The error of a second attempt can hide that the first was sent.
        ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } => sent,
        // Done on the primary, and perhaps lost with it.
        ErrorKind::Write(DriverWrite::WriteConcernError(_)) => true,
        ErrorKind::InsertMany(many) if many.write_concern_error.is_some() => true,
        _ if is_unknown_commit(error) => true,
        _ => {
            sent && match code(error).and_then(meaning) {
                Some((_, write)) => write == codes::Write::Uncertain,
                None => error.contains_label(RETRYABLE_WRITE_ERROR),
            }
        }
    }
}

/// Whether a commit is to be sent again to learn its outcome.
pub(crate) fn is_unknown_commit(error: &Error) -> bool {
    error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT)
}

/// Whether the server itself answered with this error.
pub(crate) fn is_answer(error: &Error) -> bool {
    matches!(
        error.kind.as_ref(),
        ErrorKind::Command(_) | ErrorKind::Write(_) | ErrorKind::InsertMany(_)
    )
}

/// The server's code. Of an insert of many it is the first that is not about a document.
pub(crate) fn code(error: &Error) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Write(DriverWrite::WriteError(write)) => Some(write.code),
        ErrorKind::Write(DriverWrite::WriteConcernError(write)) => Some(write.code),
        ErrorKind::InsertMany(many) => {
            let codes = many.write_errors.iter().flatten().map(|error| error.code);
            codes
                .into_iter()
                .find(|code| !refusal::is_of_document(*code))
        }
        _ => None,
    }
}

/// As the driver words it for each mechanism.
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
    // The driver's text names the mechanism, and may show more than that.
    StoreError::Unavailable("the server refused the authentication".to_owned())
}

/// Whether the server is a standalone one that was asked for a transaction or a retryable write.
fn needs_replica_set(error: &Error) -> bool {
    let message = match error.kind.as_ref() {
        ErrorKind::Command(command) => command.message.as_str(),
        ErrorKind::Write(DriverWrite::WriteError(write)) => write.message.as_str(),
        _ => return false,
    };
    let says = |words: &str| message.contains(words);
    says("Transaction numbers")
        || code(error) == Some(ILLEGAL_OPERATION)
            && (says("replica set") || says("does not support retryable writes"))
}

fn replica_set_needed() -> StoreError {
    StoreError::Unsupported(
        "several writes together need transactions, which the server has only as a replica set \
         (one member is enough) or a sharded cluster"
            .to_owned(),
    )
}

/// Whether the server lacks reads of one moment: it is standalone or older than 5.0.
pub(crate) fn has_no_snapshots(error: &Error) -> bool {
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
