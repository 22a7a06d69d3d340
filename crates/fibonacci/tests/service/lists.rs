//! Lists in every notation, against additions of big integers.

use http::{Method, StatusCode};
use num_bigint::BigUint;

use crate::harness::Server;

/// `F(from)` to `F(from + count - 1)` in decimal.
pub(crate) fn numbers(from: usize, count: usize) -> Vec<String> {
    let (mut older, mut newer) = (BigUint::ZERO, BigUint::from(1_u8));
    let mut numbers = Vec::new();
    for n in 0..from + count {
        if n >= from {
            numbers.push(older.to_string());
        }
        let sum = &older + &newer;
        older = std::mem::replace(&mut newer, sum);
    }
    numbers
}

#[tokio::test]
async fn a_list_has_the_first_numbers() {
    let server = Server::start().await;
    for count in [0, 1, 2, 3, 10, 100, 1_000, 9_999, 10_000, 10_001, 12_000] {
        let answer = server.get(&format!("/fibonacci/list?count={count}")).await;
        let expected = format!("{{\"answer\":[{}]}}", numbers(0, count).join(","));
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("content-length"), expected.len().to_string());
        assert!(answer.text() == expected, "count = {count}");
    }
}

#[tokio::test]
async fn a_list_may_begin_at_any_number() {
    let server = Server::start().await;
    for (from, count) in [
        (0, 0),
        (5, 0),
        (1, 1),
        (7, 10),
        (9_998, 2),
        (9_999, 3),
        (11_000, 500),
    ] {
        let answer = server
            .get(&format!("/fibonacci/list?count={count}&from={from}"))
            .await;
        let expected = format!("{{\"answer\":[{}]}}", numbers(from, count).join(","));
        assert!(answer.text() == expected, "from = {from}, count = {count}");
        assert_eq!(answer.header("content-length"), expected.len().to_string());
    }
}

#[tokio::test]
async fn every_notation_has_the_same_numbers() {
    let server = Server::start().await;
    for (from, count) in [(0, 0), (0, 1), (0, 50), (3, 500), (10_500, 700)] {
        let numbers = numbers(from, count);
        let lines = |around: &str, end: &str| {
            numbers.iter().fold(String::new(), |text, number| {
                text + around + number + around + end
            })
        };
        let quoted = numbers.join("\",\"");
        let quoted = if count == 0 {
            quoted
        } else {
            format!("\"{quoted}\"")
        };
        for (accept, argument, expected) in [
            (
                "application/json",
                "string",
                format!("{{\"answer\":[{quoted}]}}"),
            ),
            ("application/x-ndjson", "integer", lines("", "\n")),
            ("application/x-ndjson", "string", lines("\"", "\n")),
            (
                "text/csv",
                "integer",
                format!("answer\r\n{}", lines("", "\r\n")),
            ),
            (
                "text/csv",
                "string",
                format!("answer\r\n{}", lines("\"", "\r\n")),
            ),
        ] {
            let path = format!("/fibonacci/list?count={count}&from={from}&numbers={argument}");
            let answer = server.ask(Method::GET, &path, &[("accept", accept)]).await;
            assert!(
                answer.header("content-type").starts_with(accept),
                "{accept}"
            );
            assert_eq!(answer.header("content-length"), expected.len().to_string());
            assert!(answer.text() == expected, "{accept} {path}");
        }
    }
}
