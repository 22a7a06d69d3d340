use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use chassis::client::{ClientAddress, ForwardedHeader};
use chassis::health::Heartbeat;
use chassis::lifecycle::StopSignal;
use chassis::serve::{Address, Control, Door, Entrance, ServeLimits, bind_unix, refusals, serve};
use chassis::stack::{Limits, Rules, apply_with};
use chassis::testing::TestServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::harness::{Plain, SOON, Wire, start_by};

const REQUEST: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

fn whence() -> Router {
    let told = async |Extension(address): Extension<ClientAddress>| {
        address
            .client
            .map_or_else(|| "nobody".to_owned(), |client| client.to_string())
    };
    Router::new().route("/", get(told))
}

fn proxied(trusted: &str) -> Entrance {
    Entrance {
        proxy_protocol: true,
        trusted_proxies: trusted.parse().unwrap(),
        handshake_timeout: SOON,
        ..Entrance::default()
    }
}

async fn ask(server: &TestServer, beginning: &[&[u8]]) -> String {
    let mut wire = Wire::connect(server.address()).await;
    for piece in beginning {
        wire.0.write_all(piece).await.unwrap();
        wire.0.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    let answer = wire.read_to_end().await;
    answer
        .rsplit("\r\n\r\n")
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn a_trusted_proxy_says_for_whom_it_connects() {
    let limits = ServeLimits::default();
    let server = TestServer::start_behind(whence(), limits, proxied("127.0.0.0/8")).await;
    let v1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
    let request = REQUEST.as_bytes();
    assert_eq!(ask(&server, &[v1, request]).await, "192.0.2.7");
    assert_eq!(
        ask(&server, &[&[&v1[..], request].concat()]).await,
        "192.0.2.7"
    );
    assert_eq!(
        ask(&server, &[&v1[..3], &v1[3..17], &v1[17..], request]).await,
        "192.0.2.7"
    );
    assert_eq!(
        ask(&server, &[b"PROXY UNKNOWN\r\n", request]).await,
        "127.0.0.1"
    );
    let start = b"\r\n\r\n\0\r\nQUIT\n";
    let v2 = [
        &start[..],
        &[0x21, 0x11, 0, 12, 192, 0, 2, 8, 1, 2, 3, 4, 0, 1, 0, 2],
    ]
    .concat();
    assert_eq!(ask(&server, &[&v2, request]).await, "192.0.2.8");
    let local = [&start[..], &[0x20, 0, 0, 0]].concat();
    assert_eq!(ask(&server, &[&local, request]).await, "127.0.0.1");
    server.stop().await;
}

#[tokio::test]
async fn a_trusted_proxy_without_a_header_is_closed_and_counted() {
    let limits = ServeLimits::default();
    let server = TestServer::start_behind(whence(), limits, proxied("127.0.0.1")).await;
    let before = refusals().proxy_headers;
    for other in [REQUEST, "PROXY TCP4 1.2.3.4\r\n", "PROXY NONSENSE\r\n"] {
        let mut wire = Wire::connect(server.address()).await;
        wire.send(other).await;
        assert_eq!(wire.read_to_end().await, "");
    }
    assert!(refusals().proxy_headers >= before + 3);
    server.stop().await;
}

#[tokio::test]
async fn who_is_not_trusted_is_served_as_itself_and_cannot_name_another() {
    let limits = ServeLimits::default();
    let server = TestServer::start_behind(whence(), limits, proxied("192.0.2.1")).await;
    assert_eq!(ask(&server, &[REQUEST.as_bytes()]).await, "127.0.0.1");
    let mut wire = Wire::connect(server.address()).await;
    wire.send("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n")
        .await;
    wire.send(REQUEST).await;
    let answer = wire.read_to_end().await;
    assert!(!answer.contains("192.0.2.7"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_proxy_that_is_slow_with_its_header_is_cut() {
    let entrance = Entrance {
        handshake_timeout: Duration::from_millis(100),
        ..proxied("127.0.0.1")
    };
    let server = TestServer::start_behind(whence(), ServeLimits::default(), entrance).await;
    let mut wire = Wire::connect(server.address()).await;
    wire.send("PROXY TCP4 1").await;
    assert_eq!(wire.read_to_end().await, "");
    server.stop().await;
}

#[tokio::test]
async fn a_forwarded_address_counts_where_its_proxy_is_trusted() {
    for (trusted, header, client) in [
        ("127.0.0.1", ForwardedHeader::XForwardedFor, "192.0.2.7"),
        ("127.0.0.1", ForwardedHeader::Forwarded, "192.0.2.8"),
        ("192.0.2.1", ForwardedHeader::XForwardedFor, "127.0.0.1"),
        ("", ForwardedHeader::XForwardedFor, "127.0.0.1"),
    ] {
        let rules = Rules {
            trusted_proxies: trusted.parse().unwrap(),
            forwarded_header: header,
            ..Rules::default()
        };
        let server = start_by(whence(), rules).await;
        let request = reqwest::Client::new()
            .get(server.url("/"))
            .header("x-forwarded-for", "6.6.6.6, 192.0.2.7")
            .header("forwarded", "for=192.0.2.8");
        let answer = request.send().await.unwrap().text().await.unwrap();
        assert_eq!(answer, client, "{trusted} {header:?}");
        server.stop().await;
    }
}

async fn ask_unix(path: &Path, forwarded: &str) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    let head = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {forwarded}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
        .rsplit("\r\n\r\n")
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn a_unix_socket_serves_has_its_mode_and_goes_with_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.sock");
    // Left over by a process that was killed.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let rules = Rules {
        trusted_proxies: "unix".parse().unwrap(),
        ..Rules::default()
    };
    let service = apply_with(
        whence(),
        &Limits::default(),
        rules,
        std::sync::Arc::new(Plain),
    );
    let listener = bind_unix(&path, 0o660).unwrap();
    assert_eq!(listener.address().unwrap(), Address::Unix(path.clone()));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let door = Door::new(listener, Entrance::default()).unwrap();
    let (stop, told) = StopSignal::channel();
    let control = Control {
        stop: told,
        heartbeat: Heartbeat::unwatched(),
        listener_outlives_server: false,
    };
    let serving = tokio::spawn(serve(door, service, ServeLimits::default(), control));
    assert_eq!(ask_unix(&path, "192.0.2.7").await, "192.0.2.7");
    assert_eq!(ask_unix(&path, "").await, "nobody");
    let taken = bind_unix(&path, 0o600).unwrap_err();
    assert!(
        taken.to_string().contains("somebody answers there"),
        "{taken}"
    );
    drop(stop);
    assert_eq!(serving.await.unwrap().connections_cut, 0);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_file_at_the_path_of_a_unix_socket_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.sock");
    std::fs::write(&path, "mine").unwrap();
    let refused = bind_unix(&path, 0o600).unwrap_err().to_string();
    assert!(refused.contains("no socket is there"), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}
