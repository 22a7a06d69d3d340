//! The server is not there, cannot be found, or does not let anybody in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mongodb::bson::doc;
use resources::store::{Store, StoreError};
use store_mongo::{MongoSettings, MongoStore};
use test_servers::ledger::{Ledger, Load, Said, WRITERS};
use test_servers::{Operator, OwnServer, Proxy, TestStore, polling, shared};

/// A writer may wait for a server that takes it before it is refused.
const REFUSED_WITHIN: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_store_starts_without_its_server_and_becomes_ready_by_itself() {
    let mut server = OwnServer::absent();
    let store = TestStore::connect(&server.uri().into()).await;
    store.prepare().await;
    let ledger = Ledger::default();
    for size in [1, 3, 1] {
        assert_eq!(ledger.send(&store, size).await, Said::NotDone);
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
    while !store.mongo.indexes(&store.things).await.unwrap()[0]
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
async fn refused_credentials_are_a_transient_failure_that_shows_none() {
    let place = shared().credentials("nobody", "hunter2");
    let place = place.option("authSource", "admin").to_string();
    let settings = MongoSettings::new(&place);
    let repository = MongoStore::connect(settings).await.unwrap();
    let error = repository.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

/// A name that there never will be: <https://www.rfc-editor.org/rfc/rfc6761#section-6.4>.
async fn by_a_name_that_there_is_not() -> StoreError {
    let settings = MongoSettings::new("mongodb+srv://nobody:hunter2@cluster.shop.invalid/shop");
    let error = MongoStore::connect(settings).await.map(drop).unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
    error
}

#[cfg(feature = "mongodb-srv")]
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_whose_name_is_not_resolved_is_away() {
    let begun = Instant::now();
    let error = by_a_name_that_there_is_not().await;
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "too late");
}

#[cfg(not(feature = "mongodb-srv"))]
#[tokio::test(flavor = "multi_thread")]
async fn a_build_without_dns_refuses_the_name_of_a_cluster() {
    let error = by_a_name_that_there_is_not().await;
    let StoreError::Unusable(text) = &error else {
        panic!("{error:?}")
    };
    assert!(text.contains("mongodb+srv"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_changed_under_load_and_back_again_loses_nothing() {
    let server = OwnServer::started(&[]);
    let operator = Operator::new(&server.uri().into());
    let set_password = |password: &str| {
        let update = doc! { "updateUser": "ada", "pwd": password };
        operator.run("admin", update).unwrap();
    };
    let roles = ["readWriteAnyDatabase"];
    let user = doc! { "createUser": "ada", "pwd": "right", "roles": roles };
    operator.run("admin", user).unwrap();
    let proxy = Proxy::start(&server.address()).await;
    let place = polling(server.uri().into()).only(&proxy.address.to_string());
    let place = place.credentials("ada", "right");
    // Few connections: to prove a password takes long, on purpose.
    let place = place
        .option("authSource", "admin")
        .option("maxPoolSize", "3");
    let store = Arc::new(TestStore::prepared(&place).await);
    let mut load = Load::on_cut_connections(&operator, &store).await;
    load.acknowledged(50).await;
    set_password("wrong");
    // Who is in stays in.
    load.undisturbed(50).await;
    // What is on its way when connections are cut is the subject of `network.rs`.
    let pause = load.pause().await;
    proxy.cut_all();
    drop(pause);
    // Longer than a store takes to be back where only connections were cut.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    store.mongo.ping().await.unwrap_err();
    let begun = Instant::now();
    while load.ledger().count(Said::NotDone) == 0 {
        assert!(begun.elapsed() < REFUSED_WITHIN, "nobody is refused");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    set_password("right");
    load.acknowledged(50).await;
    load.undisturbed(50).await;
    load.assert_kept(WRITERS).await;
}
