//! The network is slow, hangs, or breaks in the middle of a message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use test_servers::ledger::{Ledger, Load, Said, WRITERS};
use test_servers::{
    ConnectionString, OPERATION_TIMEOUT, Proxy, TestStore, Weather, address_of_primary, operator,
    shared,
};

/// Before the primary of the shared deployment.
async fn proxy() -> (Proxy, ConnectionString) {
    let proxy = Proxy::start(&address_of_primary()).await;
    let place = shared().only(&proxy.address.to_string());
    (proxy, place)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_hangs_is_given_up_and_taken_up_again() {
    let (proxy, place) = proxy().await;
    let store = TestStore::prepared(&place).await;
    let ledger = Ledger::default();
    assert_eq!(ledger.send(&store, 1).await, Said::Done);
    proxy.set(Weather::Still);
    let mut answers = Vec::new();
    for _ in 0..3 {
        let begun = Instant::now();
        assert_ne!(ledger.send(&store, 1).await, Said::Done);
        assert!(begun.elapsed() < OPERATION_TIMEOUT + Duration::from_millis(500));
        answers.push(begun.elapsed());
    }
    // After two failures nobody waits any more.
    assert!(answers[2] < Duration::from_millis(100), "{answers:?}");
    proxy.set(Weather::Fair);
    store.recovered().await;
    assert_eq!(ledger.send(&store, 3).await, Said::Done);
    tokio::time::sleep(Duration::from_millis(500)).await;
    ledger.assert_kept(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_hangs_under_load_loses_and_doubles_nothing() {
    let (proxy, place) = proxy().await;
    let store = Arc::new(TestStore::prepared(&place).await);
    let mut load = Load::on_cut_connections(operator(), &store).await;
    load.acknowledged(50).await;
    proxy.set(Weather::Still);
    tokio::time::sleep(OPERATION_TIMEOUT + Duration::from_millis(500)).await;
    assert!(load.ledger().count(Said::Unknown) > 0, "nothing was held");
    // What was held arrives now, after all that waited for it have been answered.
    proxy.set(Weather::Fair);
    load.acknowledged(50).await;
    load.undisturbed(50).await;
    load.assert_kept(2 * WRITERS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_network_only_slows() {
    let (proxy, place) = proxy().await;
    let store = Arc::new(TestStore::prepared(&place).await);
    proxy.set(Weather::Slow);
    let mut load = Load::start(&store).await;
    load.undisturbed(40).await;
    proxy.set(Weather::Fair);
    assert_eq!(load.ledger().count(Said::NotDone), 0);
    load.assert_kept(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cuts_in_the_middle_of_requests_and_replies_lose_and_double_nothing() {
    const CUTS: usize = 20;
    let (proxy, place) = proxy().await;
    let store = Arc::new(TestStore::prepared(&place).await);
    let mut load = Load::on_cut_connections(operator(), &store).await;
    for cut in 0..CUTS {
        load.acknowledged(10).await;
        while proxy.cuts() < cut {
            load.acknowledged(1).await;
        }
        // Within a header, at its end, within a body.
        let after = [1, 15, 16, 40, 200][cut % 5];
        if cut % 2 == 0 {
            proxy.cut_reply_after(after);
        } else {
            proxy.cut_request_after(after);
        }
    }
    load.acknowledged(50).await;
    assert_eq!(proxy.cuts(), CUTS);
    load.undisturbed(20).await;
    load.assert_kept(CUTS).await;
}
