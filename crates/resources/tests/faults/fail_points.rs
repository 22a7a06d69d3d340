//! Errors that the server is told to give, one by one and without end.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use resources::query::{Pagination, Query};
use resources::repository::{Repository, RepositoryError};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinSet;

use crate::ledger::{Ledger, Said};
use crate::server::{OPERATION_TIMEOUT, Operator, TestStore, uri_for_fail_points, with_option};

/// The codes after which drivers try once more:
/// <https://github.com/mongodb/specifications/blob/master/source/retryable-writes/retryable-writes.md>
const RETRYABLE: [i32; 11] = [6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435];

/// A server has one fail point, so one test at a time has it.
static FAIL_POINT: Mutex<()> = Mutex::const_new(());

async fn shared() -> (TestStore, Operator, MutexGuard<'static, ()>) {
    let (alone, uri) = (FAIL_POINT.lock().await, uri_for_fail_points());
    let store = TestStore::prepared(&uri).await;
    (store, Operator::connect(&uri).await, alone)
}

fn failing(commands: &[&str], code: i32) -> Document {
    doc! { "failCommands": commands, "errorCode": code }
}

async fn list(store: &TestStore) -> Result<u64, RepositoryError> {
    let page = Pagination {
        number: 1,
        size: 10,
    };
    let page = store.repository.list(&store.of, &Query { page }).await?;
    Ok(page.total)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_retryable_error_is_not_seen() {
    let (store, operator, _alone) = shared().await;
    let ledger = Ledger::default();
    for code in RETRYABLE {
        operator.fail(&store, 1, failing(&["find"], code)).await;
        list(&store)
            .await
            .unwrap_or_else(|error| panic!("{code}: {error}"));
        let mut write = failing(&["insert"], code);
        write.insert("errorLabels", vec!["RetryableWriteError"]);
        operator.fail(&store, 1, write).await;
        assert_eq!(ledger.send(&store, 1).await, Said::Done, "{code}");
    }
    operator
        .fail(
            &store,
            1,
            doc! { "failCommands": ["insert", "find"], "closeConnection": true },
        )
        .await;
    assert_eq!(ledger.send(&store, 1).await, Said::Done);
    ledger.assert_kept(&store).await;
    operator.drop_database(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_transient_error_in_a_transaction_is_not_seen() {
    let (store, operator, _alone) = shared().await;
    let ledger = Ledger::default();
    for code in RETRYABLE.into_iter().chain([24, 112, 251]) {
        for command in ["insert", "commitTransaction"] {
            let mut data = failing(&[command], code);
            data.insert("errorLabels", vec!["TransientTransactionError"]);
            operator.fail(&store, 1, data).await;
            assert_eq!(ledger.send(&store, 3).await, Said::Done, "{command} {code}");
        }
        let mut data = failing(&["commitTransaction"], code);
        data.insert("errorLabels", vec!["UnknownTransactionCommitResult"]);
        operator.fail(&store, 3, data).await;
        assert_eq!(ledger.send(&store, 3).await, Said::Done, "commit {code}");
    }
    let cut = doc! { "failCommands": ["commitTransaction"], "closeConnection": true };
    operator.fail(&store, 1, cut).await;
    assert_eq!(ledger.send(&store, 3).await, Said::Done);
    ledger.assert_kept(&store).await;
    operator.drop_database(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_without_end_are_answered_in_time_and_truthfully() {
    let (store, operator, _alone) = shared().await;
    let ledger = Ledger::default();
    for code in RETRYABLE.into_iter().chain([50, 14031]) {
        operator
            .fail(&store, "alwaysOn", failing(&["insert"], code))
            .await;
        let said = ledger.send(&store, 1).await;
        assert_ne!(said, Said::Done, "{code}");
        operator
            .fail(&store, "alwaysOn", failing(&["find", "aggregate"], code))
            .await;
        let error = list(&store).await.unwrap_err();
        assert!(
            matches!(
                error,
                RepositoryError::Unavailable(_) | RepositoryError::Busy(_)
            ),
            "{code}: {error:?}"
        );
        operator.fail(&store, "off", doc! {}).await;
        store.recovered().await;
    }
    ledger.assert_kept(&store).await;
    operator.drop_database(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_done_but_not_on_most_members_is_unknown() {
    let (store, operator, _alone) = shared().await;
    let ledger = Ledger::default();
    let unconfirmed = doc! {
        "failCommands": ["insert"],
        "writeConcernError": { "code": 64, "errmsg": "waiting for replication timed out" },
    };
    operator.fail(&store, 1, unconfirmed).await;
    assert_eq!(ledger.send(&store, 1).await, Said::Unknown);
    ledger.assert_kept(&store).await;
    operator.drop_database(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_given_up_in_time() {
    let (store, operator, _alone) = shared().await;
    let ledger = Ledger::default();
    let silent = doc! { "failCommands": ["insert"], "blockConnection": true, "blockTimeMS": 6000 };
    operator.fail(&store, 1, silent).await;
    let begun = Instant::now();
    assert_eq!(ledger.send(&store, 1).await, Said::Unknown);
    assert!(begun.elapsed() < OPERATION_TIMEOUT + Duration::from_millis(500));
    // Others are not held up, and the late answer disturbs nobody.
    assert_eq!(ledger.send(&store, 1).await, Said::Done);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(ledger.send(&store, 3).await, Said::Done);
    ledger.assert_kept(&store).await;
    operator.drop_database(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_pool_refuses_in_time_what_it_has_not_sent() {
    let _alone = FAIL_POINT.lock().await;
    let store = TestStore::prepared(&with_option(&uri_for_fail_points(), "maxPoolSize=2")).await;
    let operator = Operator::connect(&uri_for_fail_points()).await;
    let (store, ledger) = (
        std::sync::Arc::new(store),
        std::sync::Arc::<Ledger>::default(),
    );
    let slow = doc! { "failCommands": ["insert"], "blockConnection": true, "blockTimeMS": 1500 };
    operator.fail(&store, "alwaysOn", slow).await;
    let mut clients = JoinSet::new();
    for _ in 0..12 {
        let (store, ledger) = (store.clone(), ledger.clone());
        clients.spawn(async move { ledger.send(&store, 1).await });
    }
    let said = clients.join_all().await;
    operator.fail(&store, "off", doc! {}).await;
    assert!(
        said.contains(&Said::Done) && said.contains(&Said::NotDone),
        "{said:?}"
    );
    assert!(!said.contains(&Said::Unknown), "{said:?}");
    ledger.assert_kept(&store).await;
    operator.drop_database(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_is_interrupted_goes_on_where_it_was() {
    let (store, operator, _alone) = shared().await;
    let documents: Vec<Document> = (0..3500).map(|n| doc! { "n": n }).collect();
    operator
        .documents(&store)
        .insert_many(documents)
        .await
        .unwrap();
    let all: Vec<String> = (0..3500).map(|n| format!("{{\"n\":{n}}}")).collect();
    // Interrupted by a step-down; the cursor is not there any more; the cursor is killed.
    for code in [11602, 43, 237] {
        operator.fail(&store, 1, failing(&["getMore"], code)).await;
        let mut scan = store.repository.scan(&store.of).await.unwrap();
        let mut seen = Vec::new();
        while let Some(batch) = scan.next().await.unwrap() {
            seen.extend(batch.iter().map(|one| one.attributes.to_owned()));
        }
        assert_eq!(seen, all, "{code}");
    }
    operator.drop_database(&store).await;
}
