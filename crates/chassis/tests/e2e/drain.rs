use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use chassis::serve::ServeLimits;
use chassis::testing::TestServer;
use tokio::sync::Notify;

use crate::harness::{Http2, SOON, Wire, door_closes, get as fetch};

const REQUEST: &str = "GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";

fn hello() -> Router {
    Router::new().route("/hello", get(async || "hello"))
}

/// A router whose `/slow` says when it was called, and answers when it is told to.
fn slow() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (notice, signal) = (Arc::clone(&begun), Arc::clone(&finish));
    let handler = async move || {
        notice.notify_one();
        signal.notified().await;
        "done"
    };
    (hello().route("/slow", get(handler)), begun, finish)
}

#[tokio::test]
async fn a_request_in_flight_survives_shutdown() {
    let (router, begun, finish) = slow();
    let server = TestServer::start(router).await;
    let request = tokio::spawn(fetch(server.url("/slow")));
    begun.notified().await;
    let address = server.address();
    let stopping = tokio::spawn(server.stop());
    door_closes(address).await;
    finish.notify_one();
    let response = request.await.unwrap();
    assert_eq!(response.text().await.unwrap(), "done");
    assert_eq!(stopping.await.unwrap().connections_cut, 0);
}

#[tokio::test]
async fn a_request_that_waits_in_the_backlog_survives_shutdown() {
    let limits = ServeLimits {
        connections_max: 1,
        ..ServeLimits::default()
    };
    let (router, begun, finish) = slow();
    let server = TestServer::start_with(router, limits).await;
    let first = tokio::spawn(fetch(server.url("/slow")));
    begun.notified().await;
    let mut waiting = Vec::new();
    // More than are accepted beyond the limit at once.
    for _ in 0..100 {
        let mut wire = Wire::connect(server.address()).await;
        wire.send(REQUEST).await;
        waiting.push(wire);
    }
    // And one whose request is still on the wire when the drain begins.
    let mut late = Wire::connect(server.address()).await;
    let stopping = tokio::spawn(server.stop());
    // The first is answered only in the drain.
    assert!(waiting[0].read_to_end().await.ends_with("hello"));
    late.send(REQUEST).await;
    waiting.push(late);
    for wire in &mut waiting[1..] {
        assert!(wire.read_to_end().await.ends_with("hello"));
    }
    finish.notify_one();
    assert_eq!(first.await.unwrap().text().await.unwrap(), "done");
    assert_eq!(stopping.await.unwrap().connections_cut, 0);
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_shutdown() {
    let server = TestServer::start(hello()).await;
    let mut asked = Wire::connect(server.address()).await;
    asked.send(REQUEST).await;
    asked.read_until("hello").await;
    let _silent = Wire::connect(server.address()).await;
    let drained = tokio::time::timeout(SOON, server.stop()).await;
    assert_eq!(drained.expect("a short drain").connections_cut, 0);
}

#[tokio::test]
async fn a_connection_that_never_ends_is_cut_at_the_deadline() {
    let (router, begun, _never) = slow();
    let server = TestServer::start_with(
        router,
        ServeLimits {
            drain_timeout: Duration::from_millis(500),
            ..ServeLimits::default()
        },
    )
    .await;
    let mut wire = Wire::connect(server.address()).await;
    wire.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    begun.notified().await;
    let drained = tokio::time::timeout(SOON, server.stop()).await;
    assert_eq!(drained.expect("a deadline").connections_cut, 1);
    assert_eq!(wire.read_to_end().await, "");
}

#[tokio::test]
async fn a_request_on_a_kept_connection_is_answered_after_the_door_is_closed() {
    let server = TestServer::start_with(hello(), ServeLimits::default()).await;
    let mut wires = Vec::new();
    for _ in 0..50 {
        let mut wire = Wire::connect(server.address()).await;
        wire.send(REQUEST).await;
        wire.read_until("hello").await;
        wires.push(wire);
    }
    // The second half has a part of its next request on the wire already.
    for wire in &mut wires[25..] {
        wire.send("GET /hello HTTP/1.1\r\nho").await;
    }
    let address = server.address();
    let stopping = tokio::spawn(server.stop());
    door_closes(address).await;
    for wire in &mut wires[..25] {
        wire.send(REQUEST).await;
    }
    for wire in &mut wires[25..] {
        wire.send("st: x\r\n\r\n").await;
    }
    for wire in &mut wires {
        let answer = wire.read_to_end().await.to_ascii_lowercase();
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        assert!(answer.ends_with("hello"), "{answer}");
    }
    assert_eq!(stopping.await.unwrap().connections_cut, 0);
}

#[tokio::test]
async fn a_client_of_http2_is_told_to_go_and_gets_its_answers() {
    let (router, begun, finish) = slow();
    let server = TestServer::start(router).await;
    let mut client = Http2::connect(server.address()).await;
    let answer = client.get("/slow");
    begun.notified().await;
    let address = server.address();
    let stopping = tokio::spawn(server.stop());
    door_closes(address).await;
    finish.notify_one();
    assert_eq!(answer.await.unwrap().status(), 200);
    let drained = tokio::time::timeout(SOON, stopping).await;
    assert_eq!(drained.unwrap().unwrap().connections_cut, 0);
}

#[tokio::test]
async fn a_connection_of_http2_whose_first_request_comes_in_the_drain_is_told_to_go() {
    let (router, begun, finish) = slow();
    let server = TestServer::start_with(router, ServeLimits::default()).await;
    let mut client = Http2::connect(server.address()).await;
    let address = server.address();
    let stopping = tokio::spawn(server.stop());
    door_closes(address).await;
    let answer = client.get("/slow");
    begun.notified().await;
    let others = async {
        while let Some(other) = client.try_get("/hello")
            && other.await.is_ok()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let told = tokio::time::timeout(SOON, others).await;
    told.expect("GOAWAY while a request is open");
    finish.notify_one();
    assert_eq!(answer.await.unwrap().status(), 200);
    assert_eq!(stopping.await.unwrap().connections_cut, 0);
}
