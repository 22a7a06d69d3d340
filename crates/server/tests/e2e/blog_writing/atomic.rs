//! Atomic operations.

// Local ids of types whose ids the server makes in other ways.
mod local_ids;
// Operations that cannot be done, and how that is told.
mod refusals;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{blog, create, identifier, identifiers, linkage};
use crate::harness::{Answer, Server};

const EXTENSION: &str = r#"application/vnd.api+json;ext="https://jsonapi.org/ext/atomic""#;

/// Sends operations.
async fn operate(server: &Server, operations: Value) -> Answer {
    let body = json!({ "atomic:operations": operations }).to_string();
    let answer = server.send_text(Method::POST, "/operations", EXTENSION, body);
    let answer = answer.await;
    assert_eq!(answer.header("content-type"), EXTENSION);
    answer
}

/// The results of operations that are done.
async fn done(server: &Server, operations: Value) -> Vec<Value> {
    let answer = operate(server, operations).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let document = answer.json();
    assert_eq!(document.get("data"), None);
    document["atomic:results"].as_array().unwrap().clone()
}

fn article(id: &str) -> Value {
    json!({"type": "articles", "id": id, "attributes": {"title": id}})
}

fn reference(name: &str, id: &str, relationship: &str) -> Value {
    json!({"type": name, "id": id, "relationship": relationship})
}

#[tokio::test]
async fn every_kind_of_operation_is_done_in_order_and_answered_at_its_place() {
    let server = blog().await;
    let tags = reference("articles", "a", "tags");
    let results = done(
        &server,
        json!([
            {"op": "add", "data": article("a")},
            {"op": "update", "data": {"type": "articles", "id": "a", "attributes": {"title": "b"}}},
            {"op": "add", "ref": tags, "data": identifiers("tags", &["1", "2", "1"])},
            {"op": "remove", "ref": tags, "data": identifiers("tags", &["1"])},
            {"op": "update", "ref": reference("articles", "a", "author"),
             "data": identifier("people", "ada")},
            {"op": "update", "ref": identifier("articles", "a"),
             "data": {"type": "articles", "attributes": {"title": "c"}}},
            {"op": "add", "data": article("gone")},
            {"op": "remove", "ref": identifier("articles", "gone")},
        ]),
    )
    .await;
    let titles: Vec<_> = results
        .iter()
        .map(|one| &one["data"]["attributes"]["title"])
        .collect();
    let nothing = json!({});
    assert_eq!(titles[..2], ["a", "b"]);
    assert_eq!((titles[5], titles[6]), (&json!("c"), &json!("gone")));
    for position in [2, 3, 4, 7] {
        assert_eq!(results[position], nothing);
    }
    let left = server.get("/articles/a").await.data(200);
    assert_eq!(left, results[5]["data"]);
    assert_eq!(
        left["relationships"]["tags"]["data"],
        identifiers("tags", &["2"])
    );
    server.get("/articles/gone").await.error(404, "not_found");
}

#[tokio::test]
async fn an_href_leads_to_a_collection_a_resource_or_a_relationship() {
    let server = blog().await;
    let (tags, author) = (
        "/articles/a%20b/relationships/tags",
        "/articles/a%20b/relationships/author",
    );
    done(
        &server,
        json!([
            {"op": "add", "href": "/articles", "data": article("a b")},
            {"op": "update", "href": "/articles/a%20b",
             "data": {"type": "articles", "id": "a b", "attributes": {"title": "new"}}},
            {"op": "add", "href": tags, "data": identifiers("tags", &["1", "2"])},
            {"op": "update", "href": author, "data": identifier("people", "bob")},
            {"op": "update", "href": author, "data": null},
        ]),
    )
    .await;
    let left = server.get("/articles/a%20b").await.data(200);
    assert_eq!(left["attributes"]["title"], "new");
    assert_eq!(
        left["relationships"]["tags"]["data"],
        identifiers("tags", &["1", "2"])
    );
    assert_eq!(left["relationships"]["author"]["data"], Value::Null);
    done(
        &server,
        json!([{"op": "remove", "href": "/articles/a%20b/"}]),
    )
    .await;
    server.get("/articles/a%20b").await.error(404, "not_found");
}

#[tokio::test]
async fn local_ids_name_what_earlier_operations_create() {
    let server = blog().await;
    let results = done(
        &server,
        json!([
            {"op": "add", "data": {"type": "tags", "lid": "t"}},
            {"op": "add", "data": {"type": "tags", "lid": "u", "attributes": {"n": 1}}},
            {"op": "add", "data": {"type": "articles", "id": "a", "lid": "x",
             "attributes": {"title": "t"},
             "relationships": {
                "tags": {"data": [{"type": "tags", "lid": "t"}]},
                "origin": {"data": {"type": "articles", "lid": "x"}}}}},
            {"op": "add", "ref": {"type": "articles", "lid": "x", "relationship": "tags"},
             "data": [{"type": "tags", "lid": "u"}]},
            {"op": "update", "data": {"type": "tags", "lid": "u", "attributes": {"n": 2}}},
            {"op": "add", "data": {"type": "tags", "lid": "v"}},
            {"op": "remove", "ref": {"type": "tags", "lid": "v"}},
        ]),
    )
    .await;
    let id = |position: usize| results[position]["data"]["id"].as_str().unwrap();
    let article = server.get("/articles/a").await.data(200);
    let relationships = &article["relationships"];
    assert_eq!(
        relationships["tags"]["data"],
        identifiers("tags", &[id(0), id(1)])
    );
    assert_eq!(relationships["origin"]["data"], identifier("articles", "a"));
    let tag = server.get(&format!("/tags/{}", id(1))).await.data(200);
    assert_eq!(tag["attributes"]["n"], 2);
    server
        .get(&format!("/tags/{}", id(5)))
        .await
        .error(404, "not_found");
}

