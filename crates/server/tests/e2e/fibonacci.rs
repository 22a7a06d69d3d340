//! The contract of the Fibonacci service, as its callers meet it.

use reqwest::Method;
use serde_json::Value;

use crate::harness::{Answer, Server, Setup};

async fn server() -> Server {
    Setup::fresh().arguments(["fibonacci"]).start().await
}

/// Checks the shape of an error and that it starts with this code.
#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    let document = answer.json();
    let members: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(members, ["error"]);
    let error = document["error"].as_str().unwrap().to_owned();
    let detail = error.strip_prefix(&format!("{code}: "));
    assert!(detail.is_some_and(|detail| !detail.is_empty()), "{error}");
    error
}

/// The sum of two numbers in decimal digits.
fn sum(one: &str, other: &str) -> String {
    let digits = |text: &str| {
        text.bytes()
            .rev()
            .map(|byte| byte - b'0')
            .collect::<Vec<_>>()
    };
    let (one, other) = (digits(one), digits(other));
    let (mut sum, mut carry) = (Vec::new(), 0);
    for place in 0..one.len().max(other.len()) {
        let digit = |digits: &Vec<u8>| digits.get(place).copied().unwrap_or(0);
        let total = digit(&one) + digit(&other) + carry;
        carry = total / 10;
        sum.push(b'0' + total % 10);
    }
    if carry > 0 {
        sum.push(b'0' + carry);
    }
    sum.reverse();
    String::from_utf8(sum).unwrap()
}

/// The text of each number; a parser might round them.
#[track_caller]
fn numbers(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let list = answer.text().strip_prefix("{\"answer\":[");
    let list = list.and_then(|text| text.strip_suffix("]}"));
    list.expect("a list").split(',').collect()
}

#[tokio::test]
async fn the_first_ten_numbers_are_those_of_the_article() {
    let server = server().await;
    let answer = server.get("/fibonacci/list?count=10").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), r#"{"answer":[0,1,1,2,3,5,8,13,21,34]}"#);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("content-length"), "35");
}

#[tokio::test]
async fn few_numbers_are_few() {
    let server = server().await;
    for (count, expected) in [
        ("0", "[]"),
        ("1", "[0]"),
        ("2", "[0,1]"),
        ("007", "[0,1,1,2,3,5,8]"),
    ] {
        let answer = server.get(&format!("/fibonacci/list?count={count}")).await;
        assert_eq!(answer.text(), format!("{{\"answer\":{expected}}}"));
    }
}

#[tokio::test]
async fn large_numbers_are_exact() {
    let server = server().await;
    let answer = server.get("/fibonacci/list?count=2000").await;
    let numbers = numbers(&answer);
    assert_eq!((numbers.len(), &numbers[..2]), (2000, &["0", "1"][..]));
    for three in numbers.windows(3) {
        assert_eq!(sum(three[0], three[1]), three[2]);
    }
    // F(300).
    let f300 = "222232244629420445529739893461909967206666939096499764990979600";
    assert_eq!(numbers[300], f300);
}

#[tokio::test]
async fn a_list_beyond_the_table_is_streamed_with_its_exact_length() {
    let setup = Setup::fresh().arguments(["fibonacci", "--fibonacci-table-count-max", "100"]);
    let server = setup.start().await;
    let small = server.get("/fibonacci/list?count=100").await;
    let large = server.get("/fibonacci/list?count=3000").await;
    assert_eq!(large.header("content-length"), large.body.len().to_string());
    let numbers = numbers(&large);
    assert_eq!(numbers.len(), 3000);
    assert!(
        large
            .text()
            .starts_with(small.text().strip_suffix("]}").unwrap())
    );
    for three in numbers.windows(3) {
        assert_eq!(sum(three[0], three[1]), three[2]);
    }
}

#[tokio::test]
async fn a_count_that_is_missing_is_no_argument() {
    let server = server().await;
    for path in [
        "/fibonacci/list",
        "/fibonacci/list?",
        "/fibonacci/list?count",
        "/fibonacci/list?count=",
    ] {
        refused(&server.get(path).await, 403, "ERR_NO_ARG");
    }
}

