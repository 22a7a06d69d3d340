//! What the operator of the database sees of it, past the binary.

use mongodb::bson::{Bson, Document, doc};
use reqwest::Method;
use serde_json::json;

use crate::harness::database::Database;
use crate::harness::{Invocation, Setup, Store};

#[track_caller]
fn of(store: &Store) -> &Database {
    match store {
        Store::Embedded(_) => panic!("the embedded store is no database"),
        Store::MongoDb(database) => database,
    }
}

/// The names of the collections that the store made.
#[track_caller]
fn collections(store: &Store) -> Vec<String> {
    let listing = doc! { "listCollections": 1, "nameOnly": true };
    let reply = of(store).run(listing).unwrap();
    let batch = reply
        .get_document("cursor")
        .unwrap()
        .get_array("firstBatch");
    let name = |collection: &Bson| {
        let collection: &Document = collection.as_document().unwrap();
        collection.get_str("name").unwrap().to_owned()
    };
    let names: Vec<String> = batch.unwrap().iter().map(name).collect();
    names
        .into_iter()
        .filter(|name| !name.starts_with("system."))
        .collect()
}

#[test]
fn an_import_leaves_no_collection_but_its_own() {
    let store = Store::fresh();
    for (rows, code) in [
        ("{\"zip\":\"1\"}\n", 0),
        ("{\"zip\":\"1\"}\n{\"zip\":1}\n", 64),
        ("[", 64),
    ] {
        let arguments = ["import", "contacts", "-", "--format", "ndjson"];
        let outcome = Invocation::new(&arguments).on(&store).input(rows).run();
        assert_eq!(outcome.code, code, "{outcome:?}");
        assert_eq!(collections(&store), ["contacts"], "{rows}");
    }
    let arguments = ["import", "contacts", "-", "--format", "json"];
    let outcome = Invocation::new(&arguments).on(&store).input("[{}, ").run();
    outcome.fails_with(64, &["line 1"]);
    assert_eq!(collections(&store), ["contacts"]);
}

#[tokio::test]
async fn what_a_validator_forbids_is_a_422_document_and_a_rejected_row() {
    let store = Store::fresh();
    let validator = doc! { "zip": { "$ne": "00000" } };
    let create = doc! { "create": "contacts", "validator": validator };
    of(&store).run(create).unwrap();
    let server = Setup::on(&store).start().await;
    let body = json!({"zip": "00000"});
    let answer = server.send_plain(Method::POST, "/contacts", &body).await;
    let error = answer.error(422, "invalid_attribute");
    assert!(error["detail"].to_string().contains("validator"), "{error}");
    assert!(!answer.text().contains("00000"), "{answer:?}");
    let rows = "{\"zip\":\"1\"}\n{\"zip\":\"00000\"}\n{\"zip\":\"2\"}\n";
    for (on_error, stored, code) in [("skip", 2, 64), ("halt", 1, 64), ("stop", 0, 64)] {
        let format = ["--format", "ndjson", "--on-error", on_error];
        let arguments = [&["import", "contacts", "-"][..], &format].concat();
        let import = Invocation::new(&arguments).on(&store).input(rows);
        let outcome = import.run();
        outcome.fails_with(code, &["line 2 rejected: ", "validator"]);
        assert_eq!(outcome.stdout, format!("{stored} stored, 1 rejected\n"));
        assert!(!outcome.stderr.contains("00000"), "{outcome:?}");
    }
}
