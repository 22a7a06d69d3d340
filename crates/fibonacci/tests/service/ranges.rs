//! Heads, entity tags and parts of answers.

use http::{Method, StatusCode};

use crate::harness::{Answer, Server};

/// A slice of the table, a stream, a stream that starts inside, and a computed number.
const PATHS: [&str; 5] = [
    "/fibonacci/list?count=1000",
    "/fibonacci/list?count=12000",
    "/fibonacci/list?count=500&from=11000",
    "/fibonacci/list?count=2000&numbers=string",
    "/fibonacci/20000",
];

#[track_caller]
fn assert_describes(answer: &Answer) {
    assert_eq!(
        answer.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(answer.header("accept-ranges"), "bytes");
    let tag = answer.header("etag");
    assert!(
        tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'),
        "{tag}"
    );
}

#[tokio::test]
async fn a_head_says_what_a_get_would() {
    let server = Server::start().await;
    for path in PATHS {
        let whole = server.get(path).await;
        let head = server
            .ask(Method::HEAD, path, &[("range", "bytes=5-9")])
            .await;
        assert_describes(&whole);
        assert_eq!(head.status, StatusCode::OK);
        assert!(head.body.is_empty());
        for name in [
            "content-length",
            "content-type",
            "etag",
            "vary",
            "cache-control",
        ] {
            assert_eq!(head.header(name), whole.header(name), "{name} of {path}");
        }
    }
}

#[tokio::test]
async fn a_known_answer_is_not_sent_again() {
    let server = Server::start().await;
    for path in PATHS {
        let tag = server
            .ask(Method::HEAD, path, &[])
            .await
            .header("etag")
            .to_owned();
        let answer = server
            .ask(Method::GET, path, &[("if-none-match", &tag)])
            .await;
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED);
        assert_describes(&answer);
        assert!(answer.body.is_empty());
    }
}

#[tokio::test]
async fn different_answers_have_different_tags() {
    let server = Server::start().await;
    let mut tags = Vec::new();
    for path in [
        "/fibonacci/list?count=10",
        "/fibonacci/list?count=11",
        "/fibonacci/list?count=10&from=1",
        "/fibonacci/list?count=10&numbers=string",
    ] {
        for accept in ["application/json", "application/x-ndjson", "text/csv"] {
            let answer = server.ask(Method::GET, path, &[("accept", accept)]).await;
            assert_eq!(answer.header("vary"), "accept");
            tags.push(answer.header("etag").to_owned());
        }
    }
    for path in [
        "/fibonacci/10",
        "/fibonacci/11",
        "/fibonacci/10?numbers=string",
    ] {
        tags.push(server.get(path).await.header("etag").to_owned());
    }
    let all = tags.len();
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), all);
}

#[tokio::test]
async fn any_part_is_cut_from_the_whole() {
    let server = Server::start().await;
    for path in PATHS {
        let whole = server.get(path).await.body;
        let length = whole.len();
        let mut places = vec![0, 1, 10, 11, 12, 13, length - 3, length - 2, length - 1];
        places.extend((1..20).map(|i| length * i / 20));
        for first in places {
            for last in [first, first + 1, first + 30_000, length - 1, length + 5] {
                let range = format!("bytes={first}-{last}");
                let answer = server.ask(Method::GET, path, &[("range", &range)]).await;
                let end = (last + 1).min(length);
                assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
                let expected = format!("bytes {first}-{}/{length}", end - 1);
                assert_eq!(answer.header("content-range"), expected);
                assert_eq!(answer.header("content-length"), (end - first).to_string());
                assert_describes(&answer);
                assert!(answer.body == whole[first..end], "{range} of {path}");
            }
        }
    }
}

#[tokio::test]
async fn parts_taken_one_after_another_are_the_whole() {
    let server = Server::start().await;
    for accept in ["application/json", "application/x-ndjson", "text/csv"] {
        let path = "/fibonacci/list?count=400&from=10200&numbers=string";
        let whole = server.ask(Method::GET, path, &[("accept", accept)]).await;
        let tag = whole.header("etag");
        let mut joined = Vec::new();
        while joined.len() < whole.body.len() {
            let range = format!("bytes={}-{}", joined.len(), joined.len() + 77_776);
            let headers = [("accept", accept), ("range", &range), ("if-range", tag)];
            let part = server.ask(Method::GET, path, &headers).await;
            assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
            joined.extend_from_slice(&part.body);
        }
        assert!(joined == whole.body, "{accept}");
    }
}

#[tokio::test]
async fn a_changed_answer_is_sent_whole() {
    let server = Server::start().await;
    let headers = [("range", "bytes=5-9"), ("if-range", "\"another\"")];
    let answer = server.ask(Method::GET, PATHS[0], &headers).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, server.get(PATHS[0]).await.body);
}

#[tokio::test]
async fn a_range_beyond_the_end_names_the_length() {
    let server = Server::start().await;
    for path in PATHS {
        let length = server
            .ask(Method::HEAD, path, &[])
            .await
            .header("content-length")
            .to_owned();
        let range = format!("bytes={length}-");
        let answer = server.ask(Method::GET, path, &[("range", &range)]).await;
        assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(answer.header("content-range"), format!("bytes */{length}"));
        assert!(
            answer
                .text()
                .starts_with("{\"error\":\"ERR_RANGE_NOT_SATISFIABLE: ")
        );
    }
}
