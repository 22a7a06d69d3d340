//! Tags of versions, and headers that name them.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{blog, create, identifiers, linkage};
use crate::harness::{Answer, JSON_API, Server};

const URL: &str = "/articles/a";

async fn tag(server: &Server, url: &str) -> String {
    let answer = server.get(url).await;
    assert_eq!(answer.status, 200);
    let tag = answer.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag:?}");
    tag
}

fn with_body(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request
        .header("content-type", "application/json")
        .body(body.to_string())
}

async fn titled(server: &Server, method: Method, if_match: &str, title: &str) -> Answer {
    let request = server.request(method, URL).header("if-match", if_match);
    Answer::to(with_body(request, &json!({ "title": title }))).await
}

#[tokio::test]
async fn every_answer_with_a_resource_has_its_tag_and_every_change_another() {
    let server = blog().await;
    let body = json!({"id": "a", "title": "t"});
    let created = server.send_plain(Method::POST, "/articles", &body).await;
    let mut tags = vec![created.header("etag").to_owned()];
    assert_eq!(tag(&server, URL).await, tags[0]);
    let change = json!({"title": "u"});
    for method in [Method::PATCH, Method::PUT] {
        let changed = server.send_plain(method, URL, &change).await;
        assert_eq!(tag(&server, URL).await, changed.header("etag"));
        tags.push(changed.header("etag").to_owned());
    }
    let link = json!({"data": identifiers("tags", &["1"])});
    let url = format!("{URL}/relationships/tags");
    let linked = server.send_document(Method::POST, &url, &link).await;
    assert_eq!(tag(&server, URL).await, linked.header("etag"));
    // A relationship that is stored with a resource changes with it.
    assert_eq!(tag(&server, &url).await, linked.header("etag"));
    assert_eq!(
        tag(&server, &format!("{URL}/relationships/author")).await,
        linked.header("etag")
    );
    tags.push(linked.header("etag").to_owned());
    tags.dedup();
    assert_eq!(
        tags.len(),
        3,
        "only the PUT of what was there already changes nothing"
    );
    let inverse = server.get("/people/ada/relationships/articles").await;
    assert_eq!((inverse.status, inverse.header("etag")), (200, ""));
}

#[tokio::test]
async fn a_change_is_made_for_the_version_that_it_names() {
    let server = blog().await;
    create(&server, "articles", "a", json!({})).await;
    let first = tag(&server, URL).await;
    let list = format!("\"0\", {first}");
    let weak = format!("W/{first}");
    titled(&server, Method::PATCH, &list, "one").await.data(200);
    let current = tag(&server, URL).await;
    for (method, stale) in [
        (Method::PATCH, first.as_str()),
        (Method::PUT, &first),
        (Method::DELETE, &first),
        (Method::PATCH, &weak),
        (Method::PATCH, "\"nothing\""),
    ] {
        let error = titled(&server, method, stale, "two").await;
        let error = error.error(412, "version_conflict");
        assert_eq!(error["meta"]["etag"], current.as_str());
    }
    let weak = format!("W/{current}");
    titled(&server, Method::PATCH, &weak, "two")
        .await
        .error(412, "version_conflict");
    assert_eq!(
        server.get(URL).await.data(200)["attributes"]["title"],
        "one"
    );
    titled(&server, Method::PATCH, "*", "three").await.data(200);
    for malformed in ["", "5f", "\"5f", "\"a\" \"b\""] {
        let error = titled(&server, Method::PATCH, malformed, "four").await;
        error.error(400, "invalid_header");
    }
    let absent = server
        .request(Method::DELETE, "/articles/none")
        .header("if-match", "*");
    Answer::to(absent).await.error(404, "not_found");
    let current = tag(&server, URL).await;
    let delete = server
        .request(Method::DELETE, URL)
        .header("if-match", current);
    assert_eq!(Answer::to(delete).await.status, 200);
}

