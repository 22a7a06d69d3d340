//! Relationships in the bodies of resources.

use reqwest::Method;
use serde_json::{Value, json};

use super::{blog, create, identifier, identifiers, linkage, pointer, send};
use crate::harness::{Answer, JSON_API};

fn article(id: &str, relationships: &Value) -> Value {
    json!({"type": "articles", "id": id, "attributes": {"title": "t"},
           "relationships": relationships})
}

#[tokio::test]
async fn relationships_are_set_at_creation_from_either_body() {
    let server = blog().await;
    let relationships = json!({
        "author": {"data": identifier("people", "ada")},
        "tags": {"data": identifiers("tags", &["2", "1", "2"])},
    });
    let document = send(
        &server,
        Method::POST,
        "/articles",
        article("a", &relationships),
    )
    .await;
    let plain = json!({"id": "b", "title": "t", "author": "ada", "tags": [2, "1", 2]});
    let plain = server.send_plain(Method::POST, "/articles", &plain).await;
    for answer in [document, plain] {
        let data = answer.data(201);
        let relationships = &data["relationships"];
        assert_eq!(relationships["author"]["data"], identifier("people", "ada"));
        assert_eq!(
            relationships["tags"]["data"],
            identifiers("tags", &["2", "1"])
        );
        let url = data["links"]["self"].as_str().unwrap();
        assert_eq!(server.get(url).await.data(200), data);
    }
    let inverse = linkage(&server, "/people/ada", "articles").await;
    assert_eq!(inverse, identifiers("articles", &["a", "b"]));
}

#[tokio::test]
async fn a_change_replaces_what_it_names_and_keeps_the_rest() {
    let server = blog().await;
    let start = json!({"author": "ada", "tags": [1, 2]});
    create(&server, "articles", "a", start).await;
    let change = json!({"tags": {"data": identifiers("tags", &["3"])}});
    let data = json!({"type": "articles", "id": "a", "relationships": change});
    let changed = send(&server, Method::PATCH, "/articles/a", data)
        .await
        .data(200);
    let relationships = &changed["relationships"];
    assert_eq!(relationships["tags"]["data"], identifiers("tags", &["3"]));
    assert_eq!(relationships["author"]["data"], identifier("people", "ada"));
    let body = json!({"author": null, "tags": []});
    let cleared = server.send_plain(Method::PATCH, "/articles/a", &body).await;
    let relationships = &cleared.data(200)["relationships"];
    assert_eq!(relationships["author"]["data"], Value::Null);
    assert_eq!(relationships["tags"]["data"], json!([]));
    let title = json!({"title": "other"});
    create(&server, "articles", "b", json!({"tags": [1]})).await;
    let titled = server
        .send_plain(Method::PATCH, "/articles/b", &title)
        .await;
    assert_eq!(
        titled.data(200)["relationships"]["tags"]["data"],
        identifiers("tags", &["1"])
    );
}

#[tokio::test]
async fn a_missing_target_is_named_with_its_pointer_and_nothing_is_stored() {
    let server = blog().await;
    create(&server, "articles", "there", json!({"author": "ada"})).await;
    let cases = [
        (
            json!({"author": {"data": identifier("people", "nobody")}}),
            "/data/relationships/author/data",
            "'nobody'",
        ),
        (
            json!({"tags": {"data": identifiers("tags", &["1", "99"])}}),
            "/data/relationships/tags/data/1",
            "'99'",
        ),
        (
            json!({"tags": {"data": identifiers("tags", &["no-number"])}}),
            "/data/relationships/tags/data/0",
            "'no-number'",
        ),
    ];
    for (relationships, expected, named) in cases {
        let creating = article("new", &relationships);
        let created = send(&server, Method::POST, "/articles", creating).await;
        let changing = article("there", &relationships);
        let changed = send(&server, Method::PATCH, "/articles/there", changing).await;
        for answer in [created, changed] {
            let error = answer.error(404, "related_not_found");
            assert_eq!(pointer(&error), expected);
            assert!(error["detail"].as_str().unwrap().contains(named), "{error}");
        }
    }
    let plain = json!({"id": "new", "title": "t", "tags": [1, 99]});
    let plain = server.send_plain(Method::POST, "/articles", &plain).await;
    assert_eq!(pointer(&plain.error(404, "related_not_found")), "/tags/1");
    server.get("/articles/new").await.error(404, "not_found");
    let kept = server.get("/articles/there").await.data(200);
    assert_eq!(kept["attributes"]["title"], "there");
    let author = &kept["relationships"]["author"]["data"];
    assert_eq!(*author, identifier("people", "ada"));
}

