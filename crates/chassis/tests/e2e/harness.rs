//! A presenter that writes plain JSON, and a client for what a polite client cannot send.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use chassis::fault::Fault;
use chassis::presenter::{Presenter, Report};
use chassis::stack::{self, Limits, Rules, Service};
use chassis::testing::TestServer;
use http::header;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than anything that is to happen on a busy machine, shorter than the patience of a
/// developer.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// How often a condition is looked at while it is waited for.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(5);

pub(crate) struct Plain;

impl Presenter for Plain {
    fn fault(&self, path: &str, fault: &Fault) -> Response {
        let body = serde_json::json!({
            "code": fault.code(), "detail": fault.detail(), "path": path,
        });
        json(fault.status(), &body)
    }

    fn report(&self, report: &Report) -> Response {
        let attributes: serde_json::Map<_, _> = report.attributes.iter().cloned().collect();
        let body = serde_json::json!({ "kind": report.kind.name(), "attributes": attributes });
        json(report.status, &body)
    }
}

fn json(status: http::StatusCode, body: &serde_json::Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

pub(crate) fn guarded(router: Router, limits: &Limits) -> Service {
    stack::apply(router, limits, Arc::new(Plain))
}

/// A server with rules of an edge.
pub(crate) async fn start_by(router: Router, rules: Rules) -> TestServer {
    let service = stack::apply_with(router, &Limits::default(), rules, Arc::new(Plain));
    TestServer::start(service).await
}

pub(crate) async fn start(router: Router) -> TestServer {
    start_with(router, Limits::default()).await
}

pub(crate) async fn start_with(router: Router, limits: Limits) -> TestServer {
    TestServer::start(guarded(router, &limits)).await
}

pub(crate) async fn get(url: String) -> reqwest::Response {
    reqwest::get(url).await.unwrap()
}

pub(crate) async fn code_of(response: reqwest::Response) -> String {
    let body: serde_json::Value = response.json().await.unwrap();
    body["code"].as_str().unwrap().to_owned()
}

/// Waits until something holds.
pub(crate) async fn becomes_true(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    };
    tokio::time::timeout(SOON, waiting)
        .await
        .expect("what the test waits for");
}

/// Waits until a server no longer accepts connections.
pub(crate) async fn door_closes(address: SocketAddr) {
    becomes_true(async || TcpStream::connect(address).await.is_err()).await;
}

#[track_caller]
pub(crate) fn header_of<'a>(response: &'a reqwest::Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// `examples/process.rs`, which `cargo test` builds beside the tests.
pub(crate) fn process() -> Command {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let example = folder.join("examples").join("process");
    let hint = "make it with 'cargo build -p chassis --example process'";
    assert!(example.exists(), "no {}: {hint}", example.display());
    Command::new(example)
}

/// A connection on which a test writes and reads bytes.
pub(crate) struct Wire(pub(crate) TcpStream);

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until `end` is seen.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.contains(end) {
            let byte = tokio::time::timeout(SOON, self.0.read_u8()).await;
            text.push(char::from(
                byte.expect("an answer in time")
                    .expect("an open connection"),
            ));
        }
        text
    }

    /// Reads until the server closes. A reset is an end too.
    pub(crate) async fn read_to_end(&mut self) -> String {
        let mut bytes = Vec::new();
        let reading = self.0.read_to_end(&mut bytes);
        let _ = tokio::time::timeout(SOON, reading)
            .await
            .expect("a closed connection in time");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// A connection of HTTP/2 whose flow control a test holds in its hands.
pub(crate) struct Http2 {
    sender: h2::client::SendRequest<bytes::Bytes>,
    /// Answers pings and takes frames as long as it is kept.
    pub(crate) driver: tokio::task::JoinHandle<Result<(), h2::Error>>,
}

impl Http2 {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::connect_with_window(address, 65_535).await
    }

    /// Each response may send so many bytes before the client says that it took some.
    pub(crate) async fn connect_with_window(address: SocketAddr, bytes: u32) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut settings = h2::client::Builder::new();
        let handshake = settings.initial_window_size(bytes).handshake(stream);
        let (sender, connection) = handshake.await.unwrap();
        let driver = tokio::spawn(connection);
        let sender = sender.ready().await.unwrap();
        Self { sender, driver }
    }

    pub(crate) fn get(&mut self, path: &str) -> h2::client::ResponseFuture {
        self.try_get(path).unwrap()
    }

    /// The answer to come, or nothing when the connection has ended.
    pub(crate) fn try_get(&mut self, path: &str) -> Option<h2::client::ResponseFuture> {
        Some(self.send("GET", path, true).ok()?.0)
    }

    /// [`Http2::try_get`] without a body in the answer.
    pub(crate) fn try_head(&mut self, path: &str) -> Option<h2::client::ResponseFuture> {
        Some(self.send("HEAD", path, true).ok()?.0)
    }

    /// A request whose body the caller sends.
    pub(crate) fn post(
        &mut self,
        path: &str,
    ) -> (h2::client::ResponseFuture, h2::SendStream<bytes::Bytes>) {
        self.send("POST", path, false).unwrap()
    }

    fn send(
        &mut self,
        method: &str,
        path: &str,
        ended: bool,
    ) -> Result<(h2::client::ResponseFuture, h2::SendStream<bytes::Bytes>), h2::Error> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://localhost{path}"))
            .body(())
            .unwrap();
        self.sender.send_request(request, ended)
    }
}
