//! What one body, one file or one bad day may take, over real sockets.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Invocation, SOON, Server, Setup, Store, folder_with};

/// Expressions of which two kinds hold others.
const RULES: &str = "type: rules
attributes:
  type: object
  properties:
    when: {$ref: '#/$defs/e'}
    tags: {type: array, items: {type: string}}
  $defs:
    e:
      oneOf:
      - type: object
        required: [op, left, right]
        properties: {op: {const: and}, left: {$ref: '#/$defs/e'}, right: {$ref: '#/$defs/e'}}
      - type: object
        required: [op, left, right]
        properties: {op: {const: or}, left: {$ref: '#/$defs/e'}, right: {$ref: '#/$defs/e'}}
      - {type: string}
";

async fn rules() -> (tempfile::TempDir, Server) {
    let folder = folder_with(&[("rules.yaml", RULES)]);
    let server = Setup::on(&Store::fresh())
        .definitions(folder.path())
        .start()
        .await;
    (folder, server)
}

#[tokio::test]
async fn one_wrong_leaf_under_alternatives_that_recurse_is_one_error() {
    let (_folder, server) = rules().await;
    let nest = |inner: Value, _| json!({"op": "and", "left": inner, "right": "a"});
    let when = (0..60).fold(json!(1), nest);
    let answer = server
        .send_plain(Method::POST, "/rules", &json!({"when": when}))
        .await;
    let error = answer.error(422, "invalid_attribute");
    assert_eq!(error["source"]["pointer"], "/when");
}

#[tokio::test]
async fn half_a_million_violations_are_a_small_answer() {
    let (_folder, server) = rules().await;
    let names: serde_json::Map<_, _> = (0..90_000).map(|n| (format!("${n}"), json!(0))).collect();
    for body in [json!({"tags": vec![1; 500_000]}), Value::Object(names)] {
        let answer = server.send_plain(Method::POST, "/rules", &body).await;
        let document = answer.document(422);
        assert!(document.to_string().len() <= 64 << 10);
        let errors = document["errors"].as_array().unwrap();
        assert_eq!(errors.last().unwrap()["code"], "more_errors");
    }
}

#[tokio::test]
async fn answers_that_clients_do_not_take_hold_bounded_memory() {
    let setup = Setup::on(&Store::fresh())
        .variable("MONOCOQUE_PAGE_BYTES_MAX", "32MiB")
        .variable("MONOCOQUE_PAGE_STREAMS_BYTES_MAX", "32MiB");
    let server = setup.start().await;
    // More than the sockets between the two processes take.
    let body = json!({"firstName": "x".repeat(1_000_000)});
    for _ in 0..20 {
        let stored = server.send_plain(Method::POST, "/contacts", &body).await;
        stored.document(201);
    }
    let page = || server.request(Method::GET, "/contacts").send();
    // The head is read, the body is not.
    let idle = page().await.unwrap();
    assert_eq!(idle.status(), 200);
    server.get("/contacts").await.error(503, "datastore_busy");
    // What was done is not said to be undone for want of room.
    let stored = server.send_plain(Method::POST, "/contacts", &body).await;
    let stored = stored.document(201)["data"]["links"]["self"].clone();
    let gone = server.request(Method::DELETE, stored.as_str().unwrap());
    assert_eq!(gone.send().await.unwrap().status(), 200);
    server.get("/contacts?page[size]=1").await.document(200);
    let whole: Value = idle.json().await.unwrap();
    assert_eq!(whole["data"].as_array().unwrap().len(), 20);
    // The server may still be about to drop what it has sent.
    let deadline = std::time::Instant::now() + SOON;
    while server.get("/contacts").await.status != 200 {
        assert!(
            std::time::Instant::now() < deadline,
            "the room is not given back"
        );
    }
}

#[tokio::test]
async fn a_store_whose_files_are_deleted_is_not_ready_and_stores_nothing() {
    let server = Server::start().await;
    let store = server.store().clone();
    let post = async || {
        server
            .send_plain(Method::POST, "/contacts", &json!({}))
            .await
    };
    post().await.document(201);
    std::fs::remove_file(store.data_dir().join("monocoque.sqlite")).unwrap();
    let refused = post().await;
    refused.error(503, "datastore_lost");
    assert_eq!(refused.header("retry-after"), "");
    server.get("/readiness").await.document(503);
    assert!(server.terminate().await.success());
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ];
    Invocation::new(&serve)
        .on(&store)
        .run()
        .fails_with(69, &["was deleted"]);
}

#[tokio::test]
async fn lost_files_are_noticed_without_a_request_and_by_reads_alone() {
    for is_read in [false, true] {
        let server = Server::start().await;
        std::fs::remove_dir_all(server.store().data_dir()).unwrap();
        if is_read {
            // Reads rely on a look that is at most 5 ms old.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            server.get("/contacts").await.error(503, "datastore_lost");
        } else {
            server.becomes_unready(async || ()).await;
        }
        server.get("/readiness").await.document(503);
    }
}

#[tokio::test]
async fn a_check_reads_everything_and_names_what_is_damaged() {
    let server = Server::start().await;
    let store = server.store().clone();
    let body = json!({"firstName": "Flipped"});
    let created = server
        .send_plain(Method::POST, "/contacts", &body)
        .await
        .document(201);
    Invocation::new(&["check"])
        .on(&store)
        .run()
        .fails_with(64, &["in use"]);
    assert!(server.terminate().await.success());
    let whole = Invocation::new(&["check"]).on(&store).run();
    assert_eq!(
        (whole.code, whole.stdout.contains("1 resources")),
        (0, true),
        "{whole:?}"
    );
    let path = store.data_dir().join("monocoque.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes
        .windows(7)
        .position(|window| window == b"Flipped")
        .unwrap();
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let id = created["data"]["id"].as_str().unwrap();
    Invocation::new(&["check"])
        .on(&store)
        .run()
        .fails_with(69, &["damaged", id]);
}

#[tokio::test]
async fn exported_files_are_for_their_owner() {
    let server = Server::start().await;
    let store = server.store().clone();
    assert!(server.terminate().await.success());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contacts.json");
    for (flags, mode) in [(&[][..], 0o600), (&["--files-mode", "0640"][..], 0o640)] {
        let arguments = [&["export", "contacts", path.to_str().unwrap()], flags].concat();
        let outcome = Invocation::new(&arguments).on(&store).run();
        assert_eq!(outcome.code, 0, "{outcome:?}");
        assert_eq!(mode_of(&path), mode);
    }
}

fn mode_of(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