#[tokio::test]
async fn a_count_that_is_no_integer_has_the_wrong_type() {
    let server = server().await;
    for count in [
        "J", "1e3", "1.5", "0x10", "ten", "%20", "1%202", "%00", "-", "NaN",
    ] {
        let answer = server.get(&format!("/fibonacci/list?count={count}")).await;
        refused(&answer, 403, "ERR_INVALID_TYPE");
    }
}

#[tokio::test]
async fn a_count_out_of_bounds_is_told_the_bound() {
    let server = server().await;
    for count in ["-1", "-99999999999999999999"] {
        let answer = server.get(&format!("/fibonacci/list?count={count}")).await;
        refused(&answer, 403, "ERR_OUT_OF_BOUNDS");
    }
    for count in ["100001", "18446744073709551616", "99999999999999999999"] {
        let answer = server.get(&format!("/fibonacci/list?count={count}")).await;
        let error = refused(&answer, 403, "ERR_OUT_OF_BOUNDS");
        assert!(error.contains("100000"), "{error}");
    }
}

#[tokio::test]
async fn the_bound_is_a_setting() {
    let setup = Setup::fresh().variable("MONOCOQUE_FIBONACCI_COUNT_MAX", "20");
    let server = setup.start().await;
    assert_eq!(
        numbers(&server.get("/fibonacci/list?count=20").await).len(),
        20
    );
    let answer = server.get("/fibonacci/list?count=21").await;
    assert!(refused(&answer, 403, "ERR_OUT_OF_BOUNDS").contains("20"));
}

#[tokio::test]
async fn the_root_leads_to_the_documentation() {
    let server = server().await;
    for path in ["/", "/fibonacci/docs"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 302, "{path}");
        let page = server.get(answer.header("location")).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        for word in [
            "/fibonacci/list?count=",
            "ERR_NO_ARG",
            "ERR_INVALID_TYPE",
            "ERR_OUT_OF_BOUNDS",
        ] {
            assert!(page.text().contains(word), "{word}");
        }
    }
}

#[tokio::test]
async fn an_apitrace_is_returned_and_logged_with_the_call() {
    let server = server().await;
    for (path, status) in [
        ("/fibonacci/list?count=3", 200),
        ("/fibonacci/list?count=J", 403),
    ] {
        let trace = format!("order 66; {status}");
        let request = server.request(Method::GET, path).header("apitrace", &trace);
        let answer = Answer::to(request).await;
        assert_eq!(
            (answer.status, answer.header("apitrace")),
            (status, trace.as_str())
        );
        let lines = server
            .log()
            .matching(|line| line["apitrace"] == trace)
            .await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["url.path"], "/fibonacci/list");
        assert_eq!(
            lines[0]["url.query"].as_str(),
            path.split_once('?').map(|(_, query)| query)
        );
        assert_eq!(lines[0]["http.response.status_code"], status);
    }
    let without = server.get("/fibonacci/list?count=4").await;
    assert!(!without.headers.contains_key("apitrace"));
    let lines = server
        .log()
        .matching(|line| line["url.query"] == "count=4")
        .await;
    assert_eq!(lines[0].get("apitrace"), None::<&Value>);
}

#[tokio::test]
async fn what_there_is_not_is_an_error_of_the_same_shape() {
    let server = server().await;
    for path in ["/fibonacci", "/fibonacci/list/7", "/fibonacci/docs/x/y"] {
        refused(&server.get(path).await, 404, "ERR_NOT_FOUND");
    }
    for path in ["/", "/fibonacci/list?count=3", "/fibonacci/docs"] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = Answer::to(server.request(method, path)).await;
            refused(&answer, 405, "ERR_METHOD_NOT_ALLOWED");
            let allow: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
            assert_eq!(allow, ["GET", "HEAD"], "{path}");
        }
    }
}
