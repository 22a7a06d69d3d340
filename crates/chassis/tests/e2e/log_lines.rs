use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use chassis::testing::LogCapture;
use http::StatusCode;
use serde_json::Value;
use tokio::sync::Notify;
use tracing::Instrument;

use crate::harness::{Wire, becomes_true, get as fetch, start};

/// The lines of requests and of what runs within them; not those of connections.
fn of_requests(log: &LogCapture) -> Vec<Value> {
    let lines = log.lines().into_iter();
    let lines = lines.map(|line| serde_json::from_str::<Value>(&line).expect(&line));
    lines
        .filter(|line| line.get("http.request.id").is_some())
        .collect()
}

/// The only line of a request, once it is there.
async fn access_line(log: &LogCapture) -> Value {
    let line = || {
        let mut lines = of_requests(log).into_iter();
        lines.find(|line| line["message"] == "request")
    };
    becomes_true(async || line().is_some()).await;
    line().unwrap()
}

#[tokio::test]
async fn every_log_line_of_a_request_carries_its_id() {
    let log = LogCapture::start("info");
    let handler = async || {
        tracing::info!(step = 1, "in the handler");
        let spawned = async { tracing::warn!("in a task") };
        tokio::spawn(spawned.in_current_span()).await.unwrap();
        "hello"
    };
    let server = start(Router::new().route("/hello", get(handler))).await;
    let client = reqwest::Client::new().get(server.url("/hello?a=1&b=%20"));
    client
        .header("x-request-id", "my-id")
        .header("apitrace", "my \"trace\"")
        .send()
        .await
        .unwrap();
    access_line(&log).await;
    let lines = of_requests(&log);
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for line in &lines {
        assert_eq!(
            (&line["http.request.id"], &line["apitrace"]),
            (&"my-id".into(), &"my \"trace\"".into())
        );
    }
    let access = &lines[2];
    assert_eq!(access["http.request.method"], "GET");
    assert_eq!(
        (&access["url.path"], &access["url.query"]),
        (&"/hello".into(), &"a=…&b=…".into())
    );
    assert_eq!(
        (
            &access["http.response.status_code"],
            &access["http.response.body.bytes"]
        ),
        (&200.into(), &5.into())
    );
    assert!(access["event.duration"].is_u64());
    assert_eq!(
        (&access["log.level"], access.get("aborted")),
        (&"INFO".into(), None)
    );
}

#[tokio::test]
async fn a_failure_is_logged_once_with_its_hidden_causes() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot list contacts")]
    struct Outer(#[source] std::io::Error);

    let log = LogCapture::start("info");
    let handler = async || -> Response {
        let cause = Outer(std::io::Error::other("no route to host db7"));
        let cause: Arc<dyn Error + Send + Sync> = Arc::new(cause);
        let mut response = (StatusCode::SERVICE_UNAVAILABLE, "sorry").into_response();
        response.extensions_mut().insert(cause);
        response
    };
    let server = start(Router::new().route("/fail", get(handler))).await;
    assert_eq!(
        fetch(server.url("/fail")).await.text().await.unwrap(),
        "sorry"
    );
    let line = access_line(&log).await;
    assert_eq!(line["log.level"], "ERROR");
    assert_eq!(
        line["error.message"],
        "cannot list contacts: no route to host db7"
    );
    assert_eq!(of_requests(&log).len(), 1);
}

#[tokio::test]
async fn a_panic_is_logged_with_its_message() {
    let log = LogCapture::start("info");
    let router = Router::new().route("/panic", get(async || -> String { panic!("the secret") }));
    let server = start(router).await;
    fetch(server.url("/panic")).await;
    let line = access_line(&log).await;
    assert_eq!(
        (&line["http.response.status_code"], &line["log.level"]),
        (&500.into(), &"ERROR".into())
    );
    assert_eq!(line["error.message"], "the handler panicked: the secret");
}

