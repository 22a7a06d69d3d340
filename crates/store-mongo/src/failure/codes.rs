//! What the codes of MongoDB's errors mean to the caller.
//!
//! Names and categories are those of the server's own list:
//! <https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml>. Which may be
//! tried again is in the specification of the drivers:
//! <https://github.com/mongodb/specifications/blob/master/source/retryable-writes/retryable-writes.md>.

/// What a code says of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Elections, shutdowns and networks: it cannot be reached now.
    Away,
    /// It answers, and cannot do this now.
    Busy,
    /// It cannot do what the settings say.
    Misused,
}

/// What a code says of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// It was refused before it began, or undone.
    Undone,
    /// It may have been done: by a server that was then cut off, or by an earlier attempt.
    Uncertain,
}

use State::{Away, Busy, Misused};
use Write::{Uncertain, Undone};

pub(super) type Meaning = (State, Write);

const MEANINGS: [(&[i32], Meaning); 16] = [
    // LegacyNotPrimary, NotWritablePrimary, NotPrimaryNoSecondaryOk: who is not the primary
    // has done nothing. NotYetInitialized, ElectionInProgress: nobody is the primary.
    (&[10058, 10107, 13435, 94, 216], (Away, Undone)),
    // HostUnreachable, HostNotFound, NetworkTimeout, ShutdownInProgress,
    // ReadConcernMajorityNotAvailableYet, PrimarySteppedDown, ExceededTimeLimit,
    // SocketException, InterruptedAtShutdown, InterruptedDueToReplStateChange,
    // NotPrimaryOrSecondary: the categories NetworkError, ShutdownError and NotPrimaryError.
    (
        &[6, 7, 89, 91, 134, 189, 262, 9001, 11600, 11602, 13436],
        (Away, Uncertain),
    ),
    // FailedToSatisfyReadPreference: mongos finds no primary of a shard, perhaps after it had
    // sent the write to one. NetworkInterfaceExceededTimeLimit, ConnectionError: mongos got
    // no answer from a shard. RetriableRemoteCommandFailure stands for such errors.
    (&[133, 202, 384, 91331], (Away, Uncertain)),
    // WriteConcernTimeout: done on the primary, and perhaps lost with it.
    (&[64], (Away, Uncertain)),
    // CursorNotFound, CursorKilled: nobody used it for minutes, or somebody killed it.
    // QueryPlanKilled: its collection or index was dropped or changed meanwhile.
    (&[43, 237, 175], (Busy, Undone)),
    // LockTimeout, WriteConflict, NoSuchTransaction: others were in the way.
    (&[24, 112, 251], (Busy, Undone)),
    // SnapshotTooOld, SnapshotUnavailable, StaleChunkHistory, MigrationConflict: the category
    // SnapshotError; a read or a transaction may begin again at a later moment.
    (&[239, 246, 250, 272], (Busy, Undone)),
    // TransactionExceededLifetimeLimitSeconds: the server has aborted it.
    (&[290], (Busy, Undone)),
    // OBSOLETE_StaleShardVersion, StaleEpoch, StaleDbVersion, StaleConfig: a shard refused
    // what was sent to it by an old map of the cluster, and mongos gets a new one.
    (&[63, 150, 249, 13388], (Busy, Undone)),
    // OutOfDiskSpace; UserWritesBlocked, while a cluster is synchronized with another.
    (&[14031, 371], (Busy, Undone)),
    // TemporarilyUnavailable, AdmissionQueueOverflow: the category SystemOverloadedError.
    // PooledConnectionAcquisitionExceededTimeLimit: mongos has sent nothing.
    (&[365, 433, 407], (Busy, Undone)),
    // ResourceExhausted and InterruptedDueToFCVChange: the category RetriableError, which
    // does not say how far it came.
    (&[402, 10_045_600], (Busy, Uncertain)),
    // MaxTimeMSExpired, Interrupted, ClientDisconnect, InterruptedDueToStorageChange,
    // ClientMarkedKilled: the category Interruption, which can come after the write.
    (&[50, 11601, 279, 355, 46841], (Busy, Uncertain)),
    // TransactionTooOld: a later write came in the same session, after this one was sent.
    (&[225], (Busy, Uncertain)),
    // UnknownReplWriteConcern, UnsatisfiableWriteConcern: servers write first and then look
    // for whom to wait.
    (&[79, 100], (Misused, Uncertain)),
    // InvalidOptions
    (&[72], (Misused, Undone)),
];

