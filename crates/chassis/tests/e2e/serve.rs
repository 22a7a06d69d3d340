use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use chassis::serve::ServeLimits;
use chassis::testing::TestServer;
use tokio::sync::Notify;

use crate::harness::{self, SOON, Wire, get as fetch};

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

fn impatient() -> ServeLimits {
    ServeLimits {
        header_read_timeout: Duration::from_millis(100),
        idle_timeout: Duration::from_millis(300),
        drain_timeout: Duration::from_millis(500),
        ..ServeLimits::default()
    }
}

#[tokio::test]
async fn a_client_that_sends_no_header_is_cut_off() {
    let server = TestServer::start_with(hello(), impatient()).await;
    // Nothing; what may become HTTP/1 or HTTP/2; half a head; a whole HTTP/2 preface.
    let beginnings = [
        "",
        "P",
        "GET /hello HTTP/1.1\r\nhost:",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for beginning in beginnings {
        let mut wire = Wire::connect(server.address()).await;
        wire.send(beginning).await;
        let answer = wire.read_to_end().await;
        assert!(!answer.contains("hello"), "{beginning:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_client_that_trickles_its_head_is_cut_off() {
    let server = TestServer::start_with(hello(), impatient()).await;
    let mut wire = Wire::connect(server.address()).await;
    let trickle = async {
        for byte in "GET /hello HTTP/1.1\r\nx-long: "
            .chars()
            .chain(std::iter::repeat('x'))
        {
            use tokio::io::AsyncWriteExt;
            if wire.0.write_all(&[byte as u8]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, trickle)
        .await
        .expect("a reset connection");
}

#[tokio::test]
async fn a_connection_outlives_the_header_timeout_while_it_is_idle_between_requests() {
    let server = TestServer::start_with(hello(), impatient()).await;
    let mut wire = Wire::connect(server.address()).await;
    for _ in 0..3 {
        wire.send(REQUEST).await;
        wire.read_until("\r\n\r\nhello").await;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    wire.read_to_end().await;
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_their_turn() {
    let limits = ServeLimits {
        connections_max: 1,
        ..ServeLimits::default()
    };
    let server = TestServer::start_with(hello(), limits).await;
    let mut first = Wire::connect(server.address()).await;
    first.send(REQUEST).await;
    first.read_until("hello").await;
    let mut second = Wire::connect(server.address()).await;
    second.send(REQUEST).await;
    let early = second.read_until("hello");
    assert!(
        tokio::time::timeout(Duration::from_millis(200), early)
            .await
            .is_err()
    );
    drop(first);
    second.read_until("hello").await;
}

#[tokio::test]
async fn a_request_in_flight_survives_shutdown() {
    let (router, begun, finish) = slow();
    let server = TestServer::start(router).await;
    let request = tokio::spawn(fetch(server.url("/slow")));
    begun.notified().await;
    let address = server.address();
    let stopping = tokio::spawn(server.stop());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "the door is closed"
    );
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
    for _ in 0..20 {
        let mut wire = Wire::connect(server.address()).await;
        wire.send(REQUEST).await;
        waiting.push(wire);
    }
    // And one whose request is still on the wire when the drain begins.
    let mut late = Wire::connect(server.address()).await;
    let stopping = tokio::spawn(server.stop());
    tokio::time::sleep(Duration::from_millis(100)).await;
    late.send(REQUEST).await;
    waiting.push(late);
    for wire in &mut waiting {
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
    let drained = tokio::time::timeout(Duration::from_secs(2), server.stop()).await;
    assert_eq!(drained.expect("a drain without delay").connections_cut, 0);
}

#[tokio::test]
async fn a_connection_that_never_ends_is_cut_at_the_deadline() {
    let (router, begun, _never) = slow();
    let server = TestServer::start_with(router, impatient()).await;
    let mut wire = Wire::connect(server.address()).await;
    wire.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    begun.notified().await;
    let drained = tokio::time::timeout(SOON, server.stop()).await;
    assert_eq!(drained.expect("a deadline").connections_cut, 1);
    assert_eq!(wire.read_to_end().await, "");
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_without_free_file_descriptors_recovers() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 24; exec \"$0\" serves"])
        .arg(harness::process().get_program())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut line =
        || -> serde_json::Value { serde_json::from_str(&log.next().unwrap().unwrap()).unwrap() };
    let url = line()["url"].as_str().unwrap().to_owned();
    let address = url
        .trim_start_matches("http://")
        .trim_end_matches("/hello")
        .parse()
        .unwrap();
    let mut wires = Vec::new();
    for _ in 0..40 {
        wires.push(Wire::connect(address).await);
    }
    assert_eq!(line()["message"], "cannot accept connections, trying again");
    drop(wires);
    let answer = tokio::time::timeout(SOON, fetch(url))
        .await
        .expect("an answer in time");
    assert_eq!(answer.text().await.unwrap(), "hello");
    child.kill().unwrap();
    child.wait().unwrap();
}
