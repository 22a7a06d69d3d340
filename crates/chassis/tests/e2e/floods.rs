//! Floods of frames that HTTP/2 allows: each ends its own connection and no other.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use chassis::serve::ServeLimits;
use chassis::testing::TestServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{SOON, get as fetch};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const ENHANCE_YOUR_CALM: u32 = 11;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// RFC 9113, section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The field lines of `GET http://x/hello`: RFC 7541, appendix A has the indices.
fn get_hello() -> Vec<u8> {
    [&[0x82, 0x86, 0x04, 6][..], b"/hello", &[0x01, 1], b"x"].concat()
}

/// A request on each of the streams that a client may open, and what follows it there.
fn requests(flags: u8, then: impl Fn(u32) -> Vec<u8>) -> impl Iterator<Item = Vec<u8>> {
    (1..400_000).step_by(2).map(move |stream| {
        let request = frame(HEADERS, flags | END_HEADERS, stream, &get_hello());
        [request, then(stream)].concat()
    })
}

async fn connect(server: &TestServer) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let beginning = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&beginning).await.unwrap();
    stream
}

/// Sends all frames, or as many as the server takes; returns how many.
async fn send(
    mut stream: impl AsyncWriteExt + Unpin,
    frames: impl Iterator<Item = Vec<u8>>,
) -> usize {
    let mut sent = 0;
    for bytes in frames {
        if stream.write_all(&bytes).await.is_err() {
            break;
        }
        sent += 1;
    }
    sent
}

/// Waits for the end of the flood; meanwhile and afterwards others are served.
async fn others_are_served_beside<T: Send + 'static>(
    server: &TestServer,
    flood: impl Future<Output = T> + Send + 'static,
) -> T {
    let flood = tokio::spawn(flood);
    let mut ended = false;
    let others = async {
        while !ended {
            ended = flood.is_finished();
            let answer = fetch(server.url("/hello")).await;
            assert_eq!(answer.text().await.unwrap(), "hello");
        }
    };
    let in_time = tokio::time::timeout(SOON, others).await;
    in_time.expect("the end of the flood");
    flood.await.unwrap()
}

async fn start() -> TestServer {
    let hello = Router::new().route("/hello", get(async || "hello"));
    let limits = ServeLimits {
        write_timeout: Duration::from_millis(300),
        ..ServeLimits::default()
    };
    TestServer::start_with(hello, limits).await
}

/// The code of the GOAWAY in what a server sent.
fn code_of_goaway(mut bytes: &[u8]) -> Option<u32> {
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let (payload, next) = rest.split_at_checked(length)?;
        if *kind == GOAWAY {
            return Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
        bytes = next;
    }
    None
}

/// Floods a server whose answers are read; returns the code with which it closed the connection.
async fn code_after(frames: impl Iterator<Item = Vec<u8>> + Send + 'static) -> Option<u32> {
    let server = start().await;
    let (mut answers, requests) = connect(&server).await.into_split();
    others_are_served_beside(&server, async move {
        let sending = tokio::spawn(send(requests, frames));
        let mut bytes = Vec::new();
        // A reset is an end too.
        let _ = answers.read_to_end(&mut bytes).await;
        sending.await.unwrap();
        code_of_goaway(&bytes)
    })
    .await
}

#[tokio::test]
async fn requests_that_are_reset_at_once_end_their_connection() {
    let cancelled = |stream| frame(RESET, 0, stream, &8_u32.to_be_bytes());
    let code = code_after(requests(END_STREAM, cancelled)).await;
    assert_eq!(code, Some(ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn requests_that_the_server_is_made_to_reset_end_their_connection() {
    // A window that grows beyond the largest is an error of the stream alone.
    let wrong = |stream| frame(WINDOW_UPDATE, 0, stream, &0x7fff_ffff_u32.to_be_bytes());
    let code = code_after(requests(0, wrong)).await;
    assert_eq!(code, Some(ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn a_head_that_never_ends_ends_its_connection() {
    let field = [&[0x00, 1][..], b"a", &[100], &[b'b'; 100]].concat();
    for payload in [Vec::new(), field.repeat(150)] {
        let beginning = frame(HEADERS, END_STREAM, 1, &get_hello());
        let rest = frame(CONTINUATION, 0, 1, &payload);
        let frames = std::iter::once(beginning).chain(std::iter::repeat_n(rest, 100_000));
        let code = code_after(frames).await;
        assert!(code.is_some(), "{} bytes", payload.len());
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_what_its_frames_are_answered_with_is_cut() {
    for kind in [SETTINGS, PING] {
        let payload: &[u8] = if kind == PING { b"12345678" } else { b"" };
        let frames = std::iter::repeat(frame(kind, 0, 0, payload).repeat(1000));
        let server = start().await;
        let stream = connect(&server).await;
        let sent = others_are_served_beside(&server, send(stream, frames)).await;
        assert!(sent > 0, "{kind}");
    }
}
