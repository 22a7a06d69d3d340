//! The primary of a replica set of three goes, and another one is elected.
//!
//! The set is what a driver sees of one, over a single server; see `replica_set.rs`.

use std::sync::Arc;
use std::time::Duration;

use test_servers::ledger::{Ledger, Load, Said, WRITERS};
use test_servers::{Operator, OwnServer, TestStore};

use crate::replica_set::ReplicaSet;

/// How long there is no primary; a real set takes some seconds, less than its 10 s of patience.
const ELECTION: Duration = Duration::from_millis(1500);

/// A set over a server of its own, and a store that uses it.
async fn set_in_use() -> (OwnServer, ReplicaSet, Arc<TestStore>) {
    let server = OwnServer::started(&[]);
    let set = ReplicaSet::over(&server.address()).await;
    let store = TestStore::prepared(&set.place()).await;
    (server, set, Arc::new(store))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loss_of_the_primary_loses_and_doubles_nothing() {
    let (server, mut set, store) = set_in_use().await;
    let server = Operator::new(&server.uri().into());
    let mut load = Load::on_cut_connections(&server, &store).await;
    load.acknowledged(50).await;
    for _ in 0..3 {
        let lost = set.kill_primary().await;
        tokio::time::sleep(ELECTION).await;
        set.elect((lost + 1) % 3);
        load.acknowledged(50).await;
        // Once more a member, it takes no writes: another is the primary.
        set.restart(lost).await;
        load.acknowledged(50).await;
    }
    load.undisturbed(50).await;
    load.assert_kept(3 * WRITERS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_steps_down_and_stays_loses_and_doubles_nothing() {
    let (server, set, store) = set_in_use().await;
    let server = Operator::new(&server.uri().into());
    let mut load = Load::on_cut_connections(&server, &store).await;
    load.acknowledged(50).await;
    for _ in 0..3 {
        let before = set.primary();
        set.step_down();
        tokio::time::sleep(ELECTION).await;
        set.elect((before + 1) % 3);
        load.acknowledged(50).await;
    }
    // At once, without a time in which nobody is the primary.
    set.elect((set.primary() + 1) % 3);
    load.acknowledged(50).await;
    load.undisturbed(50).await;
    load.assert_kept(4 * WRITERS).await;
    assert!(
        set.refused() > 0,
        "nobody asked a member that is not the primary"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_primary_nothing_is_acknowledged() {
    let (_server, mut set, store) = set_in_use().await;
    let ledger = Ledger::default();
    assert_eq!(ledger.send(&store, 1).await, Said::Done);
    let lost = set.kill_primary().await;
    // The first goes into a connection that nobody reads any more, which is not known then.
    assert_ne!(ledger.send(&store, 1).await, Said::Done);
    for size in [1, 3, 1, 3] {
        assert_eq!(ledger.send(&store, size).await, Said::NotDone);
    }
    set.restart(lost).await;
    assert_eq!(ledger.send(&store, 1).await, Said::NotDone);
    set.elect(lost);
    store.recovered().await;
    assert_eq!(ledger.send(&store, 3).await, Said::Done);
    ledger.assert_kept(&store).await;
}
