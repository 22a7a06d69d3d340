//! Pages of many megabytes, and clients that do not read them.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Server;

/// The memory that a process has in use, in bytes.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib << 10
}

#[tokio::test]
async fn clients_that_do_not_read_large_pages_hold_bounded_memory() {
    let server = Server::start().await;
    let text = "x".repeat(1_000_000);
    // What is small before it is large.
    server.get("/contacts").await.document(200);
    for _ in 0..60 {
        let body = json!({"firstName": text});
        server
            .send_plain(Method::POST, "/contacts", &body)
            .await
            .document(201);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = resident(&server);
    let mut clients = Vec::new();
    for _ in 0..10 {
        // The head is read, the body is not.
        clients.push(
            server
                .request(Method::GET, "/contacts")
                .send()
                .await
                .unwrap(),
        );
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let held = resident(&server).saturating_sub(before);
    assert!(held < 64 << 20, "{} MiB", held >> 20);
    // One that reads gets everything.
    let document: Value = clients.pop().unwrap().json().await.unwrap();
    assert_eq!(document["data"].as_array().unwrap().len(), 60);
    assert_eq!(document["meta"]["total"], 60);
}
