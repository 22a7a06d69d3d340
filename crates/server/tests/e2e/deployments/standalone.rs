//! A server that is no replica set.

use test_servers::Unreplicated;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{process_on, until, works};
use crate::harness::{Answer, Invocation};

#[tokio::test(flavor = "multi_thread")]
async fn a_standalone_server_is_enough_for_all_but_feeds_and_imports_of_all_or_nothing() {
    let mongodb = Unreplicated::started().await;
    let uri = format!("mongodb://{}/shop?directConnection=true", mongodb.address());
    let server = process_on(&uri).await;
    works(&server).await;
    let refused = server.get("/contacts/-/changes").await;
    let error = refused.error(501, "changes_not_supported");
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains("replica set"), "{detail}");
    drop(server);
    let import = |on_error: &str| {
        let options = ["--format", "ndjson", "--on-error", on_error];
        let arguments = [&["import", "contacts", "-"][..], &options].concat();
        let invocation = Invocation::new(&arguments).variable("MONGO_URI", &uri);
        invocation.input("{\"zip\":\"1\"}\n{\"zip\":\"2\"}\n").run()
    };
    import("stop").fails_with(64, &["replica set (one member is enough)"]);
    assert_eq!(import("skip").output(), "2 stored, 0 rejected\n");
    let exported = Invocation::new(&["export", "contacts", "--format", "ndjson"])
        .variable("MONGO_URI", &uri)
        .run();
    assert_eq!(exported.output().lines().count(), 3, "{exported:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_transaction_is_refused_by_a_standalone_server_and_the_reason_is_told() {
    let mongodb = Unreplicated::started().await;
    let uri = format!("mongodb://{}/shop?directConnection=true", mongodb.address());
    let server = process_on(&uri).await;
    until(&server, "/contacts", 200).await;
    let atomic = r#"application/vnd.api+json;ext="https://jsonapi.org/ext/atomic""#;
    let add = json!({"op": "add", "data": {"type": "contacts"}});
    let body = json!({"atomic:operations": [add, add]}).to_string();
    let refused = server.send_text(Method::POST, "/operations", atomic, body);
    let refused = refused.await;
    assert_eq!(
        refused.status,
        StatusCode::NOT_IMPLEMENTED,
        "{}",
        refused.text()
    );
    assert_eq!(
        refused.json()["errors"][0]["code"],
        "transactions_unsupported"
    );
    let keyed = server
        .request(Method::POST, "/contacts")
        .header("idempotency-key", "k");
    let keyed = keyed.header("content-type", "application/json").body("{}");
    let error = Answer::to(keyed)
        .await
        .error(501, "transactions_unsupported");
    let detail: &Value = &error["detail"];
    assert!(
        detail.as_str().unwrap().contains("no replica set"),
        "{detail}"
    );
    assert_eq!(
        server.get("/contacts").await.document(200)["meta"]["total"],
        0
    );
    // The server is not taken to be away, and does what it can.
    assert_eq!(server.get("/readiness").await.status, StatusCode::OK);
    works(&server).await;
}
