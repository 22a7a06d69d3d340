//! Requests that are sent again under their `Idempotency-Key`.

use std::time::Instant;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{blog, blog_on, create, identifiers, linkage};
use crate::harness::{Answer, JSON_API, SOON, Server, Setup, folder_with};

const ATOMIC: &str = r#"application/vnd.api+json;ext="https://jsonapi.org/ext/atomic""#;

/// A request as it can be sent again.
#[derive(Clone)]
struct Sent<'a> {
    method: Method,
    path: &'a str,
    media_type: &'a str,
    body: String,
    if_match: Option<String>,
}

impl<'a> Sent<'a> {
    fn new(method: Method, path: &'a str, body: &Value) -> Self {
        let media_type = match body {
            Value::Object(members) if members.contains_key("data") => JSON_API,
            Value::Object(members) if members.contains_key("atomic:operations") => ATOMIC,
            _ => "application/json",
        };
        Self {
            method,
            path,
            media_type,
            body: body.to_string(),
            if_match: None,
        }
    }

    fn request(&self, server: &Server, key: &str) -> RequestBuilder {
        let request = server.request(self.method.clone(), self.path);
        let request = request.header("content-type", self.media_type);
        let request = match &self.if_match {
            Some(tag) => request.header("if-match", tag),
            None => request,
        };
        request
            .header("idempotency-key", key)
            .body(self.body.clone())
    }

    async fn under(&self, server: &Server, key: &str) -> Answer {
        Answer::to(self.request(server, key)).await
    }
}

async fn total(server: &Server, path: &str) -> Value {
    server.get(path).await.document(200)["meta"]["total"].clone()
}

/// Sends a request twice and sees to it that the second answer is the first one. `between` may
/// happen to the resources.
async fn is_answered_again(server: &Server, sent: &Sent<'_>, status: u16, between: impl AsyncFn()) {
    let key = format!("{} {}", sent.method, sent.path).replace(' ', "-");
    let first = sent.under(server, &key).await;
    assert_eq!(first.status, status, "{key}: {}", first.text());
    assert_eq!(first.header("idempotency-replayed"), "", "{key}");
    between().await;
    let again = sent.under(server, &format!("\"{key}\"")).await;
    assert_eq!(again.header("idempotency-replayed"), "true", "{key}");
    assert_eq!(again.status, status, "{key}: {}", again.text());
    assert_eq!(again.text(), first.text(), "{key}");
    for name in ["etag", "location", "content-type", "vary"] {
        assert_eq!(again.header(name), first.header(name), "{key}: {name}");
    }
}

#[tokio::test]
async fn whatever_is_written_is_written_once_and_answered_again() {
    let server = blog().await;
    create(&server, "articles", "a", json!({})).await;
    let nothing = async || ();
    let tags = json!({"data": identifiers("tags", &["1", "2"])});
    let tag = Sent::new(Method::POST, "/tags", &json!({"n": 1}));
    is_answered_again(&server, &tag, 201, nothing).await;
    assert_eq!(total(&server, "/tags").await, 4);
    let article = Sent::new(Method::POST, "/articles", &json!({"id": "b", "title": "b"}));
    is_answered_again(&server, &article, 201, async || {
        // It is not there any more, and its answer is the same.
        assert_eq!(server.delete("/articles/b").await.status, 200);
    })
    .await;
    let changed = async || {
        let other = json!({"title": "other"});
        let answer = server
            .send_plain(Method::PATCH, "/articles/a", &other)
            .await;
        answer.data(200);
    };
    for method in [Method::PATCH, Method::PUT] {
        let mut sent = Sent::new(method, "/articles/a", &json!({"title": "mine"}));
        let tag = server.get("/articles/a").await.header("etag").to_owned();
        sent.if_match = Some(tag);
        is_answered_again(&server, &sent, 200, changed).await;
        let title = &server.get("/articles/a").await.data(200)["attributes"]["title"];
        assert_eq!(title, "other", "a change of others is not undone");
    }
    let url = "/articles/a/relationships/tags";
    for method in [Method::POST, Method::PATCH] {
        is_answered_again(&server, &Sent::new(method, url, &tags), 204, async || {
            let one = json!({"data": identifiers("tags", &["1"])});
            let unlinked = server.send_document(Method::DELETE, url, &one).await;
            assert_eq!(unlinked.status, 204);
        })
        .await;
        let linked = linkage(&server, "/articles/a", "tags").await;
        assert_eq!(linked, identifiers("tags", &["2"]));
    }
    is_answered_again(
        &server,
        &Sent::new(Method::DELETE, url, &tags),
        204,
        nothing,
    )
    .await;
    let deletion = Sent::new(Method::DELETE, "/articles/a", &Value::Null);
    is_answered_again(&server, &deletion, 200, async || {
        // Others have made it anew, and name it.
        create(&server, "articles", "a", json!({})).await;
        create(&server, "articles", "c", json!({"origin": "a"})).await;
    })
    .await;
    assert_eq!(server.get("/articles/a").await.status, 200);
}

