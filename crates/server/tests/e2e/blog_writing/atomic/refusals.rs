//! Operations that cannot be done, and how that is told.

use reqwest::Method;
use serde_json::{Value, json};

use super::{EXTENSION, article, operate, reference};
use crate::blog_writing::{blog, create, identifier, identifiers};
use crate::harness::{JSON_API, Setup, folder_with};

const AT: &str = "/atomic:operations/1";

/// A document without anything but errors, the first of which is this.
#[track_caller]
fn refused(document: &Value, code: &str, pointer: &str) {
    let error = &document["errors"][0];
    assert_eq!(error["code"], code, "{document}");
    assert_eq!(error["source"]["pointer"], pointer, "{document}");
    assert!(document.get("atomic:results").is_none() && document.get("data").is_none());
}

#[tokio::test]
async fn a_failing_operation_undoes_those_before_it_and_is_pointed_to() {
    let server = blog().await;
    create(
        &server,
        "articles",
        "b",
        json!({"author": "ada", "code": "x"}),
    )
    .await;
    let (tags, author) = (
        reference("articles", "b", "tags"),
        reference("articles", "b", "author"),
    );
    let added = |data: Value| json!({"op": "add", "data": data});
    let updated = |data: Value| json!({"op": "update", "data": data});
    let invalid = json!({"type": "articles", "id": "c", "attributes": {"title": 1}});
    let fixed = json!({"type": "articles", "id": "b", "attributes": {"code": "y"}});
    let linked = json!({"type": "articles", "id": "c", "attributes": {"title": "c"},
                        "relationships": {"author": {"data": identifier("people", "eve")}}});
    let unset = json!({"type": "articles", "id": "b", "attributes": {"title": null}});
    for (operation, status, code, at) in [
        (added(article("b")), 409, "id_taken", "/data/id"),
        (
            added(invalid),
            422,
            "invalid_attribute",
            "/data/attributes/title",
        ),
        (
            updated(unset),
            422,
            "invalid_attribute",
            "/data/attributes/title",
        ),
        (
            added(linked),
            404,
            "related_not_found",
            "/data/relationships/author/data",
        ),
        (
            added(json!({"type": "tags", "id": "9"})),
            403,
            "client_id_not_allowed",
            "/data/id",
        ),
        (added(json!({"type": "people"})), 422, "id_missing", "/data"),
        (
            added(json!({"type": "planets", "id": "9"})),
            404,
            "unknown_type",
            "/data/type",
        ),
        (updated(article("none")), 404, "not_found", "/data"),
        (
            updated(fixed),
            403,
            "field_not_writable",
            "/data/attributes/code",
        ),
        (
            json!({"op": "remove", "ref": identifier("articles", "none")}),
            404,
            "not_found",
            "/ref",
        ),
        (
            json!({"op": "remove", "ref": identifier("people", "ada")}),
            409,
            "still_referenced",
            "/ref",
        ),
        (
            json!({"op": "remove", "ref": identifier("tags", "x")}),
            400,
            "invalid_id",
            "/ref/id",
        ),
        (
            json!({"op": "remove", "ref": identifier("planets", "x")}),
            404,
            "unknown_type",
            "/ref/type",
        ),
        (
            json!({"op": "update", "ref": identifier("articles", "b"), "data": article("a")}),
            409,
            "id_conflict",
            "/data/id",
        ),
        (
            json!({"op": "add", "ref": author, "data": [identifier("people", "bob")]}),
            403,
            "relationship_is_to_one",
            "",
        ),
        (
            json!({"op": "remove", "ref": author, "data": identifier("people", "ada")}),
            403,
            "relationship_is_to_one",
            "",
        ),
        (
            json!({"op": "add", "ref": tags, "data": identifiers("tags", &["1", "99"])}),
            404,
            "related_not_found",
            "/data/1",
        ),
        (
            json!({"op": "add", "ref": tags, "data": identifiers("people", &["ada"])}),
            409,
            "type_conflict",
            "/data/0/type",
        ),
        (
            json!({"op": "update", "ref": reference("people", "ada", "articles"), "data": []}),
            403,
            "field_not_writable",
            "/ref",
        ),
        (
            json!({"op": "update", "ref": reference("articles", "b", "none"), "data": []}),
            404,
            "relationship_not_found",
            "/ref/relationship",
        ),
        (
            json!({"op": "add", "ref": tags, "data": [{"type": "tags", "lid": "later"}]}),
            400,
            "malformed_document",
            "/data/0/lid",
        ),
        (
            json!({"op": "remove", "href": "/articles"}),
            400,
            "malformed_document",
            "/href",
        ),
        (
            json!({"op": "remove", "href": "/a/b/c/d"}),
            400,
            "malformed_document",
            "/href",
        ),
        (
            json!({"op": "remove", "href": "articles/b"}),
            400,
            "malformed_document",
            "/href",
        ),
        (
            json!({"op": "remove", "href": "/planets/b"}),
            404,
            "unknown_type",
            "/href",
        ),
        (
            json!({"op": "REMOVE", "href": "/articles/b"}),
            400,
            "malformed_document",
            "/op",
        ),
    ] {
        let before = json!({"op": "add", "data": article("a")});
        let told = operation.to_string();
        let answer = operate(&server, json!([before, operation])).await;
        assert_eq!(answer.status, status, "{told}: {}", answer.text());
        refused(&answer.json(), code, &format!("{AT}{at}"));
        server.get("/articles/a").await.error(404, "not_found");
    }
}

