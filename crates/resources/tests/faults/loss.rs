//! The server that takes the writes is lost, or is not the primary any more.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::doc;
use resources::repository::Repository;

use crate::ledger::Load;
use crate::own_server::OwnServer;
use crate::server::{Operator, TestStore};
use crate::victim::Victim;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_that_was_acknowledged() {
    let mut victim = Victim::found().await;
    let store = TestStore::connect(&victim.uri()).await;
    store.recovered().await;
    store.repository.prepare(&store.of).await.unwrap();
    let store = Arc::new(store);
    let load = Load::start(&store);
    for _ in 0..2 {
        load.acknowledged(100).await;
        victim.kill().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        victim.come_back().await;
        load.acknowledged(50).await;
    }
    load.stop().await.assert_kept(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_down_of_the_primary_loses_nothing() {
    let server = OwnServer::started(&[]);
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
