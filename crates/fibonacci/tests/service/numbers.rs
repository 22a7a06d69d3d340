//! Single numbers.

use http::{Method, StatusCode};

use crate::harness::Server;
use crate::lists::numbers;

#[tokio::test]
async fn a_number_is_answered_with_its_index() {
    let server = Server::start().await;
    // The table ends at 10,000; what lies beyond is computed.
    for n in [0, 1, 2, 100, 9_999, 10_000, 25_000] {
        let number = numbers(n, 1).remove(0);
        for (argument, expected) in [
            ("", format!("{{\"n\":{n},\"answer\":{number}}}")),
            (
                "?numbers=integer",
                format!("{{\"n\":{n},\"answer\":{number}}}"),
            ),
            (
                "?numbers=string",
                format!("{{\"n\":{n},\"answer\":\"{number}\"}}"),
            ),
        ] {
            let answer = server.get(&format!("/fibonacci/{n}{argument}")).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.header("content-type"), "application/json");
            assert_eq!(answer.header("content-length"), expected.len().to_string());
            assert_eq!(answer.text(), expected);
        }
    }
}

#[tokio::test]
async fn a_large_number_ends_as_modular_arithmetic_says() {
    let n = 1_000_000_u64;
    let (mut older, mut newer) = (0_u64, 1);
    for _ in 0..n {
        (older, newer) = (newer, (older + newer) % 1_000_000_000);
    }
    let server = Server::start().await;
    let answer = server.get(&format!("/fibonacci/{n}")).await;
    assert!(answer.text().ends_with(&format!("{older:09}}}")));
    assert_eq!(
        answer.body.len(),
        "{\"n\":1000000,\"answer\":}".len() + 208_988
    );
}

#[tokio::test]
async fn the_head_of_the_largest_number_needs_no_computation() {
    let server = Server::start().await;
    let answer = server.ask(Method::HEAD, "/fibonacci/10000000", &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let length = "{\"n\":10000000,\"answer\":}".len() + 2_089_877;
    assert_eq!(answer.header("content-length"), length.to_string());
    assert!(answer.body.is_empty());
}
