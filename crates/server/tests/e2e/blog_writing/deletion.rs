//! What becomes of those that name a deleted resource.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{blog, create, identifier, identifiers, linkage};
use crate::harness::{Answer, JSON_API};

#[tokio::test]
async fn a_resource_that_is_named_is_kept() {
    let server = blog().await;
    create(&server, "articles", "a", json!({"author": "ada"})).await;
    create(&server, "comments", "c", json!({"owners": ["bob"]})).await;
    for (url, by) in [("/people/ada", "'articles'"), ("/people/bob", "'comments'")] {
        let error = server.delete(url).await.error(409, "still_referenced");
        assert!(error["detail"].as_str().unwrap().contains(by), "{error}");
        server.get(url).await.data(200);
    }
    assert_eq!(server.delete("/articles/a").await.status, 200);
    assert_eq!(server.delete("/comments/c").await.status, 200);
    assert_eq!(server.delete("/people/ada").await.status, 200);
}

#[tokio::test]
async fn links_to_a_deleted_resource_are_taken_away() {
    let server = blog().await;
    create(&server, "articles", "a", json!({"tags": [1, 2]})).await;
    create(
        &server,
        "articles",
        "b",
        json!({"tags": [2], "origin": "a"}),
    )
    .await;
    assert_eq!(server.delete("/tags/2").await.status, 200);
    assert_eq!(
        linkage(&server, "/articles/a", "tags").await,
        identifiers("tags", &["1"])
    );
    assert_eq!(linkage(&server, "/articles/b", "tags").await, json!([]));
    // A relationship that clients cannot change is cleared all the same.
    assert_eq!(server.delete("/articles/a").await.status, 200);
    assert_eq!(linkage(&server, "/articles/b", "origin").await, Value::Null);
}

#[tokio::test]
async fn chains_and_circles_go_as_a_whole() {
    let server = blog().await;
    create(&server, "articles", "a", json!({})).await;
    create(&server, "comments", "1", json!({"article": "a"})).await;
    create(&server, "comments", "2", json!({"answers": "1"})).await;
    create(
        &server,
        "comments",
        "3",
        json!({"answers": "2", "article": "a"}),
    )
    .await;
    create(&server, "comments", "kept", json!({})).await;
    // A circle.
    let body = json!({"answers": "3"});
    server
        .send_plain(Method::PATCH, "/comments/1", &body)
        .await
        .data(200);
    assert_eq!(server.delete("/articles/a").await.status, 200);
    let left = server.get("/comments").await.data(200);
    assert_eq!(left.as_array().unwrap().len(), 1);
    // A resource that names itself.
    let body = json!({"answers": "kept"});
    server
        .send_plain(Method::PATCH, "/comments/kept", &body)
        .await
        .data(200);
    assert_eq!(server.delete("/comments/kept").await.status, 200);
    assert_eq!(server.get("/comments").await.data(200), json!([]));
}

#[tokio::test]
async fn a_chain_is_kept_whole_if_one_of_its_resources_must_stay() {
    let folder = crate::harness::folder_with(&[
        (
            "roots.yaml",
            "type: roots\nid: string\nattributes: {type: object}\n",
        ),
        (
            "leaves.yaml",
            "type: leaves\nid: string\nattributes: {type: object}\nrelationships:\n  \
             root: {type: roots, onDelete: cascade}\n  before: {type: leaves}\n",
        ),
    ]);
    let setup = crate::harness::Setup::fresh().definitions(folder.path());
    let server = setup.start().await;
    create(&server, "roots", "r", json!({})).await;
    create(&server, "leaves", "1", json!({"root": "r"})).await;
    create(&server, "leaves", "2", json!({"root": "r", "before": "1"})).await;
    create(&server, "leaves", "3", json!({"before": "2"})).await;
    server
        .delete("/roots/r")
        .await
        .error(409, "still_referenced");
    for url in ["/roots/r", "/leaves/1", "/leaves/2", "/leaves/3"] {
        server.get(url).await.data(200);
    }
    // What forbids it goes with it now.
    let body = json!({"root": "r"});
    server
        .send_plain(Method::PATCH, "/leaves/3", &body)
        .await
        .data(200);
    assert_eq!(server.delete("/roots/r").await.status, 200);
    assert_eq!(server.get("/leaves").await.data(200), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_link_is_left_dangling_by_a_race_of_linking_and_deleting() {
    let server = blog().await;
    let (client, root) = server.client();
    for round in 0..12 {
        let (tag, article) = (format!("{}", round + 4), format!("a{round}"));
        server
            .send_plain(Method::POST, "/tags", &json!({}))
            .await
            .data(201);
        create(&server, "articles", &article, json!({})).await;
        create(&server, "people", &article, json!({})).await;
        let link = |path: &str, data: Value| {
            let request = client.patch(format!("{root}/articles/{article}/relationships/{path}"));
            let body = json!({ "data": data }).to_string();
            request.header("content-type", JSON_API).body(body)
        };
        let requests = [
            link("tags", identifiers("tags", &[&tag])),
            link("author", identifier("people", &article)),
            client.delete(format!("{root}/tags/{tag}")),
            client.delete(format!("{root}/people/{article}")),
        ];
        let mut tasks = JoinSet::new();
        for request in requests {
            tasks.spawn(Answer::to(request));
        }
        for answer in tasks.join_all().await {
            assert!([200, 204, 404, 409].contains(&answer.status), "{answer:?}");
        }
        assert_eq!(server.get(&format!("/tags/{tag}")).await.status, 404);
        let url = format!("/articles/{article}");
        assert_eq!(linkage(&server, &url, "tags").await, json!([]));
        let author = linkage(&server, &url, "author").await;
        let person = server.get(&format!("/people/{article}")).await.status;
        assert_eq!(author.is_null(), person == 404, "{author}");
    }
}
