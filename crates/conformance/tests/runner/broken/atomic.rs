use http::Method;
use serde_json::{Value, json};

use super::{answers, are_found, exchange, reads, refuses, says, shows, stores, without};
use crate::blog::{Answered, Asked};

/// Refuses what is malformed with another status.
fn not_400(asked: &Asked, answer: &mut Answered) {
    if asked.path == "/operations" {
        exchange(asked, answer, &Method::POST, 400, 422);
    }
}

#[test]
fn malformed_operations_that_are_no_400_are_found() {
    for id in [
        "AO-1", "AO-2", "AO-4", "AO-5", "AO-6", "AO-7", "AO-17", "AO-20", "AO-24",
    ] {
        are_found(&[(id, answers(not_400))]);
    }
}

#[test]
fn wrong_operations_are_found() {
    are_found(&[
        (
            "AO-8",
            answers(|asked, answer| {
                if says(asked, "\"href\"") {
                    answer.status = 501;
                }
            }),
        ),
        (
            "AO-9",
            answers(|asked, answer| {
                if says(asked, "\"lid\"") {
                    answer.status = 400;
                }
            }),
        ),
        (
            "AO-11",
            reads(|asked| {
                let mut body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
                if let Some(all) = body["atomic:operations"].as_array_mut() {
                    all.reverse();
                    asked.body = body.to_string().into_bytes();
                }
            }),
        ),
        (
            "AO-12",
            stores(|asked, answer, store| {
                if asked.path == "/operations" && answer.status == 404 {
                    let stray = json!({"attributes": {"title": "stray"}, "links": {}});
                    store.get_mut("articles").unwrap().insert(77, stray);
                }
            }),
        ),
        (
            "AO-25",
            stores(|asked, answer, store| {
                if asked.path == "/operations" && answer.status == 200 {
                    let newest = store.get_mut("articles").unwrap().values_mut().next_back();
                    if let Some(it) = newest {
                        it["links"]["author"] = json!("3");
                    }
                }
            }),
        ),
        (
            "AO-26",
            stores(|asked, answer, store| {
                if asked.path == "/operations" && answer.status == 200 {
                    let newest = store.get_mut("articles").unwrap().values_mut().next_back();
                    if let Some(it) = newest {
                        it["links"]["tags"] = json!([]);
                    }
                }
            }),
        ),
    ]);
}

#[test]
fn wrong_results_are_found() {
    fn failure(asked: &Asked, answer: &mut Answered) {
        if asked.path == "/operations" && answer.status >= 400 {
            answer.document["atomic:results"] = json!([{}]);
        }
    }
    are_found(&[
        ("AO-3", answers(failure)),
        (
            "AO-10",
            answers(|asked, answer| {
                if asked.path == "/operations" {
                    exchange(asked, answer, &Method::GET, 405, 404);
                }
            }),
        ),
        (
            "AO-13",
            shows(|it| {
                if let Some(all) = it["atomic:results"].as_array_mut() {
                    all.reverse();
                }
            }),
        ),
        ("AO-14", shows(|it| it["atomic:results"] = json!([]))),
        ("AO-15", answers(failure)),
        ("AO-16", refuses(|it| without(it, "source"))),
        ("AO-18", refuses(|it| without(it, "source"))),
        (
            "AO-19",
            answers(|asked, answer| exchange(asked, answer, &Method::POST, 404, 500)),
        ),
        ("AO-21", shows(|it| it["atomic:results"] = json!([{}]))),
        (
            "AO-22",
            answers(|asked, answer| exchange(asked, answer, &Method::POST, 409, 500)),
        ),
        (
            "AO-27",
            answers(|asked, answer| {
                let plain = "application/vnd.api+json".to_owned();
                if asked.path == "/operations" {
                    answer.headers.insert("content-type", plain);
                }
            }),
        ),
        (
            "AO-28",
            answers(|asked, answer| exchange(asked, answer, &Method::POST, 413, 500)),
        ),
    ]);
}
