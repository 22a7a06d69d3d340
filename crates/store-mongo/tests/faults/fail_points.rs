//! Errors that the server is told to give: what all tests of them share, and slow answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use test_servers::ledger::{Ledger, Said};
use test_servers::{FailPoint, OPERATION_TIMEOUT, TestStore, shared_for_fail_points};
use tokio::task::JoinSet;

/// After these the driver takes the server for one that is not the primary, and looks for another.
pub(crate) const OF_ELECTIONS: [i32; 7] = [91, 189, 10107, 11600, 11602, 13435, 13436];

/// The other codes after which drivers try once more, reads at least:
/// <https://github.com/mongodb/specifications/blob/master/source/retryable-reads/retryable-reads.md>
pub(crate) const OF_NETWORKS: [i32; 6] = [6, 7, 89, 134, 262, 9001];

pub(crate) async fn store_that_fails() -> (Arc<TestStore>, FailPoint) {
    let store = TestStore::prepared(&shared_for_fail_points()).await;
    let point = FailPoint::new(&store.application);
    (Arc::new(store), point)
}

pub(crate) fn failing(commands: &[&str], code: i32) -> Document {
    doc! { "failCommands": commands, "errorCode": code }
}

pub(crate) fn labelled(commands: &[&str], code: i32, labels: &[&str]) -> Document {
    doc! { "failCommands": commands, "errorCode": code, "errorLabels": labels }
}

pub(crate) fn cut(commands: &[&str]) -> Document {
    doc! { "failCommands": commands, "closeConnection": true }
}

/// What the server has done, but not on most members in time.
pub(crate) fn unconfirmed(commands: &[&str]) -> Document {
    let error = doc! { "code": 64, "errmsg": "waiting for replication timed out" };
    doc! { "failCommands": commands, "writeConcernError": error }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_given_up_in_time() {
    let (store, point) = store_that_fails().await;
    let ledger = Ledger::default();
    let silent = doc! { "failCommands": ["insert"], "blockConnection": true, "blockTimeMS": 6000 };
    point.times(1, silent);
    let begun = Instant::now();
    assert_eq!(ledger.send(&store, 1).await, Said::Unknown);
    assert!(begun.elapsed() < OPERATION_TIMEOUT + Duration::from_millis(500));
    // Others are not held up, and the late answer disturbs nobody.
    assert_eq!(ledger.send(&store, 1).await, Said::Done);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(ledger.send(&store, 3).await, Said::Done);
    ledger.assert_kept(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_pool_refuses_in_time_what_it_has_not_sent() {
    let place = shared_for_fail_points().option("maxPoolSize", "2");
    let store = Arc::new(TestStore::prepared(&place).await);
    let point = FailPoint::new(&store.application);
    let ledger = Arc::<Ledger>::default();
    let slow = doc! { "failCommands": ["insert"], "blockConnection": true, "blockTimeMS": 1500 };
    point.always(slow);
    let mut clients = JoinSet::new();
    for _ in 0..12 {
        let (store, ledger) = (store.clone(), ledger.clone());
        clients.spawn(async move { ledger.send(&store, 1).await });
    }
    let said = clients.join_all().await;
    point.off();
    assert!(
        said.contains(&Said::Done) && said.contains(&Said::NotDone),
        "{said:?}"
    );
    assert!(!said.contains(&Said::Unknown), "{said:?}");
    ledger.assert_kept(&store).await;
}