#[tokio::test]
async fn probes_are_logged_at_debug_unless_they_fail() {
    for (filter, status, expected) in [("info", 200, 0), ("debug", 200, 1), ("info", 503, 1)] {
        let log = LogCapture::start(filter);
        let status = StatusCode::from_u16(status).unwrap();
        let server = start(Router::new().route("/liveness", get(async move || status))).await;
        fetch(server.url("/liveness")).await.text().await.unwrap();
        server.stop().await;
        let lines = of_requests(&log);
        let lines = lines.iter().filter(|line| line["message"] == "request");
        assert_eq!(lines.count(), expected, "{filter} {status}");
    }
}

fn endless() -> Response {
    let chunk = || Some((Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 65_536])), ()));
    let chunks = futures_util::stream::unfold((), move |()| async move { chunk() });
    Body::from_stream(chunks).into_response()
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_is_logged_as_aborted() {
    let log = LogCapture::start("info");
    let server = start(Router::new().route("/endless", get(async || endless()))).await;
    let mut wire = Wire::connect(server.address()).await;
    wire.send("GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await;
    wire.read_until("xxxx").await;
    drop(wire);
    let line = access_line(&log).await;
    assert_eq!(
        (&line["http.response.status_code"], &line["aborted"]),
        (&200.into(), &true.into())
    );
    assert!(
        line["http.response.body.bytes"].as_u64().unwrap() >= 65_536,
        "{line}"
    );
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_is_logged_as_499() {
    let log = LogCapture::start("info");
    let begun = Arc::new(Notify::new());
    let notice = Arc::clone(&begun);
    let slow = async move || {
        notice.notify_one();
        std::future::pending::<String>().await
    };
    let server = start(Router::new().route("/slow", get(slow))).await;
    let mut wire = Wire::connect(server.address()).await;
    wire.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    begun.notified().await;
    drop(wire);
    assert_eq!(access_line(&log).await["http.response.status_code"], 499);
}

#[tokio::test]
async fn an_answer_with_a_known_length_or_none_is_complete() {
    let log = LogCapture::start("info");
    let sized = async || {
        let chunks = (0..3).map(|_| Ok::<_, std::io::Error>("four"));
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        ([("content-length", "12")], body)
    };
    let router = Router::new()
        .route("/sized", get(sized))
        .route("/empty", get(async || StatusCode::NO_CONTENT));
    let server = start(router).await;
    assert_eq!(
        fetch(server.url("/sized")).await.text().await.unwrap(),
        "fourfourfour"
    );
    fetch(server.url("/empty")).await;
    reqwest::Client::new()
        .head(server.url("/sized"))
        .send()
        .await
        .unwrap();
    server.stop().await;
    let lines = of_requests(&log);
    let sent: Vec<_> = lines
        .iter()
        .map(|line| line["http.response.body.bytes"].as_u64().unwrap())
        .collect();
    assert_eq!(sent, [12, 0, 0]);
    assert!(
        lines.iter().all(|line| line.get("aborted").is_none()),
        "{lines:#?}"
    );
}

#[tokio::test]
async fn what_the_making_of_a_body_logs_carries_the_id_of_its_request() {
    let log = LogCapture::start("info");
    let broken = async || {
        let chunks = (0..3).map(|number| {
            if number == 2 {
                tracing::warn!("the body was cut short");
                return Err(std::io::Error::other("as the test wants it"));
            }
            tokio::spawn(async { tracing::info!("in a task of the body") }.in_current_span());
            Ok("some")
        });
        Body::from_stream(futures_util::stream::iter(chunks))
    };
    let server = start(Router::new().route("/broken", get(broken))).await;
    // Whether the head is sent before the body breaks is a matter of chance.
    if let Ok(response) = reqwest::get(server.url("/broken")).await {
        assert!(response.bytes().await.is_err());
    }
    let id = access_line(&log).await["http.request.id"].clone();
    let lines = of_requests(&log);
    let of = |text: &str| {
        let says = |line: &&Value| line["message"] == text && line["http.request.id"] == id;
        lines.iter().filter(says).count()
    };
    assert_eq!(
        (of("the body was cut short"), of("in a task of the body")),
        (1, 2),
        "{lines:#?}"
    );
}
