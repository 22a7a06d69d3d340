//! Single writes and imports that the server answers with errors.

use test_servers::TestStore;
use test_servers::ledger::{Change, Kind, Ledger, Said};

use crate::fail_points::{
    OF_ELECTIONS, OF_NETWORKS, cut, failing, labelled, store_that_fails, unconfirmed,
};

const RETRYABLE: &str = "RetryableWriteError";
const UNPERFORMED: &str = "NoWritesPerformed";

/// What is written, and the command that is to fail meanwhile.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Insert,
    /// The id comes from a counter, and the counter fails: the document itself is not sent.
    Number,
    Update,
    Replace,
    Delete,
    Import,
}

const DEEDS: [Deed; 6] = [
    Deed::Insert,
    Deed::Number,
    Deed::Update,
    Deed::Replace,
    Deed::Delete,
    Deed::Import,
];

impl Deed {
    fn command(self) -> &'static str {
        match self {
            Self::Insert | Self::Import => "insert",
            Self::Number => "findAndModify",
            Self::Update | Self::Replace => "update",
            Self::Delete => "delete",
        }
    }

    /// Does it to a document that is there, if it needs one.
    async fn perform(self, ledger: &Ledger, store: &TestStore, there: usize) -> Said {
        let change = match self {
            Self::Import => return ledger.import(store, 3).await,
            Self::Insert => Change::Insert(ledger.new_document(Kind::Thing)),
            Self::Number => Change::Insert(ledger.new_document(Kind::Order)),
            Self::Update => Change::Count {
                document: there,
                writer: 0,
            },
            Self::Replace => Change::Replace(there),
            Self::Delete => Change::Delete(there),
        };
        ledger.perform(store, &[change]).await
    }
}

/// A code that costs the search for a primary fails one of the writes, any other fails all.
fn deeds(index: usize, code: i32) -> Vec<Deed> {
    if OF_ELECTIONS.contains(&code) {
        return vec![DEEDS[index % DEEDS.len()]];
    }
    DEEDS.to_vec()
}

/// The same for errors without end, which an import waits out for seconds: of those with one
/// meaning, one is enough.
fn impatient_deeds(index: usize, code: i32) -> Vec<Deed> {
    let mut deeds = deeds(index, code);
    deeds.retain(|deed| index == 0 || !matches!(deed, Deed::Import));
    deeds
}

/// A document for one write.
async fn thing(ledger: &Ledger, store: &TestStore) -> usize {
    let thing = ledger.new_document(Kind::Thing);
    let inserted = ledger.perform(store, &[Change::Insert(thing)]).await;
    assert_eq!(inserted, Said::Done);
    thing
}

#[tokio::test(flavor = "multi_thread")]
async fn one_retryable_error_is_not_seen_by_writes() {
    let (store, point) = store_that_fails().await;
    let ledger = Ledger::default();
    for (index, code) in OF_ELECTIONS.into_iter().chain(OF_NETWORKS).enumerate() {
        for deed in deeds(index, code) {
            for labels in [&[RETRYABLE][..], &[RETRYABLE, UNPERFORMED]] {
                let there = thing(&ledger, &store).await;
                point.times(1, labelled(&[deed.command()], code, labels));
                let said = deed.perform(&ledger, &store, there).await;
                assert_eq!(said, Said::Done, "{deed:?} {code} {labels:?}");
                point.assert_used_up();
            }
        }
    }
    for deed in DEEDS {
        let there = thing(&ledger, &store).await;
        point.times(1, cut(&[deed.command()]));
        let said = deed.perform(&ledger, &store, there).await;
        assert_eq!(said, Said::Done, "{deed:?}");
        point.assert_used_up();
    }
    ledger.assert_kept(&store).await;
}

/// What a writer learns of an error that stays: whether it may have been done before.
const WITHOUT_END: [(Said, &[i32]); 2] = [
    (
        Said::Unknown,
        &[6, 7, 50, 89, 91, 134, 189, 262, 9001, 11600, 11602, 13436],
    ),
    (Said::NotDone, &[24, 112, 251, 10107, 13435, 14031]),
];

#[tokio::test(flavor = "multi_thread")]
async fn errors_without_end_are_answered_to_writers_as_what_they_are() {
    let (store, point) = store_that_fails().await;
    let ledger = Ledger::default();
    for (expected, codes) in WITHOUT_END {
        for (index, code) in codes.iter().enumerate() {
            for deed in impatient_deeds(index, *code) {
                let there = thing(&ledger, &store).await;
                point.always(failing(&[deed.command()], *code));
                let said = deed.perform(&ledger, &store, there).await;
                let expected = match deed {
                    Deed::Number => Said::NotDone,
                    _ => expected,
                };
                assert_eq!(said, expected, "{deed:?} {code}");
                point.off();
                store.recovered().await;
            }
        }
    }
    ledger.assert_kept(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_that_it_has_written_nothing_is_believed() {
    let (store, point) = store_that_fails().await;
    let ledger = Ledger::default();
    for (index, code) in [91, 11602].into_iter().chain(OF_NETWORKS).enumerate() {
        for deed in impatient_deeds(index, code) {
            let there = thing(&ledger, &store).await;
            point.always(labelled(&[deed.command()], code, &[RETRYABLE, UNPERFORMED]));
            let said = deed.perform(&ledger, &store, there).await;
            assert_eq!(said, Said::NotDone, "{deed:?} {code}");
            point.off();
            store.recovered().await;
        }
    }
    ledger.assert_kept(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_done_but_not_on_most_members_is_unknown() {
    let (store, point) = store_that_fails().await;
    let ledger = Ledger::default();
    for deed in DEEDS {
        let there = thing(&ledger, &store).await;
        point.times(1, unconfirmed(&[deed.command()]));
        let said = deed.perform(&ledger, &store, there).await;
        let expected = match deed {
            // Asks again, until what it has sent is where it should be.
            Deed::Import => Said::Done,
            // An id that was reserved and not told is a gap: nothing was written.
            Deed::Number => Said::NotDone,
            _ => Said::Unknown,
        };
        assert_eq!(said, expected, "{deed:?}");
    }
    ledger.assert_kept(&store).await;
}
