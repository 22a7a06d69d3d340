//! Processes on servers of their own: away, encrypted, behind a password, not a replica set.

// The server is not there, comes and goes.
mod absence;
mod preparation;
// Who may know what passes, and who may ask.
mod authentication;
mod tls;
// Authorities and what they sign.
mod certificates;
// A server that is no replica set.
mod standalone;

use std::time::Instant;

use reqwest::Method;
use serde_json::json;
use test_servers::OwnServer;

use crate::harness::{Answer, LOOK_INTERVAL, SOON, Server, Setup};

/// The connection string of a server with further options, each with `&` before it.
fn uri(server: &OwnServer, options: &str) -> String {
    let address = server.address();
    format!("mongodb://{address}/shop?directConnection=true{options}")
}

/// A process on a server that may be away or refuse it.
async fn process_on(uri: &str) -> Server {
    let setup = Setup::fresh().variable("MONGO_URI", uri);
    setup.start_unready().await
}

/// The first answer with this status.
async fn until(server: &Server, path: &str, status: u16) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = server.get(path).await;
        if answer.status == status {
            return answer;
        }
        assert!(
            begun.elapsed() < SOON,
            "{answer:?}: {}",
            server.log().text()
        );
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// Waits until the process reaches its server, and stores something in it.
async fn works(server: &Server) {
    until(server, "/contacts", 200).await;
    let body = json!({"firstName": "Ada"});
    let created = server.send_plain(Method::POST, "/contacts", &body).await;
    let id = created.id(201);
    let found = server.get(created.header("location")).await;
    assert_eq!(found.data(200)["id"], id);
}

/// Waits until the process has found that its server, which is there, does not take it. The log
/// says the reason and shows no secret.
async fn is_refused(server: &Server, reason: &str, secrets: &[&str]) {
    let answer = until(server, "/contacts", 503).await;
    answer.error(503, "datastore_unavailable");
    until(server, "/readiness", 503).await;
    let says = |line: &serde_json::Value| line.to_string().contains(reason);
    server.log().matching(says).await;
    let body = json!({"firstName": "Ada"});
    let refused = server.send_plain(Method::POST, "/contacts", &body).await;
    refused.error(503, "datastore_unavailable");
    for secret in secrets {
        assert!(
            !server.log().text().contains(secret),
            "the log shows {secret}"
        );
        assert!(!refused.text().contains(secret), "{refused:?}");
    }
}
