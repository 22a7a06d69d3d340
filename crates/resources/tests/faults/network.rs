//! The network is slow, hangs, or breaks in the middle of a message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ledger::{Ledger, Load, Said};
use crate::proxy::{Proxy, Weather};
use crate::server::{OPERATION_TIMEOUT, TestStore, uri};

/// The first host of the connection string of the tests.
async fn proxy() -> Proxy {
    let uri = uri();
    let (_, rest) = uri.split_once("://").unwrap();
    let hosts = rest.split(['/', '?']).next().unwrap();
    let host = hosts.rsplit('@').next().unwrap().split(',').next().unwrap();
    Proxy::start(host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_hangs_is_given_up_and_taken_up_again() {
    let proxy = proxy().await;
    let store = TestStore::prepared(&proxy.uri()).await;
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
async fn a_slow_network_only_slows() {
    let proxy = proxy().await;
    let store = Arc::new(TestStore::prepared(&proxy.uri()).await);
    proxy.set(Weather::Slow);
    let load = Load::start(&store);
    load.acknowledged(40).await;
    let ledger = load.stop().await;
    assert_eq!(ledger.count(Said::NotDone) + ledger.count(Said::Unknown), 0);
    proxy.set(Weather::Fair);
    ledger.assert_kept(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cuts_in_the_middle_of_requests_and_replies_lose_and_double_nothing() {
    let proxy = proxy().await;
    let store = Arc::new(TestStore::prepared(&proxy.uri()).await);
    let load = Load::start(&store);
    for cut in 0..20 {
        load.acknowledged(10).await;
        // Within a header, at its end, within a body.
        let after = [1, 15, 16, 40, 200][cut % 5];
        if cut % 2 == 0 {
            proxy.cut_reply_after(after);
        } else {
            proxy.cut_request_after(after);
        }
    }
    load.acknowledged(20).await;
    load.stop().await.assert_kept(&store).await;
}
