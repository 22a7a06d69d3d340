//! What the operating system gives a process: descriptors, sockets.

use std::time::Duration;

use reqwest::Method;

use crate::harness::{Answer, Setup, Wire};

#[tokio::test]
async fn connections_leave_descriptors_for_the_operations_port() {
    // Of 200 descriptors a quarter is kept.
    let server = Setup::fresh().descriptors(200).start().await;
    let few = |line: &serde_json::Value| line["connections"] == 150;
    assert_eq!(server.log().matching(few).await[0]["file_descriptors"], 200);
    let mut kept = Vec::new();
    for _ in 0..400 {
        kept.push(Wire::connect(server.address()).await);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    for path in ["/liveness", "/readiness"] {
        let request = server.admin_request(Method::GET, path);
        assert_eq!(Answer::to(request).await.status, 200, "{path}");
    }
    let exhausted = |line: &serde_json::Value| line.to_string().contains("cannot accept");
    assert!(!server.log().values().iter().any(exhausted));
}

#[tokio::test]
async fn two_processes_may_share_an_address() {
    let one = Setup::fresh()
        .arguments(["--reuse-port", "true"])
        .start()
        .await;
    let address = one.address().to_string();
    let arguments = ["--reuse-port", "true", "--listen", &address];
    let other = Setup::fresh().arguments(arguments).start_unready().await;
    assert_eq!(other.address(), one.address());
}

#[tokio::test]
async fn all_probes_answer_while_the_process_waits_for_its_store() {
    let uri = "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=300";
    let server = Setup::fresh()
        .variable("MONGO_URI", uri)
        .start_unready()
        .await;
    for (path, expected) in [("/ping", 200), ("/liveness", 200), ("/readiness", 503)] {
        let answer = Answer::to(server.admin_request(Method::GET, path)).await;
        assert_eq!(answer.status, expected, "{path}: {answer:?}");
    }
}
