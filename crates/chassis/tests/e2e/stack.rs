use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use chassis::stack::{Limits, RequestId};
use chassis::testing::TestServer;
use tokio::sync::Notify;

use crate::harness::{Wire, code_of, get as fetch, header_of, start, start_with};

fn hello() -> Router {
    Router::new().route("/hello", get(async || "hello"))
}

async fn send_with(server: &TestServer, name: &str, value: &str) -> reqwest::Response {
    let request = reqwest::Client::new()
        .get(server.url("/hello"))
        .header(name, value);
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_well_formed_request_id_is_returned() {
    let server = start(hello()).await;
    for id in ["7", "01JC:trace/1.2+3=@_-", &"x".repeat(128)] {
        assert_eq!(
            header_of(
                &send_with(&server, "x-request-id", id).await,
                "x-request-id"
            ),
            id
        );
    }
}

#[tokio::test]
async fn an_absent_or_malformed_request_id_is_replaced_by_a_fresh_one() {
    let server = start(hello()).await;
    let mut seen = vec![header_of(&fetch(server.url("/hello")).await, "x-request-id").to_owned()];
    for id in ["", "two words", "a\"quote", "tab\there", &"x".repeat(129)] {
        let response = send_with(&server, "x-request-id", id).await;
        seen.push(header_of(&response, "x-request-id").to_owned());
    }
    for id in &seen {
        assert_eq!(
            uuid::Uuid::parse_str(id).unwrap().get_version_num(),
            7,
            "{id}"
        );
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 6);
}

#[tokio::test]
async fn a_handler_can_read_the_request_id() {
    let echo = async |id: axum::Extension<RequestId>| id.as_str().to_owned();
    let server = start(Router::new().route("/hello", get(echo))).await;
    let response = send_with(&server, "x-request-id", "mine").await;
    assert_eq!(response.text().await.unwrap(), "mine");
}

#[tokio::test]
async fn an_apitrace_is_returned_and_never_invented() {
    let server = start(hello()).await;
    let response = send_with(&server, "apitrace", "app 1 / call 2").await;
    assert_eq!(header_of(&response, "apitrace"), "app 1 / call 2");
    for malformed in ["", "tab\there", &"x".repeat(257)] {
        let response = send_with(&server, "apitrace", malformed).await;
        assert_eq!(response.headers().get("apitrace"), None);
    }
    assert_eq!(
        fetch(server.url("/hello")).await.headers().get("apitrace"),
        None
    );
}

#[tokio::test]
async fn an_unknown_path_is_a_404_with_a_request_id() {
    let server = start(hello()).await;
    let response = fetch(server.url("/nowhere?a=b")).await;
    assert_eq!(response.status(), 404);
    assert_ne!(header_of(&response, "x-request-id"), "");
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(
        (&body["code"], &body["path"]),
        (&"not_found".into(), &"/nowhere".into())
    );
}

#[tokio::test]
async fn a_wrong_method_is_a_405_that_names_the_right_ones() {
    let server = start(hello()).await;
    let response = reqwest::Client::new()
        .delete(server.url("/hello"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(header_of(&response, "allow"), "GET,HEAD");
    assert_ne!(header_of(&response, "x-request-id"), "");
    assert_eq!(code_of(response).await, "method_not_allowed");
}

#[tokio::test]
async fn a_nested_router_keeps_its_own_fallback() {
    let nested = hello().fallback(async || (http::StatusCode::NOT_FOUND, "mine"));
    let server = start(Router::new().nest("/nested", nested)).await;
    assert_eq!(
        fetch(server.url("/nested/nowhere"))
            .await
            .text()
            .await
            .unwrap(),
        "mine"
    );
    assert_eq!(
        code_of(fetch(server.url("/nowhere")).await).await,
        "not_found"
    );
}

#[tokio::test]
async fn a_panic_is_a_500_without_internals() {
    let router = hello().route("/panic", get(async || -> String { panic!("the secret") }));
    let server = start(router).await;
    let response = fetch(server.url("/panic")).await;
    assert_eq!(response.status(), 500);
    let id = header_of(&response, "x-request-id").to_owned();
    assert_ne!(id, "");
    let text = response.text().await.unwrap();
    assert!(
        text.contains("internal_error") && text.contains(&id) && !text.contains("secret"),
        "{text}"
    );
    assert_eq!(fetch(server.url("/hello")).await.status(), 200);
}

#[tokio::test]
async fn a_panic_in_a_body_only_cuts_its_connection() {
    let broken = async || {
        Body::from_stream(futures_util::stream::unfold(0, async |count| {
            // Until what came before is on the wire.
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert_eq!(count, 0, "in the middle");
            Some((Ok::<_, std::io::Error>("begun"), count + 1))
        }))
    };
    let server = start(hello().route("/broken", get(broken))).await;
    let response = fetch(server.url("/broken")).await;
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
    assert_eq!(fetch(server.url("/hello")).await.status(), 200);
}

fn small_bodies() -> Limits {
    Limits {
        request_body_bytes_max: 1024,
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_a_413_before_the_handler() {
    let called = Arc::new(Notify::new());
    let notify = Arc::clone(&called);
    let take = async move |body: Bytes| {
        notify.notify_one();
        body.len().to_string()
    };
    let server = start_with(Router::new().route("/take", post(take)), small_bodies()).await;
    let post = |bytes| {
        reqwest::Client::new()
            .post(server.url("/take"))
            .body(vec![0; bytes])
            .send()
    };
    assert_eq!(post(1024).await.unwrap().text().await.unwrap(), "1024");
    called.notified().await;
    let refused = post(3_000_000).await.unwrap();
    assert_eq!(refused.status(), 413);
    assert_eq!(code_of(refused).await, "body_too_large");
    assert!(
        tokio::time::timeout(Duration::from_millis(50), called.notified())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_body_of_unknown_length_is_cut_at_the_limit() {
    let extract = async |body: Bytes| body.len().to_string();
    let router = Router::new().route("/extract", post(extract));
    let server = start_with(router, small_bodies()).await;
    let send = async |path: &str, chunks: usize| {
        let chunks = (0..chunks).map(|_| Ok::<_, std::io::Error>(vec![0_u8; 512]));
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
        reqwest::Client::new()
            .post(server.url(path))
            .body(body)
            .send()
            .await
            .unwrap()
    };
    assert_eq!(send("/extract", 2).await.text().await.unwrap(), "1024");
    assert_eq!(send("/extract", 3).await.status(), 413);
}

#[tokio::test]
async fn a_body_above_axums_own_limit_passes_when_ours_allows_it() {
    let take = async |body: Bytes| body.len().to_string();
    let limits = Limits {
        request_body_bytes_max: 8_000_000,
        ..Limits::default()
    };
    let server = start_with(Router::new().route("/take", post(take)), limits).await;
    let request = reqwest::Client::new()
        .post(server.url("/take"))
        .body(vec![0; 5_000_000]);
    assert_eq!(
        request.send().await.unwrap().text().await.unwrap(),
        "5000000"
    );
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_not_asked_for_a_body_that_is_too_large() {
    let router = Router::new().route("/take", post(async |_: Bytes| "taken"));
    let server = start_with(router, small_bodies()).await;
    let mut wire = Wire::connect(server.address()).await;
    wire.send("POST /take HTTP/1.1\r\nhost: x\r\ncontent-length: 2000\r\n")
        .await;
    wire.send("expect: 100-continue\r\n\r\n").await;
    assert!(wire.read_until("\r\n").await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_a_504() {
    let limits = Limits {
        request_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let router = Router::new().route("/slow", get(std::future::pending::<String>));
    let server = start_with(router, limits).await;
    let response = fetch(server.url("/slow")).await;
    assert_eq!(response.status(), 504);
    assert_eq!(code_of(response).await, "deadline_exceeded");
}

#[tokio::test]
async fn too_many_requests_at_once_are_refused_and_probes_are_not() {
    let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (notice, signal) = (Arc::clone(&begun), Arc::clone(&finish));
    let slow = async move || {
        notice.notify_one();
        signal.notified().await;
        "done"
    };
    let router = hello()
        .route("/slow", get(slow))
        .route("/liveness", get(async || "alive"));
    let limits = Limits {
        requests_in_flight_max: 1,
        ..Limits::default()
    };
    let server = start_with(router, limits).await;
    let first = tokio::spawn(fetch(server.url("/slow")));
    begun.notified().await;
    let refused = fetch(server.url("/hello")).await;
    assert_eq!(
        (
            refused.status().as_u16(),
            header_of(&refused, "retry-after")
        ),
        (503, "1")
    );
    assert_eq!(code_of(refused).await, "overloaded");
    assert_eq!(fetch(server.url("/liveness")).await.status(), 200);
    finish.notify_one();
    assert_eq!(first.await.unwrap().text().await.unwrap(), "done");
    assert_eq!(fetch(server.url("/hello")).await.status(), 200);
}

#[tokio::test]
async fn the_stack_answers_http2_as_well() {
    let server = start(hello()).await;
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let response = client.get(server.url("/hello")).send().await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert_ne!(header_of(&response, "x-request-id"), "");
}

#[tokio::test]
async fn a_request_that_is_refused_before_its_body_is_read_gets_its_whole_answer() {
    let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (notice, signal) = (Arc::clone(&begun), Arc::clone(&finish));
    let slow = async move || {
        notice.notify_one();
        signal.notified().await;
    };
    let router = hello().route("/slow", get(slow));
    let limits = Limits {
        requests_in_flight_max: 1,
        ..Limits::default()
    };
    let server = start_with(router, limits).await;
    let first = tokio::spawn(fetch(server.url("/slow")));
    begun.notified().await;
    for (host, status, code) in [
        ("host: x", 503, "overloaded"),
        ("host: x\r\nhost: y", 400, "invalid_host"),
    ] {
        let mut wire = Wire::connect(server.address()).await;
        let half = "x".repeat(300_000);
        wire.send(&format!(
            "POST /hello HTTP/1.1\r\n{host}\r\ncontent-length: 600000\r\n\r\n{half}"
        ))
        .await;
        let head = wire.read_until("\r\n\r\n").await.to_ascii_lowercase();
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
        assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
        // The client goes on sending before it reads.
        wire.send(&half).await;
        let body = wire.read_to_end().await;
        assert!(body.contains(code), "{body}");
    }
    finish.notify_one();
    assert_eq!(first.await.unwrap().status(), 200);
}
