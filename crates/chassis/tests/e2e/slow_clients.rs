use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chassis::serve::ServeLimits;
use chassis::stack::Limits;
use chassis::testing::{LogCapture, TestServer};
use tokio::sync::Notify;

use crate::harness::{
    Http2, LOOK_INTERVAL, SOON, Wire, becomes_true, get as fetch, guarded, start_with,
};

const HELLO: &str = "GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";
const ENDLESS: &str = "GET /endless HTTP/1.1\r\nhost: x\r\n\r\n";

fn endless() -> Response {
    let chunk = || Some((Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 65_536])), ()));
    let chunks = futures_util::stream::unfold((), move |()| async move { chunk() });
    Body::from_stream(chunks).into_response()
}

fn services() -> Router {
    Router::new()
        .route("/hello", get(async || "hello"))
        .route("/endless", get(async || endless()))
        .route("/large", get(async || vec![b'x'; 1_000_000]))
        .route("/huge", get(async || vec![b'x'; 40_000_000]))
        .route("/take", post(async |body: Bytes| body.len().to_string()))
}

fn impatient_of_readers() -> ServeLimits {
    ServeLimits {
        write_timeout: Duration::from_millis(300),
        ..ServeLimits::default()
    }
}

fn is_cut(log: &LogCapture) -> bool {
    let says_so = |line: &String| line.contains("the client does not read");
    log.lines().iter().any(says_so)
}

#[tokio::test]
async fn clients_that_do_not_read_lose_their_places_to_others() {
    let limits = ServeLimits {
        connections_max: 8,
        ..impatient_of_readers()
    };
    let server = TestServer::start_with(services(), limits).await;
    let mut held = Vec::new();
    for _ in 0..8 {
        let mut wire = Wire::connect(server.address()).await;
        wire.send(ENDLESS).await;
        held.push(wire);
    }
    let answer = tokio::time::timeout(SOON, fetch(server.url("/hello"))).await;
    assert_eq!(answer.unwrap().text().await.unwrap(), "hello");
}

#[tokio::test]
async fn pipelined_requests_whose_answers_nobody_reads_end_their_connection() {
    let log = LogCapture::start("debug");
    let server = TestServer::start_with(services(), impatient_of_readers()).await;
    let mut wire = Wire::connect(server.address()).await;
    wire.send(&ENDLESS.replace("endless", "large").repeat(60))
        .await;
    becomes_true(async || is_cut(&log)).await;
    let answers = wire.read_to_end().await;
    assert!(
        answers.len() < 59_000_000,
        "all {} bytes were kept",
        answers.len()
    );
}

