//! Backups by the operations port.

use std::path::Path;
use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Invocation, LOOK_INTERVAL, SOON, Server, Setup};

async fn ask(server: &Server, file: &str) -> Answer {
    let request = server.admin_request(Method::POST, "/-/backup");
    Answer::to(request.json(&json!({ "file": file }))).await
}

async fn state(server: &Server) -> Value {
    Answer::to(server.admin_request(Method::GET, "/-/backup"))
        .await
        .data(200)
}

/// Waits until the backup is no longer made.
async fn ended(server: &Server) -> Value {
    let deadline = Instant::now() + SOON;
    loop {
        let data = state(server).await;
        if data["attributes"]["state"] != "running" {
            return data;
        }
        assert!(Instant::now() < deadline, "{data}");
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn with_backups(folder: &Path, speed: &str) -> Server {
    let setup = Setup::fresh().variable("MONOCOQUE_BACKUP_DIR", folder.to_str().unwrap());
    let setup = setup.variable("MONOCOQUE_BACKUP_BYTES_PER_SECOND_MAX", speed);
    let server = setup.start().await;
    for number in 0..20 {
        let body = json!({"number": number, "text": "x".repeat(50_000)});
        let answer = server.send_plain(Method::POST, "/contacts", &body).await;
        answer.document(201);
    }
    server
}

#[tokio::test]
async fn a_process_backs_up_its_store_where_a_setting_allows_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_backups(folder.path(), "64MiB").await;
    assert_eq!(state(&server).await, Value::Null);
    let begun = ask(&server, "monday.sqlite").await;
    assert_eq!(begun.header("location"), "/-/backup");
    let data = begun.data(202);
    assert_eq!(
        (&data["type"], &data["id"]),
        (&json!("backups"), &json!("monday.sqlite"))
    );
    let data = ended(&server).await;
    let attributes = &data["attributes"];
    assert_eq!(attributes["state"], "done", "{data}");
    assert_eq!(attributes["bytes"], attributes["bytesTotal"]);
    assert!(attributes["bytes"].as_u64().unwrap() > 1_000_000);
    assert_eq!(names(folder.path()), ["monday.sqlite"]);
    ask(&server, "monday.sqlite")
        .await
        .error(409, "file_exists");
    ask(&server, "../monday")
        .await
        .error(400, "invalid_file_name");
    let form = server.admin_request(Method::POST, "/-/backup");
    let refused = Answer::to(form.body("file=x")).await;
    refused.error(415, "unsupported_media_type");
    // Services have no such route.
    assert_eq!(server.get("/-/backup").await.status, 404);
    // What is written meanwhile and afterwards does not change it.
    let answer = server
        .send_plain(Method::POST, "/contacts", &json!({}))
        .await;
    answer.document(201);
    let (copy, data) = (
        folder.path().join("monday.sqlite"),
        folder.path().join("data"),
    );
    let (copy, data) = (copy.to_str().unwrap(), data.to_str().unwrap());
    let restored = Invocation::new(&["restore", copy, "--data-dir", data]).run();
    assert!(
        restored.stderr.contains("with 20 resources"),
        "{restored:?}"
    );
}

#[tokio::test]
async fn one_backup_is_made_at_a_time_and_the_end_of_the_process_leaves_none_that_is_half_made() {
    let folder = tempfile::tempdir().unwrap();
    // A second for each 64 KiB of a megabyte.
    let server = with_backups(folder.path(), "64KiB").await;
    ask(&server, "slow.sqlite").await.data(202);
    ask(&server, "other.sqlite")
        .await
        .error(409, "backup_running");
    let deadline = Instant::now() + SOON;
    while state(&server).await["attributes"]["bytes"] == 0 {
        assert!(Instant::now() < deadline, "nothing is copied");
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    let now = &state(&server).await["attributes"];
    assert_eq!(now["state"], "running", "{now}");
    assert!(now["bytes"].as_u64() < now["bytesTotal"].as_u64(), "{now}");
    assert!(server.terminate().await.success());
    assert_eq!(names(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_process_that_is_killed_leaves_nothing_that_looks_like_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_backups(folder.path(), "64KiB").await;
    let store = server.store().clone();
    ask(&server, "slow.sqlite").await.data(202);
    let deadline = Instant::now() + SOON;
    while names(folder.path()).is_empty() {
        assert!(Instant::now() < deadline, "nothing is made");
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    server.kill_hard();
    let left = names(folder.path());
    assert!(
        left.iter().all(|name| name.starts_with(".slow.sqlite.")),
        "{left:?}"
    );
    // The next one of the same name tidies up.
    let target = folder.path().join("slow.sqlite");
    let made = Invocation::new(&["backup", target.to_str().unwrap()])
        .on(&store)
        .run();
    assert_eq!(made.code, 0, "{made:?}");
    assert_eq!(names(folder.path()), ["slow.sqlite"]);
}

#[tokio::test]
async fn without_the_setting_there_is_no_such_route_and_a_bad_one_stops_the_start() {
    let server = Server::start().await;
    let answer = ask(&server, "monday.sqlite").await;
    assert_eq!(answer.status, 404);
    drop(server);
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent");
    let arguments = ["serve", "--backup-dir", absent.to_str().unwrap()];
    let refused = Invocation::new(&arguments).run();
    refused.fails_with(64, &["'backup_dir'", "is no directory"]);
    let refused = Invocation::new(&["serve", "--backup-dir", "."])
        .variable("MONGO_URI", "mongodb://localhost/x")
        .run();
    refused.fails_with(64, &["'backup_dir'", "'mongo_uri'"]);
}
