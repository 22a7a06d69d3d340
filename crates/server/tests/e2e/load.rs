//! Full load, and thousands of connections.

use std::time::Duration;

use chassis::serve::connections_within_limit;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Answer, Server, Setup, Wire};

const PING: &str = "GET /ping HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Sends requests of all kinds until it is aborted.
async fn keep_busy(client: Client, url: String, number: usize) {
    let body = json!({"firstName": "Ada"}).to_string();
    let kinds = [
        client
            .post(format!("{url}/contacts"))
            .header("content-type", "application/json")
            .body(body),
        client.get(format!("{url}/contacts?page[size]=100")),
        client.get(format!("{url}/fibonacci/list?count=20000")),
        client.get(format!("{url}/fibonacci/300000")),
    ];
    let request = &kinds[number % kinds.len()];
    loop {
        let answer = request.try_clone().unwrap().send().await.unwrap();
        let status = answer.status().as_u16();
        // Large numbers may be more than are computed at once.
        assert!(matches!(status, 200 | 201 | 503), "{status}");
        answer.bytes().await.unwrap();
    }
}

#[tokio::test]
async fn liveness_never_fails_under_full_load() {
    // More suspicious than by default.
    let server = Setup::fresh()
        .variable("MONOCOQUE_WORKER_STUCK_AFTER_MS", "3s")
        .start()
        .await;
    let mut load = JoinSet::new();
    for number in 0..32 {
        let (client, url) = server.client();
        load.spawn(keep_busy(client, url, number));
    }
    for _ in 0..100 {
        let probe = server.admin_request(Method::GET, "/liveness");
        Answer::to(probe).await.document(200);
        assert!(load.try_join_next().is_none(), "a request failed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let accuses = |line: &Value| line["message"] == "the process is not functional";
    assert!(!server.log().values().iter().any(accuses));
}

#[tokio::test]
async fn thousands_of_idle_connections_keep_nobody_out_and_are_served_again() {
    const IDLE: usize = 3000;
    let descriptors = IDLE + 500;
    assert_eq!(
        connections_within_limit(descriptors),
        descriptors,
        "this test needs as many file descriptors (`ulimit -Hn`)"
    );
    let server = Server::start().await;
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        let mut wire = Wire::connect(server.address()).await;
        wire.send(PING).await;
        wire.read_answer().await;
        idle.push(wire);
    }
    for _ in 0..50 {
        let body = json!({"firstName": "Ada"});
        server
            .send_plain(Method::POST, "/contacts", &body)
            .await
            .document(201);
    }
    for wire in &mut idle {
        wire.send(PING).await;
        assert!(wire.read_answer().await.starts_with("HTTP/1.1 200 "));
    }
}
