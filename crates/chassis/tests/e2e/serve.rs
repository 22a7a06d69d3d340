use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use chassis::client::ClientAddress;
use chassis::serve::ServeLimits;
use chassis::testing::TestServer;

use crate::harness::{self, SOON, Wire, get as fetch};

const REQUEST: &str = "GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";

fn hello() -> Router {
    Router::new().route("/hello", get(async || "hello"))
}

fn impatient() -> ServeLimits {
    ServeLimits {
        header_read_timeout: Duration::from_millis(100),
        idle_timeout: Duration::from_millis(300),
        drain_quiet: Duration::from_millis(100),
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
    let limits = ServeLimits {
        idle_timeout: Duration::from_secs(1),
        ..impatient()
    };
    let server = TestServer::start_with(hello(), limits).await;
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

#[tokio::test]
async fn a_request_knows_the_other_end_of_its_connection() {
    let told = get(async |Extension(address): Extension<ClientAddress>| {
        let peer = address.peer.map(|peer| peer.ip());
        format!("{:?} {:?}", address.client, peer)
    });
    let server = TestServer::start(Router::new().route("/", told)).await;
    let answer = reqwest::get(server.url("/")).await.unwrap();
    let text = answer.text().await.unwrap();
    assert_eq!(text, "Some(127.0.0.1) Some(127.0.0.1)");
    server.stop().await;
}