#[tokio::test]
async fn a_deletion_takes_notice_of_the_operations_before_it() {
    let server = blog().await;
    create(&server, "articles", "a", json!({"author": "ada"})).await;
    // Who is named no longer can go, and what was linked just now goes too.
    done(
        &server,
        json!([
            {"op": "update", "ref": reference("articles", "a", "author"), "data": null},
            {"op": "remove", "ref": identifier("people", "ada")},
            {"op": "add", "data": {"type": "comments", "id": "c", "relationships":
                {"article": {"data": identifier("articles", "a")}}}},
            {"op": "remove", "ref": identifier("articles", "a")},
        ]),
    )
    .await;
    for url in ["/people/ada", "/articles/a", "/comments/c"] {
        server.get(url).await.error(404, "not_found");
    }
    // Who is named by now cannot go.
    create(&server, "articles", "b", json!({})).await;
    let author = reference("articles", "b", "author");
    let named = operate(
        &server,
        json!([
            {"op": "update", "ref": author, "data": identifier("people", "bob")},
            {"op": "remove", "ref": identifier("people", "bob")},
        ]),
    )
    .await;
    assert_eq!(
        (named.status, &named.json()["errors"][0]["code"]),
        (409, &json!("still_referenced"))
    );
    // What is made again may be named again.
    done(
        &server,
        json!([
            {"op": "remove", "ref": identifier("people", "bob")},
            {"op": "add", "data": {"type": "people", "id": "bob"}},
            {"op": "update", "ref": author, "data": identifier("people", "bob")},
        ]),
    )
    .await;
    let named = linkage(&server, "/articles/b", "author").await;
    assert_eq!(named, identifier("people", "bob"));
}

#[tokio::test]
async fn an_operation_can_be_for_a_version() {
    let server = blog().await;
    create(&server, "articles", "a", json!({})).await;
    let tag = server.get("/articles/a").await.header("etag").to_owned();
    let change = |title: &str, meta: Value| {
        let data = json!({"type": "articles", "id": "a", "attributes": {"title": title}});
        json!([{"op": "update", "data": data, "meta": meta}])
    };
    done(&server, change("one", json!({ "ifMatch": tag }))).await;
    let stale = operate(&server, change("two", json!({ "ifMatch": tag }))).await;
    let current = server.get("/articles/a").await;
    assert_eq!(current.data(200)["attributes"]["title"], "one");
    let error = &stale.json()["errors"][0];
    assert_eq!(
        (stale.status, &error["code"]),
        (412, &json!("version_conflict"))
    );
    assert_eq!(error["meta"]["etag"], current.header("etag"));
    assert_eq!(error["source"]["pointer"], "/atomic:operations/0/data");
    done(&server, change("three", json!({"ifMatch": "*"}))).await;
    for malformed in [json!("5"), json!(5), json!("")] {
        let refused = operate(&server, change("four", json!({ "ifMatch": malformed }))).await;
        let error = &refused.json()["errors"][0];
        assert_eq!(refused.status, 400);
        assert_eq!(
            error["source"]["pointer"],
            "/atomic:operations/0/meta/ifMatch"
        );
    }
    create(&server, "rules", "r", json!({})).await;
    let remove = |meta: Value| json!([{"op": "remove", "href": "/rules/r", "meta": meta}]);
    let refused = operate(&server, remove(json!({}))).await;
    assert_eq!(
        (refused.status, &refused.json()["errors"][0]["code"]),
        (428, &json!("if_match_required"))
    );
    let tag = server.get("/rules/r").await.header("etag").to_owned();
    done(&server, remove(json!({ "ifMatch": tag }))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn units_at_once_are_each_whole() {
    let server = blog().await;
    create(&server, "articles", "a", json!({})).await;
    create(&server, "articles", "b", json!({})).await;
    let (client, root) = server.client();
    let mut tasks = JoinSet::new();
    for title in 0..12 {
        let update = |id: &str| {
            let attributes = json!({"title": title.to_string()});
            json!({"op": "update", "data": {"type": "articles", "id": id, "attributes": attributes}})
        };
        let (first, second) = if title % 2 == 0 {
            ("a", "b")
        } else {
            ("b", "a")
        };
        let body = json!({"atomic:operations": [update(first), update(second)]});
        let request = client.post(format!("{root}/operations"));
        let request = request
            .header("content-type", EXTENSION)
            .body(body.to_string());
        tasks.spawn(async move { Answer::to(request).await.status });
    }
    assert_eq!(tasks.join_all().await, [200; 12]);
    let title = async |id: &str| {
        let article = server.get(&format!("/articles/{id}")).await.data(200);
        article["attributes"]["title"].clone()
    };
    assert_eq!(title("a").await, title("b").await);
}
