use axum::Router;
use axum::routing::get;
use chassis::testing::LogCapture;

use crate::harness::{Wire, start};

fn hello() -> Router {
    Router::new().route("/hello", get(async || "hello"))
}

/// The status, the request id and the rest of an answer.
fn parts(answer: &str) -> (u16, &str, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").expect(answer);
    let status = answer[9..12].parse().expect(answer);
    let id = head
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "));
    (status, id.expect(answer), body)
}

#[tokio::test]
async fn a_head_that_cannot_be_read_is_answered_and_logged_like_every_request() {
    let log = LogCapture::start("info");
    let server = start(hello()).await;
    let many = (0..200).map(|number| format!("x-{number}: y\r\n"));
    let many: String = many.collect();
    for (head, expected) in [
        (
            "GET /hello HTTP/1.1\r\nhost: x\r\nX : a\r\n\r\n".to_owned(),
            400,
        ),
        ("\u{1}\u{2}\u{3} garbage\r\n\r\n".to_owned(), 400),
        (
            format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(66_000)),
            414,
        ),
        (format!("GET /hello HTTP/1.1\r\nhost: x\r\n{many}\r\n"), 431),
        // After a request that was fine, on the same connection.
        (
            "GET /hello HTTP/1.1\r\nhost: x\r\n\r\nGET /hello HTTP/1.1\r\nhost: x\r\nX : a\r\n\r\n"
                .to_owned(),
            400,
        ),
    ] {
        let mut wire = Wire::connect(server.address()).await;
        wire.send(&head).await;
        let answers = wire.read_to_end().await;
        let last = &answers[answers.rfind("HTTP/1.1 4").expect(&answers)..];
        let (status, id, body) = parts(last);
        assert_eq!(status, expected, "{answers}");
        assert!(body.contains("invalid_request_head"), "{answers}");
        let logged = log.lines().iter().any(|line| line.contains(id));
        assert!(logged, "no {id} in {:?}", log.lines());
    }
}

#[tokio::test]
async fn a_missing_doubled_or_malformed_host_is_a_400() {
    let server = start(hello()).await;
    for (hosts, expected) in [
        ("", 400),
        ("host: a\r\nhost: b\r\n", 400),
        ("host: a\r\nhost: a\r\n", 400),
        ("host: <script>\r\n", 400),
        ("host: a b\r\n", 400),
        ("host: a.example:80\r\n", 200),
        ("host: [::1]:80\r\n", 200),
    ] {
        let mut wire = Wire::connect(server.address()).await;
        wire.send(&format!(
            "GET /hello HTTP/1.1\r\n{hosts}connection: close\r\n\r\n"
        ))
        .await;
        let answer = wire.read_to_end().await;
        let (status, _, body) = parts(&answer);
        assert_eq!(status, expected, "{hosts}: {answer}");
        assert_eq!(body.contains("invalid_host"), expected == 400, "{answer}");
    }
    let mut old = Wire::connect(server.address()).await;
    old.send("GET /hello HTTP/1.0\r\n\r\n").await;
    assert!(old.read_to_end().await.ends_with("hello"));
}
