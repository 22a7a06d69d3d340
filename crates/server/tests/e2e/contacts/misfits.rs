//! Stored resources that do not fit the definitions.

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

use super::declared::{BOOKS, definitions};
use crate::harness::{Invocation, Outcome, Setup, Store, folder_with};

#[tokio::test]
async fn a_store_that_holds_ids_of_another_kind_is_refused_at_the_start() {
    let store = Store::fresh();
    let folder = definitions();
    let server = Setup::on(&store).definitions(folder.path()).start().await;
    let book = json!({"title": "Sylvie"});
    let created = server.send_plain(Method::POST, "/books", &book).await;
    created.document(201);
    assert!(server.terminate().await.success());
    let other = folder_with(&[("books.yaml", &BOOKS.replace("uuid", "integer"))]);
    serve(&store, &other).fails_with(64, &["books", "integer"]);
}

/// Starts a server that is to end by itself.
#[track_caller]
fn serve(store: &Store, definitions: &TempDir) -> Outcome {
    let anywhere = "127.0.0.1:0";
    let arguments = ["serve", "--listen", anywhere, "--admin-listen", anywhere];
    let resources = ["--resources", definitions.path().to_str().unwrap()];
    let invocation = Invocation::new(&[&arguments[..], &resources].concat());
    invocation.on(store).run()
}

#[tokio::test]
async fn resources_that_a_unique_index_forbids_stop_the_start_and_are_not_shown() {
    let store = Store::fresh();
    let (lax, _) = BOOKS.split_once("indexes:").unwrap();
    let folder = folder_with(&[("books.yaml", lax)]);
    let server = Setup::on(&store).definitions(folder.path()).start().await;
    for title in ["Sylvie", "Bruno"] {
        let book = json!({"title": title, "isbn": "978-secret"});
        let created = server.send_plain(Method::POST, "/books", &book).await;
        created.document(201);
    }
    assert!(server.terminate().await.success());
    let outcome = serve(&store, &definitions());
    outcome.fails_with(64, &["books", "isbn"]);
    assert!(!outcome.stderr.contains("978-secret"), "{outcome:?}");
}
