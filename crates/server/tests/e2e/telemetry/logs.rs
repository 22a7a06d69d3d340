//! The forms of the log, and its level.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Server, Setup};

async fn put_level(server: &Server, query: &str, filter: &str) -> Answer {
    let path = format!("/-/log-level{query}");
    let request = server.admin_request(Method::PUT, &path);
    Answer::to(request.body(filter.to_owned())).await
}

async fn level(server: &Server) -> Value {
    let answer = Answer::to(server.admin_request(Method::GET, "/-/log-level")).await;
    answer.data(200)["attributes"].clone()
}

#[tokio::test]
async fn the_level_changes_while_the_process_runs() {
    let server = Server::start().await;
    assert_eq!(
        level(&server).await,
        json!({"filter": "info", "configured": "info"})
    );
    put_level(&server, "", "debug\n").await.data(200);
    server.get("/liveness").await.document(200);
    server
        .log()
        .matching(|line| line["log.level"] == "DEBUG")
        .await;
    put_level(&server, "?for=3600", "chassis=trace")
        .await
        .data(200);
    let told = level(&server).await;
    assert_eq!(told["filter"], "chassis=trace");
    assert!(told["secondsLeft"].as_u64().unwrap() > 3000, "{told}");
    for (query, filter) in [("", "loud"), ("", ""), ("?for=0", "info"), ("?x=1", "info")] {
        let answer = put_level(&server, query, filter).await;
        answer.error(400, "invalid_log_filter");
    }
    let answer = put_level(&server, "", &"info,".repeat(1000)).await;
    answer.error(413, "body_too_large");
    assert_eq!(level(&server).await["filter"], "chassis=trace");
    let of_services = server.request(Method::PUT, "/-/log-level").body("debug");
    Answer::to(of_services).await.error(404, "not_found");
}

#[tokio::test]
async fn a_level_for_a_time_is_taken_back() {
    let server = Server::start().await;
    put_level(&server, "?for=1", "debug").await.data(200);
    let back = |line: &Value| line["message"] == "the filter of the log is as configured";
    server.log().matching(back).await;
    assert_eq!(
        level(&server).await,
        json!({"filter": "info", "configured": "info"})
    );
}

#[tokio::test]
async fn logfmt_has_the_names_of_json() {
    let server = Setup::fresh().variable("LOG_MODE", "LOGFMT").start().await;
    server.get("/contacts").await.document(200);
    let lines = server.terminate_and_read().await;
    let line = lines
        .iter()
        .find(|line| line.contains("url.path=/contacts"));
    let line = line.expect("the line of the request");
    for text in [
        "@timestamp=2",
        " log.level=INFO",
        " message=request",
        " http.request.method=GET",
        " http.response.status_code=200",
        " client.address=127.0.0.1",
        " trace.id=",
        " log.logger=chassis::stack::access_log",
    ] {
        assert!(line.contains(text), "no {text}: {line}");
    }
}

#[tokio::test]
async fn lines_have_the_trace_of_the_caller_and_the_address_of_the_client() {
    let server = Server::start().await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let request = server.request(Method::GET, "/contacts");
    let answer = Answer::to(request.header("traceparent", parent)).await;
    let told = answer.header("traceresponse").to_owned();
    let of_request = |line: &Value| line["trace.id"] == "4bf92f3577b34da6a3ce929d0e0e4736";
    let lines = server.log().matching(of_request).await;
    assert_eq!(lines[0]["span.id"], told[36..52]);
    assert_eq!(lines[0]["client.address"], "127.0.0.1");
    assert_eq!(lines[0]["service.name"], "monocoque");
}