#[tokio::test]
async fn a_relationship_is_changed_for_the_version_of_its_resource() {
    let server = blog().await;
    create(&server, "articles", "a", json!({})).await;
    let url = format!("{URL}/relationships/tags");
    let first = tag(&server, &url).await;
    let add = |tag: &str, id: &str| {
        let request = server.request(Method::POST, &url).header("if-match", tag);
        let body = json!({"data": identifiers("tags", &[id])}).to_string();
        request.header("content-type", JSON_API).body(body)
    };
    assert_eq!(Answer::to(add(&first, "1")).await.status, 204);
    Answer::to(add(&first, "2"))
        .await
        .error(412, "version_conflict");
    assert_eq!(
        linkage(&server, URL, "tags").await,
        identifiers("tags", &["1"])
    );
}

#[tokio::test]
async fn what_a_client_has_already_is_not_sent_again() {
    let server = blog().await;
    create(&server, "articles", "a", json!({})).await;
    for url in [
        URL,
        "/articles/a/relationships/tags",
        "/articles/a/relationships/author",
    ] {
        let current = tag(&server, url).await;
        let weak = format!("W/{current}");
        for known in [current.as_str(), &weak, "*", &format!("\"0\", {current}")] {
            let request = server
                .request(Method::GET, url)
                .header("if-none-match", known);
            let answer = Answer::to(request).await;
            assert_eq!((answer.status, answer.text()), (304, ""), "{url} {known}");
            assert_eq!(answer.header("etag"), current);
            assert_eq!(answer.header("vary"), "Accept");
        }
        let request = server
            .request(Method::GET, url)
            .header("if-none-match", "\"0\"");
        Answer::to(request).await.data(200);
    }
}

#[tokio::test]
async fn a_resource_that_must_be_new_is_not_made_twice() {
    let server = blog().await;
    let body = json!({"id": "a", "title": "t"});
    let request = || {
        server
            .request(Method::POST, "/articles")
            .header("if-none-match", "*")
    };
    Answer::to(with_body(request(), &body)).await.data(201);
    Answer::to(with_body(request(), &body))
        .await
        .error(412, "already_exists");
    let again = server.send_plain(Method::POST, "/articles", &body).await;
    again.error(409, "id_taken");
}

#[tokio::test]
async fn a_type_can_demand_that_every_change_names_a_version() {
    let server = blog().await;
    create(&server, "rules", "r", json!({})).await;
    let (url, links) = ("/rules/r", "/rules/r/relationships/tags");
    let current = tag(&server, url).await;
    let body = json!({"n": 1});
    for method in [Method::PATCH, Method::PUT, Method::DELETE] {
        let answer = server.send_plain(method, url, &body).await;
        answer.error(428, "if_match_required");
    }
    let link = json!({"data": []});
    let answer = server.send_document(Method::PATCH, links, &link).await;
    answer.error(428, "if_match_required");
    assert_eq!(tag(&server, url).await, current);
    let request = server
        .request(Method::PATCH, url)
        .header("if-match", current);
    Answer::to(with_body(request, &body)).await.data(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_writers_with_the_same_tag_exactly_one_wins() {
    let server = blog().await;
    create(&server, "articles", "a", json!({})).await;
    let (client, root) = server.client();
    for _ in 0..5 {
        let current = tag(&server, URL).await;
        let mut tasks = JoinSet::new();
        for writer in 0..10 {
            let request = client
                .patch(format!("{root}{URL}"))
                .header("if-match", &current);
            let body = json!({"title": format!("{current}{writer}")});
            tasks.spawn(Answer::to(with_body(request, &body)));
        }
        let answers = tasks.join_all().await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|one| one.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 9));
        for answer in lost {
            answer.error(412, "version_conflict");
        }
        let left = server.get(URL).await.data(200);
        assert_eq!(left["attributes"], won[0].data(200)["attributes"]);
    }
}
