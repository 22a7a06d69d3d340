//! Operations that cannot be done, and how that is told.

use reqwest::Method;
use serde_json::{Value, json};

use super::{EXTENSION, article, operate};
use crate::blog_writing::{blog, create};
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

/// A status, a code, a pointer within the operation, and the operation. The article `b` has the author
/// `ada` and a code.
const REFUSED: &str = r#"
409 id_taken /data/id {"op":"add","data":{"type":"articles","id":"b","attributes":{"title":"b"}}}
422 invalid_attribute /data/attributes/title {"op":"add","data":{"type":"articles","id":"c","attributes":{"title":1}}}
422 invalid_attribute /data/attributes/title {"op":"update","data":{"type":"articles","id":"b","attributes":{"title":null}}}
404 related_not_found /data/relationships/author/data {"op":"add","data":{"type":"articles","id":"c","attributes":{"title":"c"},"relationships":{"author":{"data":{"type":"people","id":"eve"}}}}}
403 client_id_not_allowed /data/id {"op":"add","data":{"type":"tags","id":"9"}}
422 id_missing /data {"op":"add","data":{"type":"people"}}
404 unknown_type /data/type {"op":"add","data":{"type":"planets","id":"9"}}
404 not_found /data {"op":"update","data":{"type":"articles","id":"none","attributes":{"title":"n"}}}
403 field_not_writable /data/attributes/code {"op":"update","data":{"type":"articles","id":"b","attributes":{"code":"y"}}}
404 not_found /ref {"op":"remove","ref":{"type":"articles","id":"none"}}
409 still_referenced /ref {"op":"remove","ref":{"type":"people","id":"ada"}}
400 invalid_id /ref/id {"op":"remove","ref":{"type":"tags","id":"x"}}
404 unknown_type /ref/type {"op":"remove","ref":{"type":"planets","id":"x"}}
409 id_conflict /data/id {"op":"update","ref":{"type":"articles","id":"b"},"data":{"type":"articles","id":"a"}}
403 relationship_is_to_one - {"op":"add","ref":{"type":"articles","id":"b","relationship":"author"},"data":[{"type":"people","id":"bob"}]}
403 relationship_is_to_one - {"op":"remove","ref":{"type":"articles","id":"b","relationship":"author"},"data":{"type":"people","id":"ada"}}
404 related_not_found /data/1 {"op":"add","ref":{"type":"articles","id":"b","relationship":"tags"},"data":[{"type":"tags","id":"1"},{"type":"tags","id":"99"}]}
409 type_conflict /data/0/type {"op":"add","ref":{"type":"articles","id":"b","relationship":"tags"},"data":[{"type":"people","id":"ada"}]}
400 malformed_document /data/0/lid {"op":"add","ref":{"type":"articles","id":"b","relationship":"tags"},"data":[{"type":"tags","lid":"later"}]}
403 field_not_writable /ref {"op":"update","ref":{"type":"people","id":"ada","relationship":"articles"},"data":[]}
404 relationship_not_found /ref/relationship {"op":"update","ref":{"type":"articles","id":"b","relationship":"none"},"data":[]}
400 malformed_document /href {"op":"remove","href":"/articles"}
400 malformed_document /href {"op":"remove","href":"/a/b/c/d"}
400 malformed_document /href {"op":"remove","href":"articles/b"}
404 unknown_type /href {"op":"remove","href":"/planets/b"}
400 malformed_document /op {"op":"REMOVE","href":"/articles/b"}
"#;

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
    let cases: Vec<&str> = REFUSED.trim().lines().collect();
    assert_eq!(cases.len(), 26);
    for case in cases {
        let parts: Vec<&str> = case.splitn(4, ' ').collect();
        let &[status, code, at, operation] = parts.as_slice() else {
            panic!("{case}");
        };
        let operation: Value = serde_json::from_str(operation).unwrap();
        let before = json!({"op": "add", "data": article("a")});
        let answer = operate(&server, json!([before, operation])).await;
        assert_eq!(
            answer.status.to_string(),
            status,
            "{case}: {}",
            answer.text()
        );
        let pointer = format!("{AT}{}", at.trim_matches('-'));
        refused(&answer.json(), code, &pointer);
        server.get("/articles/a").await.error(404, "not_found");
    }
    let kept = server.get("/articles/b").await.data(200);
    assert_eq!(kept["attributes"], json!({"code": "x", "title": "b"}));
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
