//! Whole collections in and out of files.

// What one file says, another one can say too.
mod round_trips;
// Rows and files that are refused.
mod rejections;
// Imports that are cut or stopped.
mod restarts;
// Files of any size.
mod memory;
// Through the API of a running process.
mod through_the_api;
// Rows in the place of what is there.
mod upserts;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::{Invocation, Outcome, Setup, Store};

/// Rows of the shape of the article's contacts.
fn rows(count: usize) -> Vec<Value> {
    (0..count)
        .map(|number| {
            let person = number % 500;
            json!({
                "firstName": format!("First{person}"), "lastName": format!("Last, \"{number}\""),
                "companyName": "Benton, John B Jr", "address": format!("{number} Blue Gum St"),
                "city": "New Orleans", "county": "Orleans", "state": "LA", "zip": "00116",
                "phone1": "504-555-0100", "phone2": "504-555-0101",
                "email": format!("first{person}@benton.example"),
                "website": "http://www.benton.example"
            })
        })
        .collect()
}

/// One JSON array, a row on each line.
fn array(rows: &[Value]) -> String {
    let rows: Vec<String> = rows.iter().map(Value::to_string).collect();
    format!("[\n{}\n]\n", rows.join(",\n"))
}

/// A row on each line.
fn lines(rows: &[Value]) -> String {
    let rows: Vec<String> = rows.iter().map(Value::to_string).collect();
    rows.join("\n") + "\n"
}

fn import(store: &Store, arguments: &[&str]) -> Invocation {
    Invocation::new(&[&["import", "contacts"], arguments].concat()).on(store)
}

/// The collection as a file of this format.
#[track_caller]
fn exported(store: &Store, format: &str) -> String {
    let arguments = ["export", "contacts", "--format", format];
    Invocation::new(&arguments)
        .on(store)
        .run()
        .output()
        .to_owned()
}

/// How many contacts there are.
#[track_caller]
fn count(store: &Store) -> usize {
    exported(store, "ndjson").lines().count()
}

/// Checks the closing count and that nothing was rejected.
#[track_caller]
fn all_stored(outcome: &Outcome, count: usize) {
    assert_eq!(outcome.output(), format!("{count} stored, 0 rejected\n"));
    assert!(!outcome.stderr.contains("rejected"), "{outcome:?}");
}

fn path_in(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

/// The file of the article where it lies beside the project, else one like it.
fn five_hundred(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = root.join("../shared/data/contacts-us-500.json");
    if shared.exists() {
        return shared;
    }
    let made = folder.join("contacts-us-500.json");
    std::fs::write(&made, array(&rows(500))).unwrap();
    made
}

#[tokio::test]
async fn five_hundred_contacts_are_imported_and_served() {
    let folder = tempfile::tempdir().unwrap();
    let file = five_hundred(folder.path());
    let rows: Vec<Value> = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(rows.len(), 500);
    let store = Store::fresh();
    let outcome = import(&store, &[file.to_str().unwrap()]).run();
    all_stored(&outcome, 500);
    // Nothing is lost when the process that serves them is killed.
    Setup::on(&store).start().await.kill_hard();
    let server = Setup::on(&store).start().await;
    let document = server.get("/contacts").await.document(200);
    assert_eq!(document["meta"]["total"], 500);
    let stored = document["data"].as_array().unwrap();
    assert_eq!(stored.len(), 500);
    for (row, contact) in rows.iter().zip(stored) {
        let mut attributes = contact["attributes"].clone();
        let id = attributes.as_object_mut().unwrap().shift_remove("_id");
        assert_eq!(id, Some(contact["id"].clone()));
        assert_eq!(&attributes, row);
    }
}
