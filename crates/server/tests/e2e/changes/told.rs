use reqwest::Method;
use serde_json::json;

use super::{create, feed, notes, update};
use crate::harness::Answer;

#[tokio::test]
async fn each_change_is_told_with_the_document_that_a_reader_would_get() {
    let (server, _folder) = notes().await;
    let mut feed = feed(&server, "/notes/-/changes").await;
    let id = create(&server, &json!({"text": "a"})).await;
    let shown = server.get(&format!("/notes/{id}")).await.document(200);
    let created = feed.event().await;
    assert_eq!(created.name, "create");
    assert_eq!(created.document, shown);
    update(&server, &id, &json!({"text": "b"})).await;
    let updated = feed.event().await;
    assert_eq!(updated.about(), ("update", &*id));
    assert_eq!(updated.document["data"]["attributes"]["text"], "b");
    server.delete(&format!("/notes/{id}")).await.document(200);
    let deleted = feed.event().await;
    assert_eq!(deleted.about(), ("delete", &*id));
    assert_eq!(deleted.document["data"], json!({"type": "notes", "id": id}));
}

#[tokio::test]
async fn a_resource_that_begins_to_pass_is_told_and_one_that_stops_is_taken_back() {
    let (server, _folder) = notes().await;
    let mut feed = feed(&server, "/notes/-/changes?filter[n][gt]=10&fields[notes]=n").await;
    let id = create(&server, &json!({"n": 1, "text": "hidden"})).await;
    update(&server, &id, &json!({"n": 11})).await;
    let begins = feed.event().await;
    assert_eq!(begins.about(), ("update", &*id));
    assert_eq!(begins.document["data"]["attributes"], json!({"n": 11}));
    update(&server, &id, &json!({"n": 9})).await;
    let stops = feed.event().await;
    assert_eq!(stops.about(), ("leave", &*id));
    assert_eq!(stops.document["data"], json!({"type": "notes", "id": id}));
    let passing = create(&server, &json!({"n": 12})).await;
    assert_eq!(feed.event().await.about(), ("create", &*passing));
}

#[tokio::test]
async fn what_a_list_hides_no_feed_shows_or_is_filtered_by() {
    let (server, _folder) = notes().await;
    let mut feed = feed(&server, "/notes/-/changes").await;
    create(&server, &json!({"text": "shown", "secret": "hidden"})).await;
    let text = feed.event().await.document.to_string();
    assert!(text.contains("shown") && !text.contains("secret"), "{text}");
    for query in ["filter[secret]=x", "fields[notes]=secret"] {
        let url = format!("/notes/-/changes?{query}");
        let list = server.get(&format!("/notes?{query}")).await;
        let refused = server.get(&url).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.text(), list.text());
    }
}

#[tokio::test]
async fn an_atomic_request_is_told_change_by_change_and_other_types_are_not() {
    let (server, _folder) = notes().await;
    let mut notes = feed(&server, "/notes/-/changes").await;
    let mut labels = feed(&server, "/labels/-/changes/").await;
    let operations = json!({"atomic:operations": [
        {"op": "add", "data": {"type": "notes", "lid": "a", "attributes": {"n": 1}}},
        {"op": "add", "data": {"type": "labels", "id": "l", "attributes": {}}},
        {"op": "add", "data": {"type": "notes", "attributes": {"n": 2}, "relationships": {
            "next": {"data": {"type": "notes", "lid": "a"}}}}},
    ]});
    let media_type = "application/vnd.api+json;ext=\"https://jsonapi.org/ext/atomic\"";
    let request = server
        .request(Method::POST, "/operations")
        .body(operations.to_string());
    let request = request.header("content-type", media_type);
    let done = Answer::to(request.header("accept", media_type)).await;
    assert_eq!(done.status, 200, "{}", done.text());
    for n in [1, 2] {
        let event = notes.event().await;
        assert_eq!(event.name, "create");
        assert_eq!(event.document["data"]["attributes"]["n"], n);
    }
    assert_eq!(labels.event().await.about(), ("create", "l"));
    // A link changes the resource that stores it.
    let id = create(&server, &json!({})).await;
    assert_eq!(notes.event().await.about(), ("create", &*id));
    let url = format!("/notes/{id}/relationships/next");
    let linkage = json!({"data": {"type": "notes", "id": id}});
    let linked = server.send_document(Method::PATCH, &url, &linkage).await;
    assert!(linked.status < 300, "{}", linked.text());
    assert_eq!(notes.event().await.about(), ("update", &*id));
}
