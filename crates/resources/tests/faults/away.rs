//! The server is not there, goes, or is not the primary any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mongodb::bson::doc;
use resources::repository::mongo::{MongoRepository, MongoSettings};
use resources::repository::{Repository, RepositoryError};

use crate::ledger::{Ledger, Load, Said};
use crate::own_server::OwnServer;
use crate::server::{Operator, TestStore, uri, with_option};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_starts_without_its_server_and_becomes_ready_by_itself() {
    let mut server = OwnServer::absent();
    let store = TestStore::connect(&server.uri()).await;
    store.repository.prepare(&store.of).await.unwrap();
    let ledger = Ledger::default();
    for _ in 0..3 {
        assert_eq!(ledger.send(&store, 1).await, Said::NotDone);
    }
    let begun = Instant::now();
    for _ in 0..100 {
        assert_eq!(ledger.send(&store, 1).await, Said::NotDone);
    }
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
    server.start();
    store.recovered().await;
    assert_eq!(ledger.send(&store, 3).await, Said::Done);
    let begun = Instant::now();
    while !store.repository.indexes(&store.of).await.unwrap()[0]
        .to_string()
        .ends_with("present")
    {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "the index was not made"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ledger.assert_kept(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_that_was_acknowledged() {
    let mut server = OwnServer::started();
    let store = TestStore::connect(&server.uri()).await;
    store.recovered().await;
    store.repository.prepare(&store.of).await.unwrap();
    let store = Arc::new(store);
    let load = Load::start(&store);
    for _ in 0..2 {
        load.acknowledged(100).await;
        server.kill();
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.start();
        load.acknowledged(50).await;
    }
    load.stop().await.assert_kept(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_down_of_the_primary_loses_nothing() {
    let server = OwnServer::started();
    let store = TestStore::connect(&server.uri()).await;
    store.recovered().await;
    store.repository.prepare(&store.of).await.unwrap();
    let store = Arc::new(store);
    let operator = Operator::connect(&server.uri()).await;
    let load = Load::start(&store);
    load.acknowledged(100).await;
    // One that is alone steps down only by force, and its connections may be cut.
    let step_down = doc! { "replSetStepDown": 1, "secondaryCatchUpPeriodSecs": 0, "force": true };
    let _ = operator.admin(step_down).await;
    load.acknowledged(100).await;
    load.stop().await.assert_kept(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_are_a_transient_failure_that_shows_none() {
    let server = uri().replacen("://", "://nobody:hunter2@", 1);
    let settings = MongoSettings::new(&with_option(&server, "authSource=admin"));
    let repository = MongoRepository::connect(settings).await.unwrap();
    let error = repository.ping().await.unwrap_err();
    assert!(
        matches!(error, RepositoryError::Unavailable(_)),
        "{error:?}"
    );
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
