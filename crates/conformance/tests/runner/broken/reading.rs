use http::Method;
use serde_json::json;

use super::{answers, are_found, each, reads, refuses, shows, without};

#[test]
fn wrong_answers_to_fetching_are_found() {
    are_found(&[
        (
            "FR-1",
            shows(|it| {
                each(it, |resource| {
                    resource["relationships"]["author"]["links"]["related"] = json!("/nowhere");
                });
            }),
        ),
        (
            "FR-2",
            answers(|_, answer| {
                if answer.status == 200 {
                    answer.status = 206;
                }
            }),
        ),
        (
            "FR-3",
            answers(|_, answer| {
                if answer.document["data"] == json!([]) {
                    answer.status = 404;
                }
            }),
        ),
        (
            "FR-4",
            answers(|asked, answer| {
                if asked.path.ends_with("/author") && answer.document["data"].is_null() {
                    answer.document["data"] = json!({});
                }
            }),
        ),
        (
            "FR-5",
            answers(|_, answer| {
                if answer.status == 404 {
                    answer.status = 200;
                }
            }),
        ),
    ]);
}

#[test]
fn careless_fetching_is_found() {
    are_found(&[
        (
            "FR-6",
            answers(|asked, answer| {
                if asked.method == Method::HEAD {
                    answer.status = 405;
                }
            }),
        ),
        (
            "FR-6",
            answers(|_, answer| drop(answer.headers.remove("allow"))),
        ),
        (
            "FR-7",
            answers(|_, answer| {
                if answer.status == 404 {
                    answer.status = 500;
                }
            }),
        ),
        (
            "FR-8",
            reads(|asked| {
                if asked.path.ends_with("/tags") {
                    asked.query.clear();
                }
            }),
        ),
        ("FR-9", shows(|it| without(&mut it["links"], "related"))),
    ]);
}

#[test]
fn wrong_answers_to_fetching_linkage_are_found() {
    are_found(&[
        (
            "FL-1",
            shows(|it| {
                each(it, |resource| {
                    resource["relationships"]["author"]["links"]["self"] = json!("/nowhere");
                });
            }),
        ),
        (
            "FL-2",
            answers(|asked, answer| {
                if asked.path.contains("relationships") && answer.status == 200 {
                    answer.status = 206;
                }
            }),
        ),
        (
            "FL-3",
            shows(|it| each(it, |item| item["attributes"] = json!({}))),
        ),
        (
            "FL-4",
            answers(|_, answer| {
                if answer.status == 404 {
                    answer.status = 400;
                }
            }),
        ),
        (
            "FL-5",
            answers(|asked, answer| {
                if asked.path.contains("relationships") && answer.document["data"] == json!([]) {
                    answer.status = 404;
                }
            }),
        ),
        (
            "FL-6",
            answers(|asked, answer| {
                if asked.method == Method::HEAD {
                    answer.status = 405;
                }
            }),
        ),
        (
            "FL-7",
            reads(|asked| {
                if asked.path.contains("relationships") {
                    asked.query.clear();
                }
            }),
        ),
    ]);
}

#[test]
fn wrong_inclusion_is_found() {
    are_found(&[
        (
            "IN-2",
            shows(|it| {
                if it["included"] == json!([]) {
                    without(it, "included");
                }
            }),
        ),
        (
            "IN-3",
            shows(|it| {
                let more = json!({"type": "tags", "id": "3"});
                if let Some(all) = it["included"].as_array_mut() {
                    all.push(more.clone());
                }
            }),
        ),
        (
            "IN-4",
            reads(|asked| asked.query = asked.query.replace("include=", "")),
        ),
        (
            "IN-5",
            reads(|asked| {
                if asked.query.contains("unknown") {
                    asked.query.clear();
                }
            }),
        ),
        (
            "IN-6",
            reads(|asked| {
                let path = asked
                    .query
                    .split_once('.')
                    .map(|(first, _)| first.to_owned());
                if path.is_some() {
                    asked.query = "include=".to_owned();
                }
            }),
        ),
        (
            "IN-7",
            reads(|asked| {
                if asked.method == Method::POST {
                    asked.query.clear();
                }
            }),
        ),
        (
            "IN-8",
            reads(|asked| {
                if asked.query.contains("title") {
                    asked.query.clear();
                }
            }),
        ),
    ]);
}

