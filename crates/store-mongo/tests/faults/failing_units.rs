//! Transactions that the server answers with errors.

use test_servers::ledger::{Ledger, Said};

use crate::fail_points::{
    OF_ELECTIONS, OF_NETWORKS, cut, failing, labelled, store_that_fails, unconfirmed,
};

const TRANSIENT: &str = "TransientTransactionError";
const UNKNOWN: &str = "UnknownTransactionCommitResult";

/// Others are in the way: a lock, a write, a transaction that is gone, a snapshot that is, one
/// that is prepared.
const OF_CONFLICTS: [i32; 5] = [24, 112, 246, 251, 267];

#[tokio::test(flavor = "multi_thread")]
async fn one_transient_error_in_a_transaction_is_not_seen() {
    let (store, point) = store_that_fails().await;
    let ledger = Ledger::default();
    let codes = OF_ELECTIONS.into_iter().chain(OF_NETWORKS);
    for code in codes.chain(OF_CONFLICTS) {
        for command in ["insert", "commitTransaction"] {
            point.times(1, labelled(&[command], code, &[TRANSIENT]));
            assert_eq!(ledger.send(&store, 3).await, Said::Done, "{command} {code}");
            point.assert_used_up();
        }
        point.times(3, labelled(&["commitTransaction"], code, &[UNKNOWN]));
        assert_eq!(ledger.send(&store, 3).await, Said::Done, "commit {code}");
        point.assert_used_up();
    }
    for data in [
        cut(&["insert"]),
        cut(&["commitTransaction"]),
        unconfirmed(&["commitTransaction"]),
    ] {
        point.times(1, data.clone());
        assert_eq!(ledger.send(&store, 3).await, Said::Done, "{data}");
        point.assert_used_up();
    }
    ledger.assert_kept(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_transaction_that_always_fails_leaves_nothing_of_it() {
    let (store, point) = store_that_fails().await;
    let ledger = Ledger::default();
    let codes = [91, 10107, 50, 14031, 24].into_iter().chain(OF_NETWORKS);
    for code in codes {
        point.always(labelled(&["insert"], code, &[]));
        assert_eq!(ledger.send(&store, 3).await, Said::NotDone, "{code}");
        point.off();
        store.recovered().await;
    }
    ledger.assert_kept(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_always_fails_is_never_acknowledged() {
    let (store, point) = store_that_fails().await;
    let ledger = Ledger::default();
    let commit = ["commitTransaction"];
    for (data, expected) in [
        (failing(&commit, 91), &[Said::Unknown][..]),
        (unconfirmed(&commit), &[Said::Unknown]),
        // The time may be over while the last attempt is on its way.
        (
            labelled(&commit, 251, &[TRANSIENT]),
            &[Said::NotDone, Said::Unknown],
        ),
    ] {
        point.always(data.clone());
        let said = ledger.send(&store, 3).await;
        assert!(expected.contains(&said), "{said:?}: {data}");
        point.off();
        store.recovered().await;
    }
    ledger.assert_kept(&store).await;
}