#[tokio::test]
async fn operations_are_done_once_and_answered_again() {
    let server = blog().await;
    let body = json!({"atomic:operations": [
        {"op": "add", "data": {"type": "tags", "lid": "t"}},
        {"op": "add", "data": {"type": "articles", "id": "a", "attributes": {"title": "a"},
            "relationships": {"tags": {"data": [{"type": "tags", "lid": "t"}]}}}},
        {"op": "remove", "ref": {"type": "people", "id": "bob"}},
    ]});
    let sent = Sent::new(Method::POST, "/operations", &body);
    is_answered_again(&server, &sent, 200, async || {
        let answer = server
            .send_plain(Method::PATCH, "/articles/a", &json!({"title": "b"}))
            .await;
        answer.data(200);
    })
    .await;
    assert_eq!(total(&server, "/tags").await, 4);
    assert_eq!(total(&server, "/articles").await, 1);
    let removal = json!({"atomic:operations": [
        {"op": "remove", "ref": {"type": "articles", "id": "a"}},
    ]});
    let sent = Sent::new(Method::POST, "/operations/", &removal);
    is_answered_again(&server, &sent, 200, async || ()).await;
}

#[tokio::test]
async fn a_key_is_that_of_one_request() {
    let server = blog().await;
    create(&server, "articles", "a", json!({})).await;
    let first = Sent::new(Method::PATCH, "/articles/a", &json!({"title": "one"}));
    first.under(&server, "k").await.data(200);
    let mut conditional = first.clone();
    conditional.if_match = Some("*".to_owned());
    let others = [
        Sent::new(Method::PATCH, "/articles/a", &json!({"title": "two"})),
        Sent::new(Method::PUT, "/articles/a", &json!({"title": "one"})),
        Sent::new(
            Method::PATCH,
            "/articles/a?fields[articles]=title",
            &json!({"title": "one"}),
        ),
        Sent::new(
            Method::POST,
            "/articles",
            &json!({"id": "b", "title": "one"}),
        ),
        conditional,
    ];
    for other in others {
        let error = other.under(&server, "k").await;
        let error = error.error(422, "idempotency_key_reused");
        assert_eq!(error["source"]["header"], "Idempotency-Key");
    }
    first.under(&server, "k").await.data(200);
    assert_eq!(total(&server, "/articles").await, 1);
}

#[tokio::test]
async fn what_failed_is_tried_again() {
    let server = blog().await;
    let patch = Sent::new(Method::PATCH, "/articles/a", &json!({"title": "t"}));
    patch.under(&server, "k").await.error(404, "not_found");
    create(&server, "articles", "a", json!({})).await;
    let done = patch.under(&server, "k").await;
    assert_eq!(done.data(200)["attributes"]["title"], "t");
    assert_eq!(done.header("idempotency-replayed"), "");
    // Not even the request is noted: the key is free for another one.
    let wrong = Sent::new(Method::POST, "/articles", &json!({"id": "b", "title": 1}));
    wrong
        .under(&server, "l")
        .await
        .error(422, "invalid_attribute");
    let right = Sent::new(Method::POST, "/articles", &json!({"id": "b", "title": "1"}));
    right.under(&server, "l").await.data(201);
    let unit = |title: Value| {
        let article = json!({"type": "articles", "id": "c", "attributes": {"title": title}});
        let operations = json!({"atomic:operations": [
            {"op": "add", "data": {"type": "tags"}}, {"op": "add", "data": article},
        ]});
        Sent::new(Method::POST, "/operations", &operations)
    };
    let refused = unit(json!(1)).under(&server, "m").await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(unit(json!("1")).under(&server, "m").await.status, 200);
    assert_eq!(total(&server, "/tags").await, 4);
}

#[tokio::test]
async fn keys_are_read_where_something_is_written_and_nowhere_else() {
    let server = blog().await;
    for wrong in ["", "a b", "\"a"] {
        let sent = Sent::new(Method::POST, "/tags", &json!({}));
        let error = sent.under(&server, wrong).await;
        let error = error.error(400, "invalid_header");
        assert_eq!(error["source"]["header"], "Idempotency-Key");
        let read = server
            .request(Method::GET, "/tags")
            .header("idempotency-key", wrong);
        assert_eq!(Answer::to(read).await.status, 200);
    }
    assert_eq!(total(&server, "/tags").await, 3);
}