#[test]
fn wrong_fieldsets_are_found() {
    are_found(&[
        (
            "SF-1",
            answers(|asked, answer| {
                if asked.query.contains("fields") {
                    each(&mut answer.document, |resource| {
                        without(resource, "attributes");
                    });
                }
            }),
        ),
        ("SF-2", reads(|asked| asked.query.clear())),
        ("SF-3", reads(|asked| asked.query.clear())),
        ("SF-4", reads(|asked| asked.query.clear())),
        (
            "SF-5",
            answers(|asked, answer| {
                if asked.query.contains("fields") {
                    answer.document["included"] = json!([]);
                }
            }),
        ),
        (
            "SF-6",
            reads(|asked| {
                if asked.query.contains("unknown") {
                    asked.query.clear();
                }
            }),
        ),
    ]);
}

#[test]
fn wrong_parameters_are_found() {
    are_found(&[
        (
            "QP-1",
            reads(|asked| asked.query = asked.query.replace('+', "%2B")),
        ),
        (
            "QP-2",
            answers(|asked, answer| {
                if asked.query.contains('[') {
                    answer.status = 400;
                }
            }),
        ),
        (
            "QP-3",
            answers(|asked, answer| {
                if asked.query.contains("%5b") {
                    answer.status = 400;
                }
            }),
        ),
        (
            "QP-5",
            reads(|asked| {
                if asked.query.starts_with("q=") {
                    asked.query.clear();
                }
            }),
        ),
        (
            "QP-6",
            reads(|asked| {
                if asked.query.contains("Family") {
                    asked.query.clear();
                }
            }),
        ),
        (
            "QP-8",
            shows(|it| it["links"]["first"] = json!("/articles?page[size]=1")),
        ),
        (
            "QP-9",
            reads(|asked| {
                asked.query = asked.query.split('&').next().unwrap_or_default().to_owned();
            }),
        ),
    ]);
}

#[test]
fn wrong_errors_are_found() {
    are_found(&[
        (
            "ER-1",
            answers(|_, answer| {
                if answer.status == 422 {
                    answer.document["errors"][0]["status"] = json!("404");
                }
            }),
        ),
        (
            "ER-2",
            answers(|_, answer| {
                if answer.status >= 400 {
                    answer.document = json!({"meta": {}});
                }
            }),
        ),
        ("ER-3", refuses(|it| *it = json!({}))),
        ("ER-4", refuses(|it| it["status"] = json!(404))),
        (
            "ER-5",
            answers(|asked, answer| {
                if answer.status >= 400 {
                    answer.document["errors"][0]["title"] =
                        json!(format!("{} {}", asked.path, asked.query));
                    answer.document["errors"][0]["code"] = json!("one");
                }
            }),
        ),
        ("ER-6", refuses(|it| it["source"] = json!({}))),
        (
            "ER-7",
            refuses(|it| it["source"] = json!({"pointer": "/nowhere"})),
        ),
        ("ER-8", refuses(|it| it["code"] = json!(7))),
        (
            "ER-9",
            refuses(|it| it["links"]["about"] = json!("/nowhere")),
        ),
        (
            "ER-10",
            answers(|_, answer| {
                let errors = answer.document["errors"].as_array_mut();
                if let Some(all) = errors {
                    all.truncate(1);
                }
            }),
        ),
        (
            "ER-11",
            refuses(|it| it["detail"] = json!("thread 'main' panicked at src/main.rs:7")),
        ),
    ]);
}

#[test]
fn what_is_not_as_recommended_is_found() {
    are_found(&[
        (
            "RE-1",
            answers(|asked, answer| {
                if asked.path.contains("relationships") {
                    answer.status = 404;
                }
            }),
        ),
        (
            "RE-2",
            shows(|it| {
                each(it, |resource| {
                    resource["attributes"]["last_name"] = json!("x");
                });
            }),
        ),
        ("RE-3", shows(|it| without(&mut it["links"], "self"))),
        ("RE-4", reads(|asked| asked.override_method = None)),
        (
            "RE-5",
            shows(|it| {
                each(it, |resource| {
                    resource["attributes"]["publishedAt"] = json!("now");
                });
            }),
        ),
        ("RE-7", reads(|asked| asked.query.clear())),
    ]);
}
