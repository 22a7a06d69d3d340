//! Attributes that the server makes.

use reqwest::Method;
use serde_json::{Value, json};

use super::pointer;
use crate::harness::{Server, Setup, folder_with};

const NOTES: &str = "
type: notes
id: string
attributes:
  type: object
  additionalProperties: false
  properties: {text: {type: string}}
timestamps: {createdAt: madeAt, updatedAt: changedAt}
relationships:
  next: {type: notes, onDelete: clear}
  others: {type: notes, kind: many, onDelete: clear}
";

async fn notes() -> Server {
    let folder = folder_with(&[("notes.yaml", NOTES)]);
    Setup::fresh().definitions(folder.path()).start().await
}

async fn times(server: &Server, id: &str) -> (Value, Value) {
    let mut data = server.get(&format!("/notes/{id}")).await.data(200);
    let attributes = &mut data["attributes"];
    (attributes["madeAt"].take(), attributes["changedAt"].take())
}

async fn make(server: &Server, id: &str) {
    let body = json!({"id": id, "text": "t"});
    server
        .send_plain(Method::POST, "/notes", &body)
        .await
        .data(201);
}

/// Waits until the clock of the server shows another millisecond.
async fn later() {
    tokio::time::sleep(std::time::Duration::from_millis(3)).await;
}

#[tokio::test]
async fn a_resource_says_when_it_was_made_and_changed() {
    let server = notes().await;
    make(&server, "a").await;
    make(&server, "b").await;
    let (made, mut changed) = times(&server, "a").await;
    assert_eq!(made, changed);
    let text = made.as_str().unwrap();
    assert_eq!(
        (text.len(), &text[10..11], &text[19..20], &text[23..]),
        (24, "T", ".", "Z")
    );
    let link = json!({"data": [{"type": "notes", "id": "b"}]});
    let linkage = "/notes/a/relationships/others";
    let next = json!({"text": "v", "next": "b"});
    for (method, url, body) in [
        (Method::PATCH, "/notes/a", json!({"text": "u"})),
        (Method::POST, linkage, link.clone()),
        (Method::PUT, "/notes/a", next),
        // It is cleared.
        (Method::DELETE, "/notes/b", Value::Null),
    ] {
        later().await;
        let answer = match url {
            "/notes/a" => server.send_plain(method, url, &body).await,
            _ => server.send_document(method, url, &body).await,
        };
        assert!([200, 204].contains(&answer.status), "{}", answer.text());
        let (still, now) = times(&server, "a").await;
        assert_eq!(still, made, "{url}");
        assert!(now.as_str() > changed.as_str(), "{url}: {now}");
        changed = now;
    }
    later().await;
    let nothing = json!({"text": "v"});
    server
        .send_plain(Method::PATCH, "/notes/a", &nothing)
        .await
        .data(200);
    assert_eq!(times(&server, "a").await.1, changed, "nothing was changed");
}

#[tokio::test]
async fn clients_never_set_a_time_but_may_ask_by_it() {
    let server = notes().await;
    make(&server, "a").await;
    for (method, url) in [(Method::POST, "/notes"), (Method::PATCH, "/notes/a")] {
        let body = json!({"madeAt": "2020-01-01T00:00:00.000Z"});
        let answer = server.send_plain(method, url, &body).await;
        assert_eq!(pointer(&answer.error(403, "field_not_writable")), "/madeAt");
    }
    let found = server
        .get("/notes?filter[madeAt][gt]=2024-01-01T00:00:00Z&sort=-changedAt")
        .await;
    assert_eq!(found.data(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_stored_without_times_gets_that_of_its_next_change() {
    let plain = NOTES.replace(
        "timestamps: {createdAt: madeAt, updatedAt: changedAt}\n",
        "",
    );
    let folder = folder_with(&[("notes.yaml", &plain)]);
    let server = Setup::fresh().definitions(folder.path()).start().await;
    make(&server, "a").await;
    let store = server.store().clone();
    assert!(server.terminate().await.success());
    let folder = folder_with(&[("notes.yaml", NOTES)]);
    let server = Setup::on(&store).definitions(folder.path()).start().await;
    assert_eq!(times(&server, "a").await, (Value::Null, Value::Null));
    let body = json!({"text": "u"});
    server
        .send_plain(Method::PATCH, "/notes/a", &body)
        .await
        .data(200);
    let (made, changed) = times(&server, "a").await;
    assert!(made.is_null() && changed.is_string());
}
