use axum::Router;
use axum::response::Html;
use axum::routing::get;
use chassis::stack::{Hosts, Rules};
use chassis::testing::TestServer;
use http::header::CACHE_CONTROL;
use reqwest::{Client, Method, Response};

use crate::harness::{Wire, code_of, header_of, start_by};

fn routes() -> Router {
    Router::new()
        .route("/", get(async || "hello").put(async || "stored"))
        .route("/page", get(async || Html("<p>hello")))
        .route(
            "/for-all",
            get(async || ([(CACHE_CONTROL, "public")], "hello")),
        )
        .route("/ping", get(async || "pong"))
}

fn for_app() -> Rules {
    Rules {
        origins: "https://app.example.com".parse().unwrap(),
        ..Rules::default()
    }
}

async fn ask(server: &TestServer, method: Method, headers: &[(&str, &str)]) -> Response {
    let request = Client::new().request(method, server.url("/"));
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.send().await.unwrap()
}

const PREFLIGHT: [(&str, &str); 2] = [
    ("access-control-request-method", "PUT"),
    (
        "access-control-request-headers",
        "if-match, idempotency-key, content-type",
    ),
];

#[tokio::test]
async fn a_page_of_a_listed_origin_may_ask_and_read() {
    let server = start_by(routes(), for_app()).await;
    let origin = ("origin", "https://app.example.com");
    let answer = ask(
        &server,
        Method::OPTIONS,
        &[origin, PREFLIGHT[0], PREFLIGHT[1]],
    )
    .await;
    assert_eq!(answer.status(), 204);
    assert_eq!(header_of(&answer, "access-control-allow-origin"), origin.1);
    let methods = header_of(&answer, "access-control-allow-methods").to_owned();
    for method in ["GET", "PUT", "PATCH", "DELETE", "QUERY"] {
        assert!(
            methods.split(", ").any(|named| named == method),
            "{methods}"
        );
    }
    let headers = header_of(&answer, "access-control-allow-headers").to_ascii_lowercase();
    for header in [
        "if-match",
        "idempotency-key",
        "content-type",
        "x-http-method-override",
    ] {
        assert!(
            headers.split(", ").any(|named| named == header),
            "{headers}"
        );
    }
    assert_eq!(header_of(&answer, "access-control-max-age"), "600");
    let answer = ask(&server, Method::GET, &[origin]).await;
    assert_eq!(header_of(&answer, "access-control-allow-origin"), origin.1);
    assert_eq!(header_of(&answer, "vary"), "Origin");
    let exposed = header_of(&answer, "access-control-expose-headers");
    for header in ["ETag", "Location", "RateLimit", "Retry-After"] {
        assert!(
            exposed.split(", ").any(|named| named == header),
            "{exposed}"
        );
    }
    // What is wrong is told to the page too.
    let wrong = Client::new()
        .get(server.url("/absent"))
        .header(origin.0, origin.1);
    let wrong = wrong.send().await.unwrap();
    assert_eq!(wrong.status(), 404);
    assert_eq!(header_of(&wrong, "access-control-allow-origin"), origin.1);
    server.stop().await;
}

#[tokio::test]
async fn pages_of_other_origins_get_no_permission() {
    for (rules, vary) in [(for_app(), "Origin"), (Rules::default(), "")] {
        let server = start_by(routes(), rules).await;
        for origin in [
            "https://evil.example",
            "null",
            "https://app.example.com.evil.example",
        ] {
            let origin = ("origin", origin);
            let answer = ask(
                &server,
                Method::OPTIONS,
                &[origin, PREFLIGHT[0], PREFLIGHT[1]],
            )
            .await;
            assert_eq!(answer.status(), 405);
            assert_eq!(header_of(&answer, "access-control-allow-origin"), "");
            let answer = ask(&server, Method::GET, &[origin]).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(header_of(&answer, "access-control-allow-origin"), "");
            assert_eq!(header_of(&answer, "vary"), vary);
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn a_name_that_somebody_rebound_to_this_machine_is_refused_before_anything_is_done() {
    let rules = Rules {
        hosts: Hosts::Loopback,
        ..Rules::default()
    };
    let server = start_by(routes(), rules).await;
    let evil = ("host", "evil.example:8000");
    let refused = ask(
        &server,
        Method::PUT,
        &[evil, ("origin", "http://evil.example:8000")],
    )
    .await;
    assert_eq!(refused.status(), 421);
    assert_eq!(code_of(refused).await, "unknown_host");
    for host in ["localhost:8000", "a.localhost", "127.0.0.1", "[::1]:80"] {
        assert_eq!(
            ask(&server, Method::PUT, &[("host", host)]).await.status(),
            200,
            "{host}"
        );
    }
    // The target of a request counts as well as its header.
    let mut wire = Wire::connect(server.address()).await;
    wire.send("GET http://evil.example/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await;
    let answer = wire.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    // Whoever probes may call the process as it likes.
    let probe = Client::new()
        .get(server.url("/ping"))
        .header(evil.0, evil.1);
    assert_eq!(probe.send().await.unwrap().status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn every_answer_says_what_browsers_and_caches_may_do_with_it() {
    let server = start_by(routes(), Rules::default()).await;
    for (path, cached, framed) in [
        ("/", "private, no-cache", ""),
        ("/page", "private, no-cache", "DENY"),
        ("/for-all", "public", ""),
        ("/absent", "no-store", ""),
    ] {
        let answer = reqwest::get(server.url(path)).await.unwrap();
        assert_eq!(
            header_of(&answer, "x-content-type-options"),
            "nosniff",
            "{path}"
        );
        assert_eq!(header_of(&answer, "cache-control"), cached, "{path}");
        assert_eq!(header_of(&answer, "x-frame-options"), framed, "{path}");
        let policy = header_of(&answer, "content-security-policy");
        assert_eq!(
            policy.contains("frame-ancestors 'none'"),
            path == "/page",
            "{policy}"
        );
    }
    // Also the answer to what is no request.
    let mut wire = Wire::connect(server.address()).await;
    wire.send("GET / NONSENSE\r\n\r\n").await;
    let answer = wire.read_to_end().await.to_ascii_lowercase();
    assert!(
        answer.contains("\r\nx-content-type-options: nosniff\r\n"),
        "{answer}"
    );
    server.stop().await;
}
