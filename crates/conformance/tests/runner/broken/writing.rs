use http::Method;
use serde_json::{Value, json};

use super::{answers, are_found, exchange, links, refuses, says, shows, stores, without};
use crate::blog::{Answered, Store};

/// The stored article that the check has created last.
fn newest(store: &mut Store) -> Option<&mut Value> {
    store.get_mut("articles")?.values_mut().next_back()
}

/// Changes a link of the newest article.
fn link(store: &mut Store, name: &str, value: Value) {
    if let Some(article) = newest(store) {
        article["links"][name] = value;
    }
}

/// Stores an article that nobody asked for.
fn stray(store: &mut Store) {
    let articles = store.get_mut("articles").unwrap();
    articles.insert(77, json!({"attributes": {"title": "stray"}, "links": {}}));
}

/// Sets an attribute of the newest article after a change was answered.
fn set(answer: &Answered, store: &mut Store, name: &str, value: &str) {
    let changed = answer.status == 200 && !answer.headers.contains_key("location");
    if let Some(article) = newest(store).filter(|_| changed) {
        article["attributes"][name] = serde_json::from_str(value).unwrap();
    }
}

#[test]
fn wrong_creations_are_found() {
    const POST: &Method = &Method::POST;
    are_found(&[
        (
            "CR-1",
            stores(|_, answer, store| {
                if answer.status == 404 {
                    stray(store);
                }
            }),
        ),
        (
            "CR-2",
            answers(|asked, answer| exchange(asked, answer, POST, 400, 500)),
        ),
        (
            "CR-3",
            answers(|asked, answer| exchange(asked, answer, POST, 400, 500)),
        ),
        (
            "CR-4",
            answers(|asked, answer| exchange(asked, answer, POST, 400, 404)),
        ),
        (
            "CR-6",
            answers(|asked, answer| exchange(asked, answer, POST, 403, 409)),
        ),
        (
            "CR-7",
            answers(|asked, answer| exchange(asked, answer, POST, 201, 200)),
        ),
        (
            "CR-8",
            answers(|_, answer| drop(answer.headers.remove("location"))),
        ),
        (
            "CR-9",
            answers(|_, answer| {
                let location = answer.headers.get_mut("location");
                if let Some(it) = location {
                    it.push('/');
                }
            }),
        ),
        (
            "CR-12",
            answers(|asked, answer| exchange(asked, answer, POST, 404, 422)),
        ),
        (
            "CR-14",
            answers(|asked, answer| exchange(asked, answer, POST, 409, 400)),
        ),
        ("CR-15", refuses(|it| without(it, "detail"))),
        (
            "CR-16",
            answers(|asked, answer| exchange(asked, answer, POST, 405, 404)),
        ),
    ]);
}

#[test]
fn wrong_updates_are_found() {
    const PATCH: &Method = &Method::PATCH;
    are_found(&[
        (
            "UP-1",
            answers(|asked, answer| exchange(asked, answer, PATCH, 400, 500)),
        ),
        (
            "UP-2",
            stores(|asked, answer, store| {
                if asked.method == PATCH {
                    set(answer, store, "body", "\"other\"");
                }
            }),
        ),
        (
            "UP-3",
            stores(|asked, answer, store| {
                if asked.method == PATCH {
                    set(answer, store, "body", "null");
                }
            }),
        ),
        (
            "UP-4",
            stores(|asked, _, store| {
                if asked.method == PATCH {
                    link(store, "tags", json!(["3"]));
                }
            }),
        ),
        (
            "UP-5",
            stores(|asked, _, store| {
                if asked.method == PATCH {
                    link(store, "tags", json!([]));
                }
            }),
        ),
        (
            "UP-6",
            stores(|asked, _, store| {
                if asked.method == PATCH {
                    link(store, "author", json!("3"));
                }
            }),
        ),
    ]);
}

#[test]
fn wrong_answers_to_updates_are_found() {
    const PATCH: &Method = &Method::PATCH;
    are_found(&[
        (
            "UP-8",
            stores(|asked, answer, store| {
                if asked.method == PATCH {
                    set(answer, store, "publishedAt", "\"2026-01-02T03:04:06Z\"");
                }
            }),
        ),
        (
            "UP-9",
            answers(|asked, answer| exchange(asked, answer, PATCH, 200, 201)),
        ),
        (
            "UP-12",
            answers(|asked, answer| exchange(asked, answer, PATCH, 404, 200)),
        ),
        (
            "UP-13",
            answers(|asked, answer| exchange(asked, answer, PATCH, 404, 422)),
        ),
        (
            "UP-14",
            answers(|asked, answer| exchange(asked, answer, PATCH, 409, 400)),
        ),
        ("UP-15", refuses(|it| without(it, "source"))),
        (
            "UP-16",
            stores(|asked, answer, store| {
                if asked.method == PATCH
                    && answer.status == 404
                    && let Some(it) = newest(store)
                {
                    it["attributes"]["title"] = json!("changed");
                }
            }),
        ),
        (
            "UP-17",
            answers(|_, answer| drop(answer.headers.remove("allow"))),
        ),
    ]);
}

