//! Feeds of changes.

// What is told of which change.
mod told;
// Requests that get no feed, and feeds that end.
mod refused;
// A reader goes on where it was.
mod resumed;
// Kills while writers write.
mod killed;

use serde_json::{Value, json};

use crate::documents::page;

use crate::harness::feed::Feed;
use crate::harness::{Server, Setup, Store, folder_with};

#[tokio::test]
async fn the_page_about_changes_is_true() {
    page::is_true("docs/changes.md").await;
}

const NOTES: &str = "
type: notes
id: integer
attributes:
  type: object
  additionalProperties: false
  properties:
    text: {type: string}
    n: {type: integer}
    secret: {type: string}
capabilities: {secret: {readable: false}}
relationships: {next: {type: notes}, back: {type: notes, inverse: next}}
";

const LABELS: &str = "type: labels\nid: string\nattributes: {type: object}\n";

/// A server with notes and labels.
async fn notes() -> (Server, tempfile::TempDir) {
    notes_on(&Store::fresh(), &[]).await
}

async fn notes_on(store: &Store, settings: &[(&str, &str)]) -> (Server, tempfile::TempDir) {
    let folder = folder_with(&[("notes.yaml", NOTES), ("labels.yaml", LABELS)]);
    let mut setup = Setup::on(store).definitions(folder.path());
    for (name, value) in settings {
        setup = setup.variable(name, value);
    }
    (setup.start().await, folder)
}

async fn feed(server: &Server, path: &str) -> Feed {
    let url = format!("http://{}{path}", server.address());
    let mut feed = Feed::connect(&url, None).await.unwrap();
    feed.begin().await;
    feed
}

/// The same from a place on.
async fn feed_after(server: &Server, path: &str, after: Option<&str>) -> Feed {
    let url = format!("http://{}{path}", server.address());
    Feed::connect(&url, after).await.unwrap()
}

fn note(attributes: &Value) -> Value {
    json!({"data": {"type": "notes", "attributes": attributes}})
}

async fn create(server: &Server, attributes: &Value) -> String {
    let document = note(attributes);
    let sent = server.send_document(reqwest::Method::POST, "/notes", &document);
    sent.await.id(201)
}

async fn update(server: &Server, id: &str, attributes: &Value) {
    let mut document = note(attributes);
    document["data"]["id"] = json!(id);
    let url = format!("/notes/{id}");
    let sent = server.send_document(reqwest::Method::PATCH, &url, &document);
    sent.await.document(200);
}