/// What is known of a code; of others the labels of the error decide.
pub(super) fn meaning(code: i32) -> Option<Meaning> {
    let known = MEANINGS.iter().find(|(codes, _)| codes.contains(&code));
    known.map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use bson::doc;
    use mongodb::error::{Error, ErrorKind, WriteFailure};

    use super::super::{of_read, of_write};
    use super::MEANINGS;
    use resources::store::StoreError;

    fn command(code: i32) -> Error {
        let answer = doc! { "code": code, "codeName": "Name", "errmsg": "text" };
        ErrorKind::Command(bson::deserialize_from_document(answer).unwrap()).into()
    }

    fn unmet_write_concern(code: i32, labels: &[&str]) -> Error {
        let labels: Vec<bson::Bson> = labels.iter().map(|label| (*label).into()).collect();
        let answer = doc! { "code": code, "errmsg": "text", "errorLabels": labels };
        let concern = bson::deserialize_from_document(answer).unwrap();
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)).into()
    }

    fn kind(error: &StoreError) -> &'static str {
        match error {
            StoreError::Unavailable(_) => "unavailable",
            StoreError::Busy(_) => "busy",
            StoreError::OutcomeUnknown(_) => "unknown",
            StoreError::Unusable(_) => "unusable",
            StoreError::Unsupported(_) => "unsupported",
            StoreError::Internal(_) => "internal",
            StoreError::Corrupt(_) => "corrupt",
            StoreError::Lost(_) => "lost",
            StoreError::Unprepared(_) => "unprepared",
        }
    }

    #[test]
    fn each_code_means_this_to_a_read_and_to_a_write() {
        for (codes, read, write) in [
            (
                &[94, 216, 10058, 10107, 13435][..],
                "unavailable",
                "unavailable",
            ),
            (
                &[6, 7, 89, 91, 134, 189, 262, 9001, 11600, 11602, 13436],
                "unavailable",
                "unknown",
            ),
            (&[64, 133, 202, 384, 91331], "unavailable", "unknown"),
            (&[24, 43, 112, 175, 237, 251], "busy", "busy"),
            (&[239, 246, 250, 272, 290], "busy", "busy"),
            (&[63, 150, 249, 13388], "busy", "busy"),
            (&[365, 371, 407, 433, 14031], "busy", "busy"),
            (&[50, 225, 279, 355, 402, 11601, 46841], "busy", "unknown"),
            (&[79, 100], "unusable", "unknown"),
            (&[13, 72], "unusable", "unusable"),
            (&[18], "unavailable", "unavailable"),
            (&[1, 2, 66, 121], "internal", "internal"),
        ] {
            for code in codes {
                let error = command(*code);
                assert_eq!(kind(&of_read(error.clone())), read, "{code} of a read");
                assert_eq!(kind(&of_write(error)), write, "{code} of a write");
            }
        }
    }

    #[test]
    fn each_code_has_one_meaning() {
        let all: Vec<i32> = MEANINGS
            .iter()
            .flat_map(|(codes, _)| *codes)
            .copied()
            .collect();
        let different: std::collections::BTreeSet<&i32> = all.iter().collect();
        assert_eq!(all.len(), different.len());
    }

    #[test]
    fn a_write_whose_write_concern_is_not_met_may_be_lost_and_is_never_refused() {
        for code in [64, 79, 91, 100, 121, 11602] {
            let error = of_write(unmet_write_concern(code, &["RetryableWriteError"]));
            assert_eq!(kind(&error), "unknown", "{code}");
        }
    }

    #[test]
    fn what_no_list_knows_is_decided_by_the_labels() {
        let error = |label| unmet_write_concern(99_999, &[label]);
        assert_eq!(kind(&of_read(error("SystemOverloadedError"))), "busy");
        assert_eq!(kind(&of_read(error("TransientTransactionError"))), "busy");
        assert_eq!(kind(&of_read(error("RetryableWriteError"))), "busy");
        assert_eq!(kind(&of_read(error("other"))), "internal");
    }

    #[test]
    fn settings_that_the_server_cannot_do_are_said_with_its_reason() {
        let error = of_read(command(79)).to_string();
        assert!(error.contains("'w' of the connection string"), "{error}");
        assert!(error.contains("Name (79)"), "{error}");
    }
}
