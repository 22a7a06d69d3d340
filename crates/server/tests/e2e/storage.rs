//! What operators and schedulers see of a process with a store.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Server, Setup, Wire};

#[tokio::test]
async fn readiness_says_how_the_store_is() {
    let server = Server::start().await;
    let name = server.store().name();
    for attributes in server.probe("readiness").await {
        assert_eq!(attributes[name], "ok");
        let duration = &attributes[format!("{name}PingDurationMicros")];
        assert!(duration.is_u64(), "{attributes}");
    }
    let alone = Setup::fresh().arguments(["fibonacci"]).start().await;
    for attributes in alone.probe("readiness").await {
        assert_eq!(attributes, json!({}));
    }
}

#[tokio::test]
async fn the_first_line_says_what_runs_where() {
    let server = Server::start().await;
    let first = &server.log().values()[0];
    assert_eq!(first["message"], "monocoque starts");
    assert_eq!(first["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(first["services"], "fibonacci, contacts");
    assert_eq!(first["listen"], server.address().to_string());
    assert_eq!(first["admin_listen"], server.admin_address().to_string());
    assert_eq!(first["store"], server.store().shown());
}

#[tokio::test]
async fn healthy_probes_and_attributes_are_not_logged() {
    let server = Server::start().await;
    // The harness asked for readiness until the process was ready. Lines keep their order, so all
    // of them stand before the line of this request.
    server.get("/contacts?count=7").await;
    let is_mark = |line: &Value| line["url.query"] == "count=7";
    server.log().matching(is_mark).await;
    for name in ["ping", "liveness", "readiness"] {
        server.probe(name).await;
    }
    let body = json!({"firstName": "Ada-the-secret", "zip": 5});
    server
        .send_plain(Method::POST, "/contacts", &body)
        .await
        .errors(422);
    let mut lines = server.terminate_and_read().await;
    let mark = lines.iter().position(|line| line.contains("count=7"));
    lines.drain(..=mark.unwrap());
    let is_post = |line: &String| line.contains(r#""http.request.method":"POST""#);
    assert!(lines.iter().any(is_post), "{lines:?}");
    for line in lines {
        for text in ["/ping", "/liveness", "/readiness", "Ada-the-secret"] {
            assert!(!line.contains(text), "{line}");
        }
    }
}

#[tokio::test]
async fn contacts_alone_are_alone() {
    let server = Setup::fresh().arguments(["contacts"]).start().await;
    server.get("/contacts").await.document(200);
    for path in ["/fibonacci/list?count=1", "/fibonacci/docs", "/nowhere"] {
        server.get(path).await.error(404, "not_found");
    }
    assert_eq!(server.log().values()[0]["services"], "contacts");
}

#[tokio::test]
async fn a_request_in_flight_is_finished_before_the_end() {
    let mut server = Server::start().await;
    let store = server.store().clone();
    let body = r#"{"firstName":"Ada"}"#;
    let mut wire = Wire::connect(server.address()).await;
    let length = body.len();
    let head = "POST /contacts HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    wire.send(format!(
        "{head}content-length: {length}\r\nexpect: 100-continue\r\n\r\n"
    ))
    .await;
    // The server says so when the handler waits for the body: the request is in flight.
    wire.read_until("HTTP/1.1 100 Continue\r\n\r\n").await;
    server.begin_to_terminate();
    let stopping = |line: &Value| line["message"] == "no longer accepting connections";
    server.log().matching(stopping).await;
    wire.send(body).await;
    let answer = wire.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(server.ended().await.code(), Some(0));
    let server = Setup::on(&store).start().await;
    let document = server.get("/contacts").await.document(200);
    assert_eq!(document["data"][0]["attributes"]["firstName"], "Ada");
}

#[tokio::test]
async fn a_server_that_drains_is_not_ready() {
    let mut server = Server::start().await;
    let mut wire = Wire::connect(server.address()).await;
    let mut probe = Wire::connect(server.address()).await;
    let head = "POST /contacts HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    wire.send(format!(
        "{head}content-length: 2\r\nexpect: 100-continue\r\n\r\n"
    ))
    .await;
    wire.read_until("HTTP/1.1 100 Continue\r\n\r\n").await;
    // Half a request keeps its connection open through the drain.
    probe
        .send("GET /readiness HTTP/1.1\r\nhost: localhost\r\n")
        .await;
    server.begin_to_terminate();
    server
        .log()
        .matching(|line| line["message"] == "no longer accepting connections")
        .await;
    probe.send("\r\n").await;
    let answer = probe.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("draining"), "{answer}");
    wire.send("{}").await;
    wire.read_to_end().await;
    assert_eq!(server.ended().await.code(), Some(0));
}
