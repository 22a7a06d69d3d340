//! A server of MongoDB that is not there, comes and goes.

use reqwest::Method;
use serde_json::json;
use test_servers::OwnServer;

use super::{until, uri};
use crate::harness::Setup;

#[tokio::test]
async fn a_process_outlives_the_absence_of_its_server() {
    let mut mongodb = OwnServer::absent();
    let setup = Setup::fresh().arguments(["--mongo-shows-hosts", "true"]);
    let setup = setup.variable("MONGO_URI", &uri(&mongodb, ""));
    let server = setup.start_unready().await;
    let answer = until(&server, "/contacts", 503).await;
    assert!(answer.headers.contains_key("retry-after"));
    let error = answer.error(503, "datastore_unavailable");
    assert_eq!(error["title"], "Datastore is unreachable");
    let place = format!("at {} ", mongodb.address());
    assert!(
        error["detail"].as_str().unwrap().contains(&place),
        "{error}"
    );
    until(&server, "/readiness", 503).await;
    until(&server, "/liveness", 200).await;

    mongodb.start();
    until(&server, "/contacts", 200).await;
    let ready = until(&server, "/readiness", 200).await;
    assert_eq!(ready.data(200)["attributes"]["mongodb"], "ok");
    let body = json!({"firstName": "Ada"});
    let created = server.send_plain(Method::POST, "/contacts", &body).await;
    created.document(201);

    mongodb.kill();
    until(&server, "/contacts", 503).await;
    mongodb.start();
    let found = until(&server, created.header("location"), 200).await;
    assert_eq!(found.data(200)["attributes"]["firstName"], "Ada");
}
