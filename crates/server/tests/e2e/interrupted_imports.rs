//! Imports whose server is away for a while, or for good.

use std::io::Write;
use std::process::ChildStdin;
use std::time::Duration;

use test_servers::OwnServer;

use crate::harness::command::Running;
use crate::harness::{Invocation, SOON};

/// Two whole batches of an import.
const ROWS: usize = 1000;

/// The connection string of a server that is soon given up.
fn uri(server: &OwnServer) -> String {
    let address = server.address();
    format!("mongodb://{address}/shop?directConnection=true&serverSelectionTimeoutMS=500")
}

fn contacts(server: &OwnServer, arguments: &[&str]) -> Invocation {
    Invocation::new(arguments).variable("MONGO_URI", &uri(server))
}

/// Rows without ids.
fn rows(from: usize) -> String {
    let row = |number| format!("{{\"number\":{number}}}\n");
    (from..from + ROWS).map(row).collect()
}

/// How many contacts are there; waits for a server that has just started.
fn count(server: &OwnServer) -> usize {
    let begun = std::time::Instant::now();
    loop {
        let export = contacts(server, &["export", "contacts", "--format", "ndjson"]).run();
        if export.code == 0 {
            return export.stdout.lines().count();
        }
        assert!(begun.elapsed() < SOON, "{export:?}");
    }
}

/// A server, and an import whose first rows it has stored.
fn begun() -> (OwnServer, Running, ChildStdin) {
    let server = OwnServer::started(&[]);
    assert_eq!(count(&server), 0);
    let arguments = [
        "import",
        "contacts",
        "-",
        "--format",
        "ndjson",
        "--on-error",
        "skip",
    ];
    let mut running = contacts(&server, &arguments).begin();
    let mut stdin = running.stdin.take().unwrap();
    stdin.write_all(rows(0).as_bytes()).unwrap();
    while count(&server) < ROWS {
        std::thread::sleep(Duration::from_millis(20));
    }
    (server, running, stdin)
}

#[test]
fn an_import_goes_on_when_its_server_is_back() {
    let (mut server, running, mut stdin) = begun();
    server.kill();
    stdin.write_all(rows(ROWS).as_bytes()).unwrap();
    drop(stdin);
    std::thread::sleep(Duration::from_millis(1500));
    server.start();
    let outcome = running.end();
    assert_eq!(
        outcome.output(),
        format!("{} stored, 0 rejected\n", 2 * ROWS)
    );
    assert_eq!(count(&server), 2 * ROWS);
}

#[test]
fn an_import_whose_server_does_not_come_back_says_what_is_stored_and_how_to_go_on() {
    let (mut server, running, mut stdin) = begun();
    server.kill();
    stdin.write_all(rows(ROWS).as_bytes()).unwrap();
    drop(stdin);
    let outcome = running.end_within(SOON + Duration::from_secs(30));
    outcome.fails_with(
        69,
        &[
            "the first 1000 rows of the file, up to line 1000, are settled",
            "--skip-rows 1000 goes on after them",
            "some may be stored too",
        ],
    );
    assert_eq!(outcome.stdout, "1000 stored, 0 rejected\n");
}
