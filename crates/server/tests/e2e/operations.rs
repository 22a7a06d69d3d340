//! What operators and schedulers see: probes, ids, log lines, the drain.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Invocation, Server, Setup, Store};

#[tokio::test]
async fn ping_says_to_those_who_run_the_process_what_was_built() {
    let server = Server::start().await;
    let public = server.get("/ping").await.data(200);
    assert_eq!(public["attributes"], json!({"name": "monocoque"}));
    let front_door = server.get("/").await;
    assert!(front_door.document(200).get("meta").is_none());
    let shown = Setup::fresh().variable("MONOCOQUE_VERSION_SHOWN", "true");
    let shown = shown.start().await;
    let front_door = shown.get("/").await.document(200);
    assert_eq!(front_door["meta"]["version"], env!("CARGO_PKG_VERSION"));
    let request = server.admin_request(Method::GET, "/ping");
    let of_operators = Answer::to(request).await.data(200)["attributes"].clone();
    let mut told = shown.probe("ping").await.to_vec();
    told.push(of_operators);
    for attributes in told {
        assert_eq!(attributes["name"], "monocoque");
        assert_eq!(attributes["version"], env!("CARGO_PKG_VERSION"));
        let rustc = attributes["rustc"].as_str().unwrap();
        assert!(rustc.starts_with("rustc "), "{rustc}");
        // A source archive has no commit to name.
        if let Some(commit) = attributes.get("commit") {
            assert_eq!(commit.as_str().unwrap().len(), 12);
        }
    }
}

#[tokio::test]
async fn liveness_says_that_every_worker_runs() {
    let server = Server::start().await;
    for attributes in server.probe("liveness").await {
        assert_eq!(attributes["workers"], "ok");
        assert!(attributes["workersCount"].as_u64().unwrap() >= 1);
    }
}

#[tokio::test]
async fn the_operations_port_has_no_services() {
    let server = Server::start().await;
    for path in ["/contacts", "/fibonacci/list?count=1"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
        let answer = Answer::to(server.admin_request(Method::GET, path)).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_well_formed_request_id_is_taken_and_logged() {
    let server = Server::start().await;
    for id in ["a", "client-7:2026/01+x=y@z._", &"x".repeat(128)] {
        let request = server
            .request(Method::GET, "/contacts")
            .header("x-request-id", id);
        assert_eq!(Answer::to(request).await.header("x-request-id"), id);
        let lines = server
            .log()
            .matching(|line| line["http.request.id"] == id)
            .await;
        assert_eq!((lines.len(), &lines[0]["message"]), (1, &json!("request")));
    }
}

#[tokio::test]
async fn every_request_has_an_id_of_its_own() {
    let server = Server::start().await;
    let mut seen = Vec::new();
    for id in ["", "two words", &"x".repeat(129), "caf\u{e9}", "{\"a\":1}"] {
        for path in ["/contacts", "/nowhere", "/fibonacci/list?count=J"] {
            let request = server.request(Method::GET, path).header("x-request-id", id);
            let answer = Answer::to(request).await;
            let made = answer.header("x-request-id").to_owned();
            assert_eq!((made.len(), made.as_bytes()[14]), (36, b'7'), "{made}");
            let lines = server
                .log()
                .matching(|line| line["http.request.id"] == made)
                .await;
            assert_eq!(lines[0]["url.path"], path.split('?').next().unwrap());
            assert!(!seen.contains(&made), "{made}");
            seen.push(made);
        }
    }
}

#[tokio::test]
async fn the_log_is_one_json_object_on_each_line() {
    let server = Server::start().await;
    let request = server
        .request(Method::GET, "/contacts?x=%22%0A%7B")
        .header("apitrace", "a \"b\" \\ {");
    Answer::to(request)
        .await
        .error(400, "invalid_query_parameter");
    let lines = server
        .log()
        .matching(|line| line["apitrace"] == "a \"b\" \\ {")
        .await;
    let line = &lines[0];
    assert_eq!(
        (&line["http.request.method"], &line["url.path"]),
        (&json!("GET"), &json!("/contacts"))
    );
    assert_eq!(
        (&line["url.query"], &line["http.response.status_code"]),
        (&json!("x=…"), &json!(400))
    );
    assert!(
        line["event.duration"].is_u64() && line["http.response.body.bytes"].is_u64(),
        "{line}"
    );
    for line in server.log().values() {
        for member in ["@timestamp", "log.level", "log.logger", "message"] {
            assert!(line[member].is_string(), "no {member}: {line}");
        }
    }
}

#[tokio::test]
async fn local_log_lines_are_for_people() {
    let server = Setup::fresh().variable("LOG_MODE", "LOCAL").start().await;
    server.get("/contacts").await.document(200);
    let lines = server.terminate_and_read().await;
    let line = lines.iter().find(|line| line.contains("/contacts"));
    let line = line.expect("the line of the request");
    for text in ["INFO", "request", "GET", "200", "http.request.id="] {
        assert!(line.contains(text), "no {text}: {line}");
    }
    for line in &lines {
        assert!(serde_json::from_str::<Value>(line).is_err(), "{line}");
    }
}

#[tokio::test]
async fn fibonacci_alone_opens_no_store() {
    let store = Store::fresh();
    let server = Setup::on(&store).arguments(["fibonacci"]).start().await;
    assert_eq!(server.get("/fibonacci/list?count=1").await.status, 200);
    server.get("/contacts").await.error(404, "not_found");
    assert_eq!(server.log().values()[0]["services"], "fibonacci");
    assert_eq!(server.log().values()[0]["store"], "none");
    assert!(!store.data_dir().exists());
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_exits_with_0() {
    let server = Server::start().await;
    server.get("/contacts").await.document(200);
    assert_eq!(server.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn healthcheck_asks_the_process_for_its_health() {
    let mut server = Server::start().await;
    let admin = server.admin_address().to_string();
    let check = |arguments: &[&str]| Invocation::new(&[&["healthcheck"], arguments].concat()).run();
    check(&["--admin-listen", &admin]).output();
    for path in ["/liveness", "/readiness", "/ping"] {
        check(&["--url", &format!("http://{admin}{path}")]).output();
    }
    check(&["--url", &format!("http://{admin}/nowhere")]).fails_with(1, &["404"]);
    check(&["--url", "ftp://x/"]).fails_with(2, &["ftp://x/"]);
    server.begin_to_terminate();
    server.ended().await;
    check(&["--admin-listen", &admin]).fails_with(1, &[&admin]);
}
