//! A server of MongoDB that fails in the middle of something, as clients and operators see it.

use std::io::{BufRead, BufReader, Read};
use std::process::ChildStdout;
use std::time::Duration;

use mongodb::bson::doc;
use reqwest::Method;
use serde_json::json;
use test_servers::{FailPoint, OwnServer};

use crate::harness::command::Running;
use crate::harness::{Invocation, SOON, Server, Store};

/// Far more than is on its way between a server and the reader of an export.
const ROWS: usize = 20_000;

/// The fail point of one process.
fn fail_point(store: &Store) -> FailPoint {
    let Store::MongoDb(database) = store else {
        panic!("the embedded store has no fail points")
    };
    FailPoint::new(&database.name)
}

#[tokio::test]
async fn a_disk_that_is_full_is_a_503_document_and_nothing_is_stored() {
    const OUT_OF_DISK_SPACE: i32 = 14031;
    let server = Server::start().await;
    let before = json!({"firstName": "Ada"});
    let contact = server.send_plain(Method::POST, "/contacts", &before).await;
    let url = contact.header("location").to_owned();
    let failing = fail_point(server.store());
    failing.always(doc! { "failCommands": ["insert", "update"], "errorCode": OUT_OF_DISK_SPACE });
    let other = json!({"firstName": "Eve"});
    for (method, path) in [
        (Method::POST, "/contacts"),
        (Method::PATCH, url.as_str()),
        (Method::PUT, url.as_str()),
    ] {
        let answer = server.send_plain(method, path, &other).await;
        answer.error(503, "datastore_busy");
        assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
    }
    drop(failing);
    server.becomes_ready().await;
    let document = server.get("/contacts").await.document(200);
    assert_eq!(document["data"], json!([contact.data(201)]));
    let answer = server.send_plain(Method::POST, "/contacts", &other).await;
    answer.document(201);
}

#[tokio::test]
async fn a_write_whose_outcome_is_unknown_is_a_503_document_that_nobody_should_repeat_blindly() {
    let server = Server::start().await;
    let before = json!({"firstName": "Ada"});
    let contact = server.send_plain(Method::POST, "/contacts", &before).await;
    let url = contact.header("location").to_owned();
    let failing = fail_point(server.store());
    // Done, but not on most members.
    let error = doc! { "code": 64, "errmsg": "waiting for replication timed out" };
    let unconfirmed =
        doc! { "failCommands": ["insert", "update", "delete"], "writeConcernError": error };
    let other = json!({"firstName": "Eve"});
    for (method, path) in [
        (Method::POST, "/contacts"),
        (Method::PATCH, url.as_str()),
        (Method::PUT, url.as_str()),
        (Method::DELETE, url.as_str()),
    ] {
        // Once for the request; what the process notes about definitions after its start may meet it too.
        failing.times(5, unconfirmed.clone());
        let answer = server.send_plain(method.clone(), path, &other).await;
        let error = answer.error(503, "outcome_unknown");
        // A client that repeats it by itself could do it twice.
        assert_eq!(answer.header("retry-after"), "", "{method}: {answer:?}");
        assert!(!error.to_string().contains("replication"), "{error}");
        failing.off();
        // Two in a row would look like a server that is away.
        server.get("/contacts").await.document(200);
    }
    // All of it was done: a client that looks finds so.
    server.get(&url).await.error(404, "not_found");
    let document = server.get("/contacts").await.document(200);
    assert_eq!(document["meta"]["total"], 1, "{document}");
    assert_eq!(document["data"][0]["attributes"]["firstName"], "Eve");
}

/// An export of whose rows one has been read so far.
struct Export {
    process: Running,
    output: BufReader<ChildStdout>,
}

impl Export {
    fn begun(uri: &str) -> Self {
        let arguments = ["export", "contacts", "--format", "ndjson"];
        let invocation = Invocation::new(&arguments)
            .variable("MONGO_URI", uri)
            // Servers under test share a machine with many others.
            .variable("MONOCOQUE_MONGO_OPERATION_TIMEOUT_MS", "10s");
        let (process, output) = invocation.begin_unread();
        let mut output = BufReader::new(output);
        let mut first = String::new();
        output.read_line(&mut first).unwrap();
        assert!(first.ends_with("\"number\":0}\n"), "{first}");
        Self { process, output }
    }

    /// The other rows, up to the end of the export.
    fn rest(&mut self) -> Vec<String> {
        self.output.by_ref().lines().map(Result::unwrap).collect()
    }
}

/// The connection string of a server, which is waited for so long.
fn uri(server: &OwnServer, patience: Duration) -> String {
    let (address, patience) = (server.address(), patience.as_millis());
    let options = format!("directConnection=true&serverSelectionTimeoutMS={patience}");
    format!("mongodb://{address}/shop?{options}")
}

/// A server of the test's own with numbered contacts.
fn filled() -> OwnServer {
    let server = OwnServer::started(&[]);
    let text = "x".repeat(300);
    let rows: Vec<String> = (0..ROWS)
        .map(|number| format!("{{\"text\":\"{text}\",\"number\":{number}}}\n"))
        .collect();
    let format = ["--format", "ndjson", "--on-error", "skip"];
    let import = Invocation::new(&[&["import", "contacts", "-"][..], &format].concat())
        .variable("MONGO_URI", &uri(&server, SOON))
        .input(rows.concat());
    let stored = import.run();
    assert_eq!(stored.output(), format!("{ROWS} stored, 0 rejected\n"));
    server
}

#[test]
fn an_export_goes_on_where_it_was_when_its_server_is_back() {
    let mut server = filled();
    let mut export = Export::begun(&uri(&server, SOON));
    server.kill();
    server.start();
    let rest = export.rest();
    assert_eq!(export.process.end().code, 0);
    assert_eq!(rest.len(), ROWS - 1);
    for (line, number) in rest.iter().zip(1..) {
        assert!(line.ends_with(&format!("\"number\":{number}}}")), "{line}");
    }
}

#[test]
fn an_export_whose_server_does_not_come_back_ends_with_69() {
    let mut server = filled();
    let mut export = Export::begun(&uri(&server, Duration::from_millis(500)));
    server.kill();
    let rest = export.rest();
    assert!(rest.len() < ROWS - 1, "all of it was on its way");
    export
        .process
        .end()
        .fails_with(69, &["the datastore is unavailable"]);
}
