//! The contacts, as a client of JSON:API meets them.

// Collections, pages and single resources.
mod reading;
// Create, change, replace, delete.
mod writing;
// Bodies that are refused, and with which words.
mod refusals;
// Media types, methods and query parameters.
mod protocol;
// Types of one's own, with other ids and a closed schema.
mod declared;
// Stores that do not fit the definitions.
mod misfits;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Server, contact};

/// An id that is well formed and that nobody has.
const NOBODY: &str = "ffffffffffffffffffffffff";

/// The twelve attributes of the built-in definition.
const ATTRIBUTES: [&str; 12] = [
    "firstName",
    "lastName",
    "companyName",
    "address",
    "city",
    "county",
    "state",
    "zip",
    "phone1",
    "phone2",
    "email",
    "website",
];

/// Creates a contact and returns its URL.
async fn created(server: &Server, attributes: &Value) -> String {
    let body = contact(attributes);
    let answer = server.send_document(Method::POST, "/contacts", &body).await;
    format!("/contacts/{}", answer.id(201))
}

/// Creates contacts `0` to `count - 1` by their `number` and returns their ids.
async fn numbered(server: &Server, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let body = json!({"number": number});
        let answer = server.send_plain(Method::POST, "/contacts", &body).await;
        ids.push(answer.id(201));
    }
    ids
}

/// The attributes of a contact without the id that they repeat.
async fn attributes(server: &Server, url: &str) -> Value {
    let mut data = server.get(url).await.data(200);
    let id = data["attributes"]
        .as_object_mut()
        .unwrap()
        .shift_remove("_id");
    assert_eq!(id.as_ref(), Some(&data["id"]), "{data}");
    data["attributes"].take()
}

/// The ids of a page, in its order.
#[track_caller]
fn ids(document: &Value) -> Vec<String> {
    let data = document["data"].as_array().expect("a collection");
    let id = |resource: &Value| resource["id"].as_str().expect("an id").to_owned();
    data.iter().map(id).collect()
}
