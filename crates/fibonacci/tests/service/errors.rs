//! What is refused, how, and with which words.

use http::{Method, StatusCode};

use crate::harness::Server;

#[tokio::test]
async fn bad_arguments_are_the_articles_errors() {
    let server = Server::start().await;
    for (path, code) in [
        ("/fibonacci/list", "ERR_NO_ARG: "),
        ("/fibonacci/list?", "ERR_NO_ARG: "),
        ("/fibonacci/list?count", "ERR_NO_ARG: "),
        ("/fibonacci/list?count=", "ERR_NO_ARG: "),
        ("/fibonacci/list?from=5", "ERR_NO_ARG: "),
        ("/fibonacci/list?count=5&from=", "ERR_NO_ARG: "),
        ("/fibonacci/list?count=J", "ERR_INVALID_TYPE: "),
        ("/fibonacci/list?count=1e3", "ERR_INVALID_TYPE: "),
        ("/fibonacci/list?count=1.5", "ERR_INVALID_TYPE: "),
        ("/fibonacci/list?count=0x10", "ERR_INVALID_TYPE: "),
        ("/fibonacci/list?count=-", "ERR_INVALID_TYPE: "),
        ("/fibonacci/list?count=%FF", "ERR_INVALID_TYPE: "),
        ("/fibonacci/list?count=1%002", "ERR_INVALID_TYPE: "),
        (
            "/fibonacci/list?count=5&numbers=float",
            "ERR_INVALID_TYPE: ",
        ),
        ("/fibonacci/list?count=-1", "ERR_OUT_OF_BOUNDS: "),
        (
            "/fibonacci/list?count=-99999999999999999999",
            "ERR_OUT_OF_BOUNDS: ",
        ),
        ("/fibonacci/list?count=100001", "ERR_OUT_OF_BOUNDS: "),
        (
            "/fibonacci/list?count=99999999999999999999",
            "ERR_OUT_OF_BOUNDS: ",
        ),
        ("/fibonacci/list?count=100000&from=1", "ERR_OUT_OF_BOUNDS: "),
        ("/fibonacci/list?count=5&from=-3", "ERR_OUT_OF_BOUNDS: "),
        ("/fibonacci/list?count=5&count=5", "ERR_DUPLICATE_ARG: "),
        ("/fibonacci/list?count=5&Count=5", "ERR_UNKNOWN_ARG: "),
        (
            "/fibonacci/list?count=5&%22%3Cscript%3E=5",
            "ERR_UNKNOWN_ARG: ",
        ),
        ("/fibonacci/abc", "ERR_INVALID_TYPE: "),
        ("/fibonacci/%FF", "ERR_INVALID_TYPE: "),
        ("/fibonacci/-1", "ERR_OUT_OF_BOUNDS: "),
        ("/fibonacci/10000001", "ERR_OUT_OF_BOUNDS: "),
        ("/fibonacci/5?count=5", "ERR_UNKNOWN_ARG: "),
        ("/fibonacci/5?numbers=", "ERR_NO_ARG: "),
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert!(
            answer.text().starts_with(&format!("{{\"error\":\"{code}")),
            "{}",
            answer.text()
        );
        assert!(answer.text().ends_with("\"}"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_bound_is_named() {
    let server = Server::start().await;
    for (path, bound) in [
        ("/fibonacci/list?count=100001", "100000"),
        ("/fibonacci/list?count=1&from=100000", "100000"),
        ("/fibonacci/10000001", "10000000"),
    ] {
        assert!(server.get(path).await.text().contains(bound), "{path}");
    }
}

#[tokio::test]
async fn odd_ways_to_write_an_integer_are_understood() {
    let server = Server::start().await;
    let expected = server.get("/fibonacci/list?count=7").await.body;
    for query in [
        "count=007",
        "count=%2B7",
        "count=%37",
        "&count=7&",
        "%63ount=7",
        "count=7&from=-0",
    ] {
        let answer = server.get(&format!("/fibonacci/list?{query}")).await;
        assert_eq!(answer.body, expected, "{query}");
    }
}

#[tokio::test]
async fn other_methods_are_refused_with_what_is_allowed() {
    let server = Server::start().await;
    for path in [
        "/",
        "/fibonacci/docs",
        "/fibonacci/list?count=3",
        "/fibonacci/7",
    ] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = server.ask(method, path, &[]).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
            assert_eq!(answer.header("allow"), "GET,HEAD", "{path}");
            assert!(
                answer
                    .text()
                    .starts_with("{\"error\":\"ERR_METHOD_NOT_ALLOWED: ")
            );
        }
    }
}

#[tokio::test]
async fn the_root_leads_to_the_documentation() {
    let server = Server::start().await;
    for path in ["/", "/fibonacci/docs"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::FOUND);
        let page = server.get(answer.header("location")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(page.text().contains("/fibonacci/list?count="));
    }
}