#[tokio::test]
async fn a_local_id_is_given_once_and_before_it_is_used() {
    let server = blog().await;
    let tag = json!({"op": "add", "data": {"type": "tags", "lid": "t"}});
    let twice = operate(&server, json!([tag, tag])).await;
    refused(
        &twice.json(),
        "malformed_document",
        &format!("{AT}/data/lid"),
    );
    let remove = json!({"op": "remove", "ref": {"type": "tags", "lid": "t"}});
    let early = operate(&server, json!([remove, tag])).await;
    refused(
        &early.json(),
        "malformed_document",
        "/atomic:operations/0/ref/lid",
    );
    assert_eq!(early.status, 400);
    let tags = server.get("/tags").await.data(200);
    assert_eq!(tags.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn operations_are_sent_with_their_extension_and_by_post_alone() {
    let server = blog().await;
    let body = json!({"atomic:operations": [{"op": "add", "data": article("a")}]}).to_string();
    for media_type in [
        JSON_API,
        "application/json",
        r#"application/vnd.api+json;ext="urn:x""#,
    ] {
        let body = body.clone();
        let answer = server
            .send_text(Method::POST, "/operations", media_type, body)
            .await;
        assert_eq!(answer.status, 415, "{media_type}");
        assert_eq!(answer.header("content-type"), EXTENSION);
        assert_eq!(answer.json()["errors"][0]["code"], "unsupported_media_type");
    }
    for method in [Method::GET, Method::PATCH, Method::PUT, Method::DELETE] {
        let answer = server.request(method, "/operations").send().await.unwrap();
        assert_eq!(answer.status(), 405);
        assert_eq!(answer.headers()["allow"], "POST");
    }
    // Also what is refused before it is looked at.
    let large = "x".repeat((1 << 20) + 1);
    let answer = server
        .send_text(Method::POST, "/operations", EXTENSION, large)
        .await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (413, EXTENSION)
    );
    // Nothing else takes the extension.
    let answer = server
        .send_text(Method::POST, "/articles", EXTENSION, body)
        .await;
    answer.error(415, "unsupported_media_type");
    server.get("/articles/a").await.error(404, "not_found");
}

#[tokio::test]
async fn too_many_operations_are_refused() {
    let folder = folder_with(&[("notes.yaml", "type: notes\nattributes: {type: object}\n")]);
    let setup = Setup::fresh().definitions(folder.path());
    let server = setup.arguments(["--operations-max", "2"]).start().await;
    let operations = |count: usize| vec![json!({"op": "add", "data": {"type": "notes"}}); count];
    assert_eq!(operate(&server, json!(operations(2))).await.status, 200);
    let answer = operate(&server, json!(operations(3))).await;
    assert_eq!(answer.status, 400);
    refused(&answer.json(), "malformed_document", "/atomic:operations");
    assert_eq!(answer.json()["errors"][0]["meta"]["maximum"], 2);
}

#[tokio::test]
async fn a_type_can_stay_out_of_operations() {
    let closed = "type: closed\noperations: false\nattributes: {type: object}\n";
    let folder = folder_with(&[
        ("closed.yaml", closed),
        ("open.yaml", "type: open\nattributes: {type: object}\n"),
    ]);
    let served = Setup::fresh().definitions(folder.path()).start().await;
    let answer = operate(&served, json!([{"op": "add", "data": {"type": "closed"}}])).await;
    assert_eq!(answer.status, 403);
    let at = "/atomic:operations/0/data/type";
    refused(&answer.json(), "operations_not_allowed", at);
    // A process offers operations on what it serves.
    let alone = Setup::fresh()
        .arguments(["closed"])
        .definitions(folder.path())
        .start()
        .await;
    alone.get("/operations").await.error(404, "not_found");
    let other = Setup::fresh()
        .arguments(["open"])
        .definitions(folder.path())
        .start()
        .await;
    let answer = operate(&other, json!([{"op": "add", "data": {"type": "closed"}}])).await;
    refused(&answer.json(), "unknown_type", at);
}
