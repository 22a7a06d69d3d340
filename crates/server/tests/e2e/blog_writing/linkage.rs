//! Requests for relationships themselves.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{blog, create, identifier, identifiers, linkage, pointer, send};
use crate::harness::{Answer, JSON_API};

const AUTHOR: &str = "/articles/a/relationships/author";
const TAGS: &str = "/articles/a/relationships/tags";

#[tokio::test]
async fn a_to_one_relationship_is_set_and_cleared() {
    let server = blog().await;
    create(&server, "articles", "a", json!({})).await;
    let ada = identifier("people", "ada");
    for data in [ada, Value::Null] {
        let answer = send(&server, Method::PATCH, AUTHOR, data.clone()).await;
        assert_eq!((answer.status, answer.text()), (204, ""));
        assert_eq!(linkage(&server, "/articles/a", "author").await, data);
    }
    for method in [Method::POST, Method::DELETE] {
        let answer = send(&server, method, AUTHOR, json!([])).await;
        answer.error(403, "relationship_is_to_one");
    }
}

#[tokio::test]
async fn a_to_many_relationship_is_replaced_added_to_and_taken_from() {
    let server = blog().await;
    create(&server, "articles", "a", json!({})).await;
    let steps: [(Method, &[&str], &[&str]); 9] = [
        (Method::PATCH, &["1", "2", "1"], &["1", "2"]),
        (Method::POST, &["3", "2", "3"], &["1", "2", "3"]),
        (Method::POST, &["3"], &["1", "2", "3"]),
        (Method::POST, &[], &["1", "2", "3"]),
        (Method::DELETE, &["2", "99"], &["1", "3"]),
        (Method::DELETE, &["2"], &["1", "3"]),
        (Method::DELETE, &[], &["1", "3"]),
        (Method::PATCH, &["2"], &["2"]),
        (Method::PATCH, &[], &[]),
    ];
    for (method, named, expected) in steps {
        let answer = send(&server, method, TAGS, identifiers("tags", named)).await;
        assert_eq!((answer.status, answer.text()), (204, ""));
        let linked = linkage(&server, "/articles/a", "tags").await;
        assert_eq!(linked, identifiers("tags", expected));
    }
}

#[tokio::test]
async fn what_is_wrong_with_linkage_is_told_where_it_stands_and_nothing_changes() {
    let server = blog().await;
    let start = json!({"author": "ada", "tags": [1]});
    create(&server, "articles", "a", start).await;
    let (ada, tag) = (identifier("people", "ada"), identifier("tags", "2"));
    let absent = identifiers("tags", &["2", "99"]);
    let cases = [
        (Method::PATCH, AUTHOR, json!({}), 400, ""),
        (Method::PATCH, AUTHOR, json!({"data": "x"}), 400, "/data"),
        (Method::PATCH, AUTHOR, json!({"data": [ada]}), 400, "/data"),
        (
            Method::PATCH,
            AUTHOR,
            json!({"data": tag}),
            409,
            "/data/type",
        ),
        (
            Method::PATCH,
            AUTHOR,
            json!({"data": identifier("people", "eve")}),
            404,
            "/data",
        ),
        (Method::PATCH, TAGS, json!({}), 400, ""),
        (Method::PATCH, TAGS, json!({"data": null}), 400, "/data"),
        (Method::POST, TAGS, json!({"data": tag}), 400, "/data"),
        (Method::POST, TAGS, json!({"data": "x"}), 400, "/data"),
        (Method::DELETE, TAGS, json!({"data": {}}), 400, "/data"),
        (
            Method::POST,
            TAGS,
            json!({"data": [ada]}),
            409,
            "/data/0/type",
        ),
        (
            Method::DELETE,
            TAGS,
            json!({"data": [ada]}),
            409,
            "/data/0/type",
        ),
        (Method::POST, TAGS, json!({"data": absent}), 404, "/data/1"),
        (Method::PATCH, TAGS, json!({"data": absent}), 404, "/data/1"),
    ];
    for (method, url, body, status, expected) in cases {
        let told = format!("{method} {url} {body}");
        let answer = server.send_document(method, url, &body).await;
        let errors = answer.errors(status);
        assert_eq!(pointer(&errors[0]), expected, "{told}");
    }
    assert_eq!(linkage(&server, "/articles/a", "author").await, ada);
    let linked = linkage(&server, "/articles/a", "tags").await;
    assert_eq!(linked, identifiers("tags", &["1"]));
}

#[tokio::test]
async fn linkage_of_nothing_and_of_what_is_no_document_is_refused() {
    let server = blog().await;
    create(&server, "articles", "a", json!({})).await;
    for url in [
        "/articles/none/relationships/tags",
        "/articles/a/relationships/none",
    ] {
        let answer = send(&server, Method::PATCH, url, json!([])).await;
        assert_eq!(answer.errors(404).len(), 1);
    }
    let plain = server.send_plain(Method::POST, TAGS, &json!([1])).await;
    plain.error(415, "unsupported_media_type");
}

#[tokio::test]
async fn an_inverse_relationship_takes_no_changes() {
    let server = blog().await;
    let url = "/people/ada/relationships/articles";
    for method in [Method::PATCH, Method::POST, Method::DELETE] {
        let answer = send(&server, method, url, json!([])).await;
        let error = answer.error(403, "field_not_writable");
        assert!(
            error["detail"].as_str().unwrap().contains("'author'"),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_are_added_and_removed_at_once_are_neither_lost_nor_doubled() {
    let server = blog().await;
    for _ in 0..17 {
        server
            .send_plain(Method::POST, "/tags", &json!({}))
            .await
            .data(201);
    }
    create(&server, "articles", "a", json!({"tags": [1, 2]})).await;
    let mut tasks = JoinSet::new();
    let (client, root) = server.client();
    for round in 0..36 {
        let id = (round % 18 + 3).to_string();
        let (method, ids) = match round {
            0 => (Method::DELETE, vec!["1", "2"]),
            _ => (Method::POST, vec![id.as_str(), "3"]),
        };
        let body = json!({"data": identifiers("tags", &ids)});
        let request = client.request(method, format!("{root}{TAGS}"));
        let request = request
            .header("content-type", JSON_API)
            .body(body.to_string());
        tasks.spawn(async move { Answer::to(request).await.status });
    }
    assert_eq!(tasks.join_all().await, [204; 36]);
    let linked = server
        .get(&format!("{TAGS}?page[size]=100"))
        .await
        .data(200);
    let ids = linked
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap());
    let mut ids: Vec<u32> = ids.map(|id| id.parse().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (3..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn changes_of_a_relationship_take_no_parameters() {
    let server = blog().await;
    create(&server, "articles", "a", json!({})).await;
    for method in [Method::PATCH, Method::POST, Method::DELETE] {
        let url = format!("{TAGS}?include=tags");
        let answer = send(&server, method, &url, json!([])).await;
        let error = answer.error(400, "invalid_query_parameter");
        assert_eq!(error["source"]["parameter"], "include");
    }
}
