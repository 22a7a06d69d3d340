//! The server that takes the writes is lost, or is not the primary any more.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::doc;
use test_servers::ledger::{Ledger, Load, WRITERS};
use test_servers::{Operator, OwnServer, TestStore};

use crate::victim::Victim;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_that_was_acknowledged() {
    const KILLS: usize = 2;
    let mut victim = Victim::found();
    let store = Arc::new(TestStore::prepared(&victim.place()).await);
    let ledger = Ledger::new(victim.is_forgetful());
    let mut load = Load::noted_in(ledger, &store).await;
    for _ in 0..KILLS {
        load.acknowledged(100).await;
        victim.kill();
        tokio::time::sleep(Duration::from_millis(300)).await;
        victim.come_back().await;
        load.acknowledged(50).await;
    }
    load.undisturbed(50).await;
    load.assert_kept(2 * KILLS * WRITERS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_down_of_the_primary_loses_nothing() {
    let server = OwnServer::started(&[]);
    let store = Arc::new(TestStore::prepared(&server.uri().into()).await);
    let operator = Operator::new(&server.uri().into());
    let mut load = Load::start(&store).await;
    load.acknowledged(100).await;
    // One that is alone steps down only by force.
    let step_down = doc! { "replSetStepDown": 1, "secondaryCatchUpPeriodSecs": 0, "force": true };
    operator.run("admin", step_down).unwrap();
    load.acknowledged(100).await;
    load.undisturbed(50).await;
    load.assert_kept(WRITERS).await;
}