#[tokio::test]
async fn a_client_that_reads_a_little_at_a_time_counts_as_one_that_does_not() {
    let log = LogCapture::start("debug");
    let server = TestServer::start_with(services(), impatient_of_readers()).await;
    let mut wire = Wire::connect(server.address()).await;
    wire.send(ENDLESS).await;
    let trickle = async {
        use tokio::io::AsyncReadExt;
        while !is_cut(&log) {
            wire.0.read_u8().await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, trickle)
        .await
        .expect("a cut connection");
}

#[tokio::test]
async fn a_client_that_reads_steadily_is_served_beyond_the_timeout() {
    let limits = ServeLimits {
        write_timeout: Duration::from_secs(1),
        ..ServeLimits::default()
    };
    let server = TestServer::start_with(services(), limits).await;
    let mut wire = Wire::connect(server.address()).await;
    wire.send(ENDLESS).await;
    for _ in 0..40 {
        use tokio::io::AsyncReadExt;
        let mut piece = vec![0; 1_000_000];
        let read = tokio::time::timeout(SOON, wire.0.read_exact(&mut piece)).await;
        read.unwrap().unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_client_that_still_reads_an_answer_of_one_piece_is_not_idle() {
    let limits = ServeLimits {
        idle_timeout: Duration::from_millis(100),
        write_timeout: Duration::from_secs(1),
        ..ServeLimits::default()
    };
    let server = TestServer::start_with(services(), limits).await;
    let mut wire = Wire::connect(server.address()).await;
    wire.send(&HELLO.replace("hello", "huge")).await;
    wire.read_until("\r\n\r\n").await;
    for _ in 0..40 {
        use tokio::io::AsyncReadExt;
        let mut piece = vec![0; 1_000_000];
        let read = tokio::time::timeout(SOON, wire.0.read_exact(&mut piece)).await;
        read.unwrap().expect("the whole answer");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

#[tokio::test]
async fn a_response_of_http2_that_is_not_taken_ends_its_connection_whatever_the_others_do() {
    let server = TestServer::start_with(services(), impatient_of_readers()).await;
    for path in ["/endless", "/large"] {
        let mut client = Http2::connect(server.address()).await;
        // Its window is never opened again.
        let _held = client.get(path).await.unwrap();
        let others = async {
            while let Some(answer) = client.try_get("/hello")
                && answer.await.is_ok()
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(SOON, others).await.expect(path);
    }
}

#[tokio::test]
async fn the_last_piece_of_a_response_of_http2_is_watched_as_those_before_it() {
    let server = TestServer::start_with(services(), impatient_of_readers()).await;
    // One byte of five is taken, and the connection is never idle.
    let mut client = Http2::connect_with_window(server.address(), 1).await;
    let _held = client.get("/hello").await.unwrap();
    let others = async {
        while let Some(answer) = client.try_head("/hello")
            && answer.await.is_ok()
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, others)
        .await
        .expect("the end of the connection");
}

#[tokio::test]
async fn an_idle_connection_of_http2_is_closed_though_it_answers_pings() {
    let limits = ServeLimits {
        idle_timeout: Duration::from_millis(300),
        ..ServeLimits::default()
    };
    let server = TestServer::start_with(services(), limits).await;
    let mut client = Http2::connect(server.address()).await;
    assert_eq!(client.get("/hello").await.unwrap().status(), 200);
    let closed = tokio::time::timeout(SOON, client.driver).await;
    assert!(closed.unwrap().unwrap().is_ok());
}

#[tokio::test]
async fn an_old_connection_is_closed_after_its_next_answer() {
    let limits = ServeLimits {
        connection_age_max: Duration::from_millis(100),
        header_read_timeout: Duration::from_millis(100),
        ..ServeLimits::default()
    };
    let server = TestServer::start_with(services(), limits).await;
    let mut wire = Wire::connect(server.address()).await;
    loop {
        wire.send(HELLO).await;
        if wire.read_until("hello").await.contains("connection: close") {
            break;
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    assert_eq!(wire.read_to_end().await, "");
}

#[tokio::test]
async fn a_new_client_takes_the_place_of_one_that_is_idle() {
    let limits = ServeLimits {
        connections_max: 2,
        ..ServeLimits::default()
    };
    let server = TestServer::start_with(services(), limits).await;
    let mut asked = Wire::connect(server.address()).await;
    asked.send(HELLO).await;
    asked.read_until("hello").await;
    let _silent = Wire::connect(server.address()).await;
    for _ in 0..4 {
        let answer = tokio::time::timeout(SOON, fetch(server.url("/hello"))).await;
        assert_eq!(answer.unwrap().text().await.unwrap(), "hello");
    }
}

fn impatient_of_bodies() -> Limits {
    Limits {
        body_read_timeout: Duration::from_millis(300),
        requests_in_flight_max: 4,
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_slow_body_is_a_408_and_no_error_of_ours() {
    let log = LogCapture::start("info");
    let server = start_with(services(), impatient_of_bodies()).await;
    for rest in [
        "content-length: 9\r\n\r\n{",
        "transfer-encoding: chunked\r\n\r\n1\r\nx\r\n",
    ] {
        let mut wire = Wire::connect(server.address()).await;
        wire.send(&format!("POST /take HTTP/1.1\r\nhost: x\r\n{rest}"))
            .await;
        let answer = wire.read_to_end().await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("Nothing was done"), "{answer}");
    }
    server.stop().await;
    assert!(
        !log.lines().iter().any(|line| line.contains("ERROR")),
        "{:?}",
        log.lines()
    );
}

#[tokio::test]
async fn a_body_that_is_no_http_is_a_400() {
    let server = start_with(services(), impatient_of_bodies()).await;
    let mut wire = Wire::connect(server.address()).await;
    wire.send("POST /take HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
        .await;
    let answer = wire.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("invalid_body"), "{answer}");
}

#[tokio::test]
async fn bodies_that_are_coming_keep_nobody_out() {
    let limits = Limits {
        body_read_timeout: Duration::from_mins(1),
        request_bodies_max: 8,
        requests_in_flight_max: 4,
        ..Limits::default()
    };
    let server = start_with(services(), limits).await;
    let mut client = Http2::connect(server.address()).await;
    let mut coming: Vec<_> = (0..20).map(|_| client.post("/take")).collect();
    let mut halves = Vec::new();
    for _ in 0..20 {
        let mut wire = Wire::connect(server.address()).await;
        wire.send("POST /take HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n1234")
            .await;
        halves.push(wire);
    }
    // Of forty bodies eight are coming still, and thirty-two were refused.
    for (answer, _body) in coming.drain(..) {
        assert_eq!(answer.await.unwrap().status(), 503);
    }
    for wire in &mut halves[..12] {
        let answer = wire.read_to_end().await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
    assert_eq!(fetch(server.url("/hello")).await.status(), 200);
    let post = reqwest::Client::new()
        .post(server.url("/take"))
        .body("12345");
    assert_eq!(post.send().await.unwrap().text().await.unwrap(), "5");
    // Those that came last still have their places.
    let last = halves.last_mut().unwrap();
    last.send("56789").await;
    assert!(
        last.read_until("\r\n\r\n9")
            .await
            .starts_with("HTTP/1.1 200 ")
    );
}

#[tokio::test]
async fn bodies_together_are_bounded_in_bytes() {
    let limits = Limits {
        request_bodies_bytes_max: 100_000,
        body_read_timeout: Duration::from_mins(1),
        ..Limits::default()
    };
    let server = start_with(services(), limits).await;
    let mut wires = Vec::new();
    for number in 0..4 {
        let mut wire = Wire::connect(server.address()).await;
        let body = "x".repeat(40_000);
        wire.send(&format!(
            "POST /take HTTP/1.1\r\nhost: x\r\ncontent-length: 40001\r\n\r\n{body}"
        ))
        .await;
        wires.push(wire);
        // From the third on there is room only when the oldest goes.
        if let Some(oldest) = usize::checked_sub(number, 2) {
            let answer = wires[oldest].read_to_end().await;
            assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        }
    }
    for wire in &mut wires[2..] {
        wire.send("x").await;
        let answer = wire.read_until("\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[tokio::test]
async fn bodies_of_requests_in_flight_count_until_they_are_answered() {
    let limits = Limits {
        request_bodies_bytes_max: 1000,
        ..Limits::default()
    };
    let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (notice, signal) = (Arc::clone(&begun), Arc::clone(&finish));
    let slow = async move |_: Bytes| {
        notice.notify_one();
        signal.notified().await;
    };
    let server = TestServer::start(guarded(services().route("/slow", post(slow)), &limits)).await;
    let send = |path| {
        let url = server.url(path);
        reqwest::Client::new().post(url).body(vec![0; 800]).send()
    };
    let first = tokio::spawn(send("/slow"));
    begun.notified().await;
    assert_eq!(send("/take").await.unwrap().status(), 503);
    finish.notify_one();
    first.await.unwrap().unwrap();
    assert_eq!(send("/take").await.unwrap().status(), 200);
}
