//! Streams: what they cost while they are read slowly, not at all, or by many.

use std::time::Duration;

use bytes::Bytes;
use fibonacci::{Form, Generator, Settings, SettingsError, router};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};

use crate::harness::Server;

const GIGABYTE: &str = "/fibonacci/list?count=100000";

fn request(path: &str) -> Request<Empty<Bytes>> {
    Request::get(path)
        .header("host", "test")
        .body(Empty::new())
        .unwrap()
}

/// The next bytes of a body, so many at least.
async fn read(body: &mut Incoming, bytes: usize) -> Vec<u8> {
    let mut text = Vec::new();
    while text.len() < bytes {
        text.extend_from_slice(&body.frame().await.unwrap().unwrap().into_data().unwrap());
    }
    text
}

/// One stream at a time: what a stream of the largest list holds is between 600 and 700 KiB.
fn room_for_one() -> Settings {
    Settings {
        streaming_bytes_max: 1_000 << 10,
        index_max: 1_000_000,
        ..Settings::default()
    }
}

async fn is_free(server: &Server) -> bool {
    let response = server.open(request(GIGABYTE)).await;
    match response.status() {
        StatusCode::OK => true,
        StatusCode::SERVICE_UNAVAILABLE => {
            assert_eq!(response.headers()["retry-after"], "5");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert!(body.starts_with(b"{\"error\":\"ERR_BUSY: "));
            false
        }
        other => panic!("unexpected {other}"),
    }
}

#[tokio::test]
async fn a_gigabyte_begins_at_once_and_has_its_length() {
    let server = Server::start().await;
    let response = server.open(request(GIGABYTE)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.body().size_hint().exact(), Some(1_045_042_818));
    let text = read(&mut response.into_body(), 100).await;
    assert!(text.starts_with(b"{\"answer\":[0,1,1,2,3,5,8,13,"));
}

#[tokio::test]
async fn the_end_of_a_gigabyte_is_near() {
    let server = Server::start().await;
    let answer = server
        .ask(Method::GET, GIGABYTE, &[("range", "bytes=-20902")])
        .await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
    let number = server.get("/fibonacci/99999").await;
    let number = number
        .text()
        .strip_prefix("{\"n\":99999,\"answer\":")
        .unwrap();
    assert_eq!(
        answer.text(),
        format!(",{}]}}", number.strip_suffix('}').unwrap())
    );
}

#[tokio::test]
async fn beyond_the_bound_streams_are_refused_until_one_leaves() {
    let server = Server::with(&room_for_one()).await;
    let first = server.open(request(GIGABYTE)).await;
    assert_eq!(first.status(), StatusCode::OK);
    let mut body = first.into_body();
    read(&mut body, 1 << 20).await;
    assert!(!is_free(&server).await);
    // What is in the table needs no memory of its own.
    assert_eq!(
        server.get("/fibonacci/list?count=1000").await.status,
        StatusCode::OK
    );
    // Neither does what has no body.
    assert_eq!(
        server.ask(Method::HEAD, GIGABYTE, &[]).await.status,
        StatusCode::OK
    );
    drop(body);
    for _ in 0..500 {
        if is_free(&server).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the memory of a client that left is not free after five seconds");
}

#[tokio::test]
async fn a_reader_that_pauses_gets_the_rest() {
    let server = Server::start().await;
    let path = "/fibonacci/list?count=15000";
    let whole = server.get(path).await.body;
    let mut body = server.open(request(path)).await.into_body();
    let mut text = read(&mut body, 1 << 20).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    while let Some(frame) = body.frame().await {
        text.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    assert!(text == whole);
}

#[tokio::test]
async fn every_form_streams_the_same_bytes() {
    let mut bodies = Vec::new();
    for form in Form::ALL.into_iter().filter(|form| form.is_available()) {
        let settings = Settings {
            generator: Generator::Forced(form),
            ..Settings::default()
        };
        let server = Server::with(&settings).await;
        bodies.push(server.get("/fibonacci/list?count=13001").await.body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    for (settings, name) in [
        (
            Settings {
                count_max: 100_000_001,
                ..Settings::default()
            },
            "count_max",
        ),
        (
            Settings {
                table_count_max: 100_000_001,
                ..Settings::default()
            },
            "table_count_max",
        ),
        (
            Settings {
                index_max: 100_000_001,
                ..Settings::default()
            },
            "index_max",
        ),
        (
            Settings {
                streaming_bytes_max: 1_000,
                ..Settings::default()
            },
            "streaming_bytes_max",
        ),
        (
            Settings {
                computations_max: 0,
                ..Settings::default()
            },
            "computations_max",
        ),
    ] {
        let error: SettingsError = router(&settings).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}