#[test]
fn wrong_changes_of_linkage_are_found() {
    const PATCH: &Method = &Method::PATCH;
    are_found(&[
        (
            "UR-1",
            answers(|asked, answer| exchange(asked, answer, PATCH, 400, 204)),
        ),
        (
            "UR-2",
            stores(|asked, _, store| {
                if links(asked, PATCH) {
                    link(store, "author", json!("3"));
                }
            }),
        ),
        (
            "UR-3",
            answers(|asked, answer| exchange(asked, answer, &Method::DELETE, 400, 204)),
        ),
        (
            "UR-4",
            stores(|asked, _, store| {
                if links(asked, PATCH) {
                    link(store, "tags", json!(["1", "2"]));
                }
            }),
        ),
        (
            "UR-5",
            stores(|asked, _, store| {
                if links(asked, &Method::POST) {
                    link(store, "tags", json!(["1"]));
                }
            }),
        ),
        (
            "UR-6",
            stores(|asked, _, store| {
                if links(asked, &Method::POST) {
                    link(store, "tags", json!(["1", "1"]));
                }
            }),
        ),
    ]);
}

#[test]
fn wrong_answers_to_changes_of_linkage_are_found() {
    const PATCH: &Method = &Method::PATCH;
    are_found(&[
        (
            "UR-7",
            answers(|asked, answer| {
                if links(asked, &Method::POST) {
                    exchange(asked, answer, &Method::POST, 204, 409);
                }
            }),
        ),
        (
            "UR-8",
            stores(|asked, _, store| {
                if links(asked, &Method::DELETE) {
                    link(store, "tags", json!([]));
                }
            }),
        ),
        (
            "UR-9",
            answers(|asked, answer| {
                if links(asked, &Method::DELETE) {
                    exchange(asked, answer, &Method::DELETE, 204, 404);
                }
            }),
        ),
        (
            "UR-11",
            answers(|asked, answer| {
                if links(asked, &Method::POST) {
                    exchange(asked, answer, &Method::POST, 204, 201);
                }
            }),
        ),
        (
            "UR-13",
            answers(|asked, answer| exchange(asked, answer, &Method::POST, 403, 409)),
        ),
        (
            "UR-14",
            answers(|asked, answer| exchange(asked, answer, PATCH, 409, 422)),
        ),
        (
            "UR-15",
            answers(|asked, answer| exchange(asked, answer, PATCH, 404, 400)),
        ),
        (
            "UR-16",
            stores(|asked, _, store| {
                if links(asked, &Method::POST) {
                    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
                    link(store, "tags", json!([body["data"][0]["id"]]));
                }
            }),
        ),
    ]);
}

#[test]
fn wrong_deletions_are_found() {
    const DELETE: &Method = &Method::DELETE;
    are_found(&[
        (
            "DE-1",
            answers(|asked, answer| {
                exchange(asked, answer, DELETE, 204, 200);
                if asked.method == DELETE && answer.status == 200 {
                    answer.document = json!({"data": null});
                }
            }),
        ),
        (
            "DE-3",
            answers(|asked, answer| exchange(asked, answer, DELETE, 404, 204)),
        ),
        (
            "DE-4",
            answers(|asked, answer| exchange(asked, answer, DELETE, 405, 403)),
        ),
        (
            "DE-5",
            shows(|it| {
                let dangling = json!({"type": "articles", "id": "7"});
                let items = it["data"]
                    .as_array_mut()
                    .filter(|all| all.first().is_some_and(|it| it.get("attributes").is_none()));
                if let Some(all) = items {
                    all.push(dangling.clone());
                }
            }),
        ),
    ]);
}

#[test]
fn what_a_broken_server_stored_is_removed_or_told() {
    let world = conformance::World::read(super::WORLD).unwrap();
    let refuses = answers(|asked, answer| exchange(asked, answer, &Method::DELETE, 204, 403));
    let (base, _) = super::start(refuses);
    let report = conformance::check(&base, &world, &["CR-7".to_owned()]).unwrap();
    assert!(
        report.left.is_empty(),
        "it was gone all the same: {:?}",
        report.left
    );
    let keeps = super::reads(|asked| {
        if asked.method == Method::DELETE {
            asked.path = "/articles".to_owned();
        }
    });
    let (base, _) = super::start(keeps);
    let report = conformance::check(&base, &world, &["CR-7".to_owned()]).unwrap();
    assert_eq!(report.left, ["/articles/7"]);
    assert!(report.to_table().contains("left behind: /articles/7"));
    // A type that does not belong there and is stored all the same is removed, too.
    let careless = super::reads(|asked| {
        if says(asked, "\"comments\"") {
            asked.body = String::from_utf8_lossy(&asked.body)
                .replace("\"type\":\"comments\"", "\"type\":\"articles\"")
                .into_bytes();
        }
    });
    let (base, store) = super::start(careless);
    let report = conformance::check(&base, &world, &["CR-14".to_owned()]).unwrap();
    assert!(report.fails() && super::found(&report, "CR-14"));
    assert_eq!(*store.lock().unwrap(), crate::blog::store());
}
