use async_compression::tokio::bufread::{
    BrotliDecoder, BrotliEncoder, GzipDecoder, GzipEncoder, ZlibEncoder, ZstdDecoder, ZstdEncoder,
};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use chassis::stack::{Limits, Rules, apply_with};
use chassis::testing::TestServer;
use http::{HeaderMap, StatusCode, header};
use reqwest::Client;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::harness::{Plain, code_of, header_of};

const TAG: &str = "\"7f3a\"";
const BODY_BYTES_MAX: usize = 100_000;

fn text() -> String {
    let numbers: Vec<String> = (0..20_000_u32).map(|number| number.to_string()).collect();
    numbers.join(",")
}

/// As a service answers: with a tag, and conditions that it reads itself.
async fn tagged(headers: HeaderMap) -> Response {
    let named = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let tag = [(header::ETAG, TAG)];
    if named(header::IF_NONE_MATCH).is_some_and(|known| known.contains(TAG)) {
        return (StatusCode::NOT_MODIFIED, tag).into_response();
    }
    if named(header::IF_MATCH).is_some_and(|wanted| wanted != TAG) {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    let all = [
        (header::CONTENT_TYPE, "application/json"),
        (header::ACCEPT_RANGES, "bytes"),
    ];
    (tag, all, text()).into_response()
}

async fn parts() -> Response {
    let pieces = (0..200).map(|_| Ok::<_, std::io::Error>(Bytes::from(text())));
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn of_type(media_type: &'static str) -> axum::routing::MethodRouter {
    get(async move || ([(header::CONTENT_TYPE, media_type)], text()))
}

fn routes() -> Router {
    let small = get(async || ([(header::CONTENT_TYPE, "application/json")], "[1,2]"));
    let part = get(async || {
        let range = [(header::CONTENT_RANGE, "bytes 0-9/100")];
        (StatusCode::PARTIAL_CONTENT, range, text())
    });
    let echo = post(async |request: Request| {
        let coded = request.headers().contains_key("content-encoding");
        let length = request.headers().get("content-length").cloned();
        let body = axum::body::to_bytes(request.into_body(), usize::MAX)
            .await
            .unwrap();
        let length = length.and_then(|value| value.to_str().unwrap().parse().ok());
        format!("{} {coded} {}", body.len(), length == Some(body.len()))
    });
    Router::new()
        .route("/tagged", get(tagged).patch(tagged))
        .route("/parts", get(parts))
        .route("/small", small)
        .route("/part", part)
        .route("/events", of_type("text/event-stream"))
        .route("/image", of_type("image/png"))
        .route("/echo", echo)
}

async fn start() -> TestServer {
    let rules = Rules {
        compressed_bytes_min: Some(1024),
        ..Rules::default()
    };
    let limits = Limits {
        request_body_bytes_max: BODY_BYTES_MAX,
        ..Limits::default()
    };
    let service = apply_with(routes(), &limits, rules, std::sync::Arc::new(Plain));
    TestServer::start(service).await
}

async fn ask(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
    let request = Client::new().get(server.url(path));
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.send().await.unwrap()
}

async fn all(mut reader: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn decoded(coding: &str, bytes: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => all(GzipDecoder::new(bytes)).await,
        "br" => all(BrotliDecoder::new(bytes)).await,
        _ => all(ZstdDecoder::new(bytes)).await,
    }
}

async fn encoded(coding: &str, bytes: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => all(GzipEncoder::new(bytes)).await,
        "br" => all(BrotliEncoder::new(bytes)).await,
        "deflate" => all(ZlibEncoder::new(bytes)).await,
        _ => all(ZstdEncoder::new(bytes)).await,
    }
}

#[tokio::test]
async fn an_answer_comes_in_the_coding_that_the_client_takes() {
    let server = start().await;
    for coding in ["gzip", "br", "zstd"] {
        for (path, times) in [("/tagged", 1), ("/parts", 200)] {
            let answer = ask(&server, path, &[("accept-encoding", coding)]).await;
            assert_eq!(header_of(&answer, "content-encoding"), coding);
            assert_eq!(header_of(&answer, "content-length"), "");
            assert_eq!(header_of(&answer, "accept-ranges"), "");
            assert_eq!(header_of(&answer, "vary"), "Accept-Encoding");
            let bytes = answer.bytes().await.unwrap();
            let whole = text().repeat(times);
            assert!(
                bytes.len() < whole.len() * 3 / 5,
                "{coding}: {}",
                bytes.len()
            );
            assert_eq!(decoded(coding, &bytes).await, whole.as_bytes());
        }
    }
    // No client is refused for its codings.
    for accepted in ["", "identity", "identity;q=0", "*;q=0", "compress"] {
        let answer = ask(&server, "/tagged", &[("accept-encoding", accepted)]).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header_of(&answer, "content-encoding"), "");
        assert_eq!(header_of(&answer, "vary"), "Accept-Encoding");
        assert_eq!(header_of(&answer, "etag"), TAG);
        assert_eq!(answer.text().await.unwrap(), text());
    }
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_shrink_or_must_not_wait_goes_as_it_is() {
    let server = start().await;
    for path in ["/small", "/part", "/events", "/image"] {
        let answer = ask(&server, path, &[("accept-encoding", "gzip, zstd, br")]).await;
        assert_eq!(header_of(&answer, "content-encoding"), "", "{path}");
        assert_eq!(header_of(&answer, "vary"), "", "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_head_of_a_compressed_answer_is_that_of_the_answer() {
    let server = start().await;
    let request = Client::new().head(server.url("/tagged"));
    let answer = request
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(header_of(&answer, "content-encoding"), "gzip");
    assert_eq!(header_of(&answer, "etag"), "\"7f3a;gzip\"");
    assert!(answer.bytes().await.unwrap().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_compressed_answer_has_a_tag_of_its_own_that_conditions_understand() {
    let server = start().await;
    for coding in ["gzip", "br", "zstd"] {
        let accept = ("accept-encoding", coding);
        let answer = ask(&server, "/tagged", &[accept]).await;
        let tag = header_of(&answer, "etag").to_owned();
        assert_eq!(tag, format!("\"7f3a;{coding}\""));
        let known = ask(&server, "/tagged", &[accept, ("if-none-match", &tag)]).await;
        assert_eq!(known.status(), 304);
        assert_eq!(header_of(&known, "etag"), tag);
        let plain = ask(&server, "/tagged", &[accept, ("if-none-match", TAG)]).await;
        assert_eq!(
            (plain.status().as_u16(), header_of(&plain, "etag")),
            (304, TAG)
        );
        for (wanted, status) in [(tag.as_str(), 200), (TAG, 200), ("\"other;gzip\"", 412)] {
            let request = Client::new().patch(server.url("/tagged"));
            let request = request
                .header("if-match", wanted)
                .header(accept.0, accept.1);
            assert_eq!(request.send().await.unwrap().status(), status, "{wanted}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_the_client_compressed_is_read_as_if_it_had_not() {
    let server = start().await;
    let body = vec![b'x'; 50_000];
    for coding in ["gzip", "br", "zstd", "deflate", "GZIP"] {
        let bytes = encoded(&coding.to_ascii_lowercase(), &body).await;
        let request = Client::new().post(server.url("/echo"));
        let request = request.header("content-encoding", coding).body(bytes);
        let answer = request.send().await.unwrap().text().await.unwrap();
        assert_eq!(answer, "50000 false true", "{coding}");
    }
    for (coding, body, status, code) in [
        ("gzip", b"no gzip".to_vec(), 400, "invalid_body"),
        (
            "zstd",
            encoded("zstd", &body).await[..10].to_vec(),
            400,
            "invalid_body",
        ),
        (
            "compress",
            b"x".to_vec(),
            415,
            "unsupported_content_encoding",
        ),
        (
            "gzip, gzip",
            b"x".to_vec(),
            415,
            "unsupported_content_encoding",
        ),
    ] {
        let request = Client::new().post(server.url("/echo"));
        let answer = request
            .header("content-encoding", coding)
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{coding}");
        let accepted = header_of(&answer, "accept-encoding").to_owned();
        assert_eq!(
            accepted == "gzip, zstd, br, deflate",
            status == 415,
            "{accepted}"
        );
        assert_eq!(code_of(answer).await, code);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_expands_beyond_the_limit_is_refused() {
    let server = start().await;
    let bomb = vec![0; 5_000_000];
    for coding in ["gzip", "br", "zstd", "deflate"] {
        let bytes = encoded(coding, &bomb).await;
        assert!(bytes.len() < BODY_BYTES_MAX, "{coding}: {}", bytes.len());
        let request = Client::new().post(server.url("/echo"));
        let answer = request
            .header("content-encoding", coding)
            .body(bytes)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 413, "{coding}");
        assert_eq!(code_of(answer).await, "body_too_large");
    }
    // Exactly the limit is none too many.
    let bytes = encoded("gzip", &bomb[..BODY_BYTES_MAX]).await;
    let request = Client::new().post(server.url("/echo"));
    let answer = request
        .header("content-encoding", "gzip")
        .body(bytes)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    server.stop().await;
}
