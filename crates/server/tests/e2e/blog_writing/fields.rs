//! Fields that clients cannot set or change.

use reqwest::Method;
use serde_json::json;

use super::{blog, create, identifier, identifiers, linkage, pointer, send};
use crate::harness::pointers;

#[tokio::test]
async fn a_field_that_cannot_be_set_or_changed_is_a_403_with_its_place() {
    let server = blog().await;
    let attributes = json!({"title": "t", "views": 5});
    let data = json!({"type": "articles", "id": "a", "attributes": attributes});
    let answer = send(&server, Method::POST, "/articles", data).await;
    let error = answer.error(403, "field_not_writable");
    assert_eq!(pointer(&error), "/data/attributes/views");
    server.get("/articles/a").await.error(404, "not_found");

    create(&server, "articles", "a", json!({"code": "x"})).await;
    let relationships = json!({"origin": {"data": null}});
    let data = json!({"type": "articles", "id": "a", "attributes": {"code": "y", "views": 1},
                      "relationships": relationships});
    let answer = send(&server, Method::PATCH, "/articles/a", data).await;
    let errors = answer.errors(403);
    let expected = ["/data/attributes/code", "/data/relationships/origin/data"];
    assert_eq!(pointers(&errors), expected);
    let url = "/articles/a/relationships/origin";
    let answer = send(&server, Method::PATCH, url, identifier("articles", "a")).await;
    answer.error(403, "field_not_writable");
    let kept = server.get("/articles/a").await.data(200);
    assert_eq!(kept["attributes"], json!({"code": "x", "title": "a"}));
}

#[tokio::test]
async fn a_replacement_keeps_what_clients_cannot_change() {
    let server = blog().await;
    create(&server, "articles", "o", json!({})).await;
    let start = json!({"code": "x", "origin": "o", "tags": [1]});
    create(&server, "articles", "a", start).await;
    let body = json!({"title": "other"});
    let replaced = server.send_plain(Method::PUT, "/articles/a", &body).await;
    let attributes = &replaced.data(200)["attributes"];
    assert_eq!(*attributes, json!({"title": "other", "code": "x"}));
    let origin = linkage(&server, "/articles/a", "origin").await;
    assert_eq!(origin, identifier("articles", "o"));
    assert_eq!(
        linkage(&server, "/articles/a", "tags").await,
        identifiers("tags", &[])
    );
    let body = json!({"title": "other", "code": "y"});
    let refused = server.send_plain(Method::PUT, "/articles/a", &body).await;
    assert_eq!(pointer(&refused.error(403, "field_not_writable")), "/code");
    let invalid = server
        .send_plain(Method::PUT, "/articles/a", &json!({"views": 1}))
        .await;
    invalid.error(422, "invalid_attribute");
}