/// Sends one request so often at once, to one server after the other. Gives the ids of the answers.
async fn race(servers: &[&Server], path: &str, times: usize) -> Vec<String> {
    let mut sending = JoinSet::new();
    for server in servers.iter().cycle().take(times) {
        let sent = Sent::new(Method::POST, path, &json!({"n": 1}));
        let request = sent.request(server, "race");
        sending.spawn(async move { Answer::to(request).await });
    }
    let mut ids = Vec::new();
    for answer in sending.join_all().await {
        if answer.status == 409 {
            answer.error(409, "idempotency_key_in_flight");
            assert_eq!(answer.header("retry-after"), "1");
        } else {
            ids.push(answer.id(201));
        }
    }
    ids
}

#[tokio::test]
async fn of_twenty_at_once_exactly_one_is_done() {
    let server = blog().await;
    let mut ids = race(&[&server], "/tags", 20).await;
    let again = Sent::new(Method::POST, "/tags", &json!({"n": 1}));
    ids.push(again.under(&server, "race").await.id(201));
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(total(&server, "/tags").await, 4);
}

#[tokio::test]
async fn of_twenty_at_once_at_two_processes_exactly_one_is_done() {
    // Only one process can use an embedded store.
    let first = blog().await;
    let definitions = folder_with(&[("tags.yaml", super::TAGS)]);
    let setup = Setup::on(first.store()).definitions(definitions.path());
    let servers = if crate::ON_MONGODB {
        vec![first, setup.start().await]
    } else {
        vec![first]
    };
    let all: Vec<&Server> = servers.iter().collect();
    let mut ids = race(&all, "/tags", 20).await;
    for server in &servers {
        let again = Sent::new(Method::POST, "/tags", &json!({"n": 1}));
        ids.push(again.under(server, "race").await.id(201));
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(total(&servers[0], "/tags").await, 4);
}

#[tokio::test]
async fn a_key_is_known_for_as_long_as_is_set() {
    let setup = Setup::fresh().variable("MONOCOQUE_IDEMPOTENCY_KEY_TTL_MS", "1s");
    let server = blog_on(setup).await;
    let sent = Sent::new(Method::POST, "/tags", &json!({"n": 1}));
    let first = sent.under(&server, "k").await.id(201);
    let deadline = Instant::now() + SOON;
    while sent.under(&server, "k").await.id(201) == first {
        assert!(Instant::now() < deadline, "still known");
    }
    assert_eq!(total(&server, "/tags").await, 5);
}

#[tokio::test]
async fn an_answer_that_is_too_large_to_be_kept_is_not_made() {
    let setup = Setup::fresh().variable("MONOCOQUE_IDEMPOTENCY_ANSWER_BYTES_MAX", "1KiB");
    let server = blog_on(setup).await;
    let large = Sent::new(Method::POST, "/tags", &json!({"text": "x".repeat(1024)}));
    let error = large.under(&server, "k").await;
    error.error(422, "idempotency_answer_too_large");
    assert_eq!(total(&server, "/tags").await, 3);
    let small = Sent::new(Method::POST, "/tags", &json!({"text": "x"}));
    small.under(&server, "k").await.data(201);
}

#[tokio::test]
async fn where_no_more_may_be_kept_new_keys_are_refused_and_old_ones_are_known() {
    let setup = Setup::fresh().variable("MONOCOQUE_IDEMPOTENCY_BYTES_MAX", "300");
    let server = blog_on(setup).await;
    let tag = |n: usize| Sent::new(Method::POST, "/tags", &json!({ "n": n }));
    let first = tag(0).under(&server, "k0").await.id(201);
    let deadline = Instant::now() + SOON;
    for n in 1.. {
        let answer = tag(n).under(&server, &format!("k{n}")).await;
        if answer.status == 201 {
            assert!(Instant::now() < deadline, "no bound");
            continue;
        }
        answer.error(503, "idempotency_keys_full");
        assert!(!answer.header("retry-after").is_empty());
        assert_eq!(total(&server, "/tags").await, 3 + n);
        break;
    }
    assert_eq!(tag(0).under(&server, "k0").await.id(201), first);
    let plain = server.send_plain(Method::POST, "/tags", &json!({})).await;
    plain.data(201);
}
