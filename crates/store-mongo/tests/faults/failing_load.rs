//! Errors that the server gives while many write and read.

use mongodb::bson::Document;
use test_servers::ledger::{Load, Said};
use test_servers::operator;

use crate::fail_points::{cut, failing, labelled, store_that_fails, unconfirmed};

const READS: [&str; 3] = ["find", "aggregate", "getMore"];
const WRITES: [&str; 4] = ["insert", "update", "delete", "findAndModify"];
const COMMIT: [&str; 1] = ["commitTransaction"];

/// Few enough to be over soon, many enough to hit several at once.
const TIMES: i32 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn errors_under_load_lose_and_double_nothing() {
    let (store, point) = store_that_fails().await;
    let mut load = Load::on_cut_connections(operator(), &store).await;
    let all = [&READS[..], &WRITES, &COMMIT].concat();
    let faults: [Document; 9] = [
        failing(&READS, 6),
        failing(&READS, 13436),
        labelled(&WRITES, 9001, &["RetryableWriteError"]),
        labelled(&WRITES, 11602, &["RetryableWriteError"]),
        labelled(&WRITES, 112, &["TransientTransactionError"]),
        labelled(&COMMIT, 251, &["TransientTransactionError"]),
        labelled(&COMMIT, 91, &["UnknownTransactionCommitResult"]),
        unconfirmed(&COMMIT),
        cut(&all),
    ];
    let mut unknown = 0;
    for fault in faults {
        load.acknowledged(20).await;
        point.times(TIMES, fault.clone());
        load.acknowledged(200).await;
        assert!(point.is_used_up(), "it has not happened: {fault}");
        unknown += usize::try_from(TIMES).unwrap();
    }
    load.acknowledged(50).await;
    load.undisturbed(50).await;
    load.assert_kept(unknown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_under_load_refuses_writes_and_loses_nothing() {
    let (store, point) = store_that_fails().await;
    let mut load = Load::start(&store).await;
    load.acknowledged(50).await;
    point.always(failing(&WRITES, 14031));
    while load.ledger().count(Said::NotDone) < 50 {
        tokio::task::yield_now().await;
    }
    point.off();
    load.acknowledged(50).await;
    load.undisturbed(50).await;
    load.assert_kept(0).await;
}
