use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use chassis::client::{RateLimit, RateLimiter, Tally};
use chassis::serve::{Entrance, ServeLimits, refusals};
use chassis::stack::Rules;
use chassis::testing::TestServer;
use reqwest::{Client, Response};
use tokio::sync::Notify;

use crate::harness::{SOON, Wire, becomes_true, code_of, header_of, start_by};

const REQUEST: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

fn routes() -> Router {
    Router::new()
        .route("/", get(async || "hello").post(async |body: String| body))
        .route("/readiness", get(async || "ready"))
}

/// Two requests at once, and one more a day.
fn rare() -> Rules {
    let limit = RateLimit {
        requests: 1,
        window: Duration::from_hours(24),
        burst: 2,
        clients_max: 1000,
    };
    Rules {
        rate_limiter: Some(Arc::new(RateLimiter::new(limit))),
        rate_limit_headers: true,
        trusted_proxies: "127.0.0.1".parse().unwrap(),
        ..Rules::default()
    }
}

async fn ask(server: &TestServer, path: &str, client: &str) -> Response {
    let request = Client::new().get(server.url(path));
    request
        .header("x-forwarded-for", client)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let server = start_by(routes(), rare()).await;
    for remaining in [1, 0] {
        let answer = ask(&server, "/", "192.0.2.7").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(
            header_of(&answer, "ratelimit-policy"),
            "\"client\";q=1;w=86400"
        );
        let state = header_of(&answer, "ratelimit");
        assert!(
            state.starts_with(&format!("\"client\";r={remaining};t=")),
            "{state}"
        );
    }
    let refused = ask(&server, "/", "192.0.2.7").await;
    assert_eq!(refused.status(), 429);
    let seconds: u64 = header_of(&refused, "retry-after").parse().unwrap();
    assert!((86_000..=86_400).contains(&seconds), "{seconds}");
    assert_eq!(header_of(&refused, "cache-control"), "no-store");
    assert_eq!(code_of(refused).await, "rate_limited");
    // Probes are asked all the same, and others too.
    for _ in 0..5 {
        assert_eq!(ask(&server, "/readiness", "192.0.2.7").await.status(), 200);
    }
    assert_eq!(ask(&server, "/", "192.0.2.8").await.status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn the_addresses_of_one_network_of_ipv6_are_one_client() {
    let server = start_by(routes(), rare()).await;
    let mut statuses = Vec::new();
    for host in 1..=3 {
        let client = format!("2001:db8::{host}");
        statuses.push(ask(&server, "/", &client).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(ask(&server, "/", "2001:db8:0:1::1").await.status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn the_headers_of_the_draft_can_be_left_out() {
    let rules = Rules {
        rate_limit_headers: false,
        ..rare()
    };
    let server = start_by(routes(), rules).await;
    let answer = ask(&server, "/", "192.0.2.7").await;
    assert_eq!(header_of(&answer, "ratelimit"), "");
    server.stop().await;
}

#[tokio::test]
async fn a_client_has_its_share_of_connections_and_proxies_have_those_of_all() {
    let entrance = |trusted: &str| Entrance {
        connections_per_client: Some(Arc::new(Tally::new(2))),
        trusted_proxies: trusted.parse().unwrap(),
        ..Entrance::default()
    };
    let limits = ServeLimits::default();
    let server = TestServer::start_behind(routes(), limits, entrance("")).await;
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut wire = Wire::connect(server.address()).await;
        wire.send(REQUEST).await;
        wire.read_until("hello").await;
        kept.push(wire);
    }
    let before = refusals().clients_with_too_many;
    let mut third = Wire::connect(server.address()).await;
    assert_eq!(third.read_to_end().await, "");
    assert!(refusals().clients_with_too_many > before);
    // One that ends makes room.
    kept.pop();
    let asked = async || {
        let answer = Client::new().get(server.url("/")).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    };
    becomes_true(asked).await;
    drop(kept);
    server.stop().await;
    let server = TestServer::start_behind(routes(), limits, entrance("127.0.0.1")).await;
    let mut kept = Vec::new();
    for _ in 0..4 {
        let mut wire = Wire::connect(server.address()).await;
        wire.send(REQUEST).await;
        wire.read_until("hello").await;
        kept.push(wire);
    }
    drop(kept);
    server.stop().await;
}

#[tokio::test]
async fn the_bodies_of_one_client_hold_no_more_than_its_share() {
    let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (notice, signal) = (Arc::clone(&begun), Arc::clone(&finish));
    let slow = async move || {
        notice.notify_one();
        signal.notified().await;
    };
    let rules = Rules {
        body_bytes_per_client: Some(Arc::new(Tally::new(1000))),
        trusted_proxies: "127.0.0.1".parse().unwrap(),
        ..Rules::default()
    };
    let server = start_by(routes().route("/slow", post(slow)), rules).await;
    let send = |path: &str, client: &str, bytes: usize| {
        let request = Client::new().post(server.url(path));
        request
            .header("x-forwarded-for", client.to_owned())
            .body("x".repeat(bytes))
            .send()
    };
    let held = tokio::spawn(send("/slow", "192.0.2.7", 600));
    tokio::time::timeout(SOON, begun.notified()).await.unwrap();
    let refused = send("/", "192.0.2.7", 600).await.unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(header_of(&refused, "retry-after"), "1");
    assert_eq!(code_of(refused).await, "client_overloaded");
    assert_eq!(send("/", "192.0.2.7", 400).await.unwrap().status(), 200);
    assert_eq!(send("/", "192.0.2.8", 1000).await.unwrap().status(), 200);
    finish.notify_one();
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
    assert_eq!(send("/", "192.0.2.7", 1000).await.unwrap().status(), 200);
    server.stop().await;
}