#[tokio::test]
async fn linkage_of_the_wrong_type_or_shape_is_refused_where_it_stands() {
    let server = blog().await;
    let (author, tags) = ("/data/relationships/author", "/data/relationships/tags");
    let ada = identifier("people", "ada");
    let cases = [
        (
            json!({"author": {"data": identifier("tags", "1")}}),
            409,
            format!("{author}/data/type"),
        ),
        (
            json!({"tags": {"data": [ada]}}),
            409,
            format!("{tags}/data/0/type"),
        ),
        (
            json!({"author": {"data": [ada]}}),
            400,
            format!("{author}/data"),
        ),
        (json!({"tags": {"data": null}}), 400, format!("{tags}/data")),
        (
            json!({"tags": {"data": identifier("tags", "1")}}),
            400,
            format!("{tags}/data"),
        ),
        (
            json!({"author": {"data": "ada"}}),
            400,
            format!("{author}/data"),
        ),
        (json!({"author": {"links": {}}}), 400, author.to_owned()),
        (
            json!({"author": {"data": {"type": "people"}}}),
            400,
            format!("{author}/data"),
        ),
        (
            json!({"author": {"data": {"type": "people", "lid": "x"}}}),
            400,
            format!("{author}/data/lid"),
        ),
        (
            json!({"owner": {"data": ada}}),
            400,
            "/data/relationships/owner".to_owned(),
        ),
    ];
    for (relationships, status, expected) in cases {
        let data = article("a", &relationships);
        let answer = send(&server, Method::POST, "/articles", data).await;
        assert_eq!(pointer(&answer.errors(status)[0]), expected);
    }
    let plain = json!({"id": "a", "title": "t", "author": ["ada"], "tags": "1"});
    let plain = server.send_plain(Method::POST, "/articles", &plain).await;
    let errors = plain.errors(422);
    assert_eq!(crate::harness::pointers(&errors), ["/author", "/tags"]);
    server.get("/articles/a").await.error(404, "not_found");
}

#[tokio::test]
async fn an_inverse_is_changed_from_its_other_side_alone() {
    let server = blog().await;
    let relationships = json!({"articles": {"data": []}});
    let data = json!({"type": "people", "id": "eve", "relationships": relationships});
    let answer = send(&server, Method::POST, "/people", data).await;
    let error = answer.error(403, "field_not_writable");
    assert_eq!(pointer(&error), "/data/relationships/articles/data");
    assert!(
        error["detail"].as_str().unwrap().contains("'author'"),
        "{error}"
    );
}

#[tokio::test]
async fn a_resource_can_link_to_itself_at_its_creation() {
    let server = blog().await;
    let made = create(&server, "articles", "a", json!({"origin": "a"})).await;
    let origin = &made["relationships"]["origin"]["data"];
    assert_eq!(*origin, identifier("articles", "a"));
}

#[tokio::test]
async fn a_post_can_stand_for_a_patch_and_for_nothing_else() {
    let server = blog().await;
    create(&server, "articles", "a", json!({"tags": [1]})).await;
    let post = |url: &str, named: &str, body: Value| {
        let request = server.request(Method::POST, url);
        let request = request.header("x-http-method-override", named);
        request
            .header("content-type", JSON_API)
            .body(body.to_string())
    };
    let data = json!({"type": "articles", "id": "a", "attributes": {"title": "other"}});
    let changed = Answer::to(post("/articles/a", "patch", json!({ "data": data }))).await;
    assert_eq!(changed.data(200)["attributes"]["title"], "other");
    let url = "/articles/a/relationships/tags";
    let tags = json!({"data": identifiers("tags", &["2"])});
    assert_eq!(Answer::to(post(url, "PATCH", tags)).await.status, 204);
    assert_eq!(
        linkage(&server, "/articles/a", "tags").await,
        identifiers("tags", &["2"])
    );
    let refused = Answer::to(post("/articles/a", "DELETE", json!({}))).await;
    refused.error(405, "method_not_allowed");
    server.get("/articles/a").await.data(200);
}
