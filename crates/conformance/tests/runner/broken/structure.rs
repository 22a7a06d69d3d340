use http::Method;
use serde_json::{Value, json};

use super::{answers, are_found, each, first, links, reads, says, shows, without};

#[test]
fn wrong_documents_are_found() {
    are_found(&[
        ("DS-1", shows(|it| *it = json!([]))),
        (
            "DS-2",
            shows(|it| {
                without(it, "data");
                without(it, "meta");
            }),
        ),
        ("DS-3", shows(|it| it["errors"] = json!([{"title": "x"}]))),
        (
            "DS-4",
            answers(|_, answer| {
                if answer.status >= 400 {
                    answer.document["included"] = json!([]);
                }
            }),
        ),
        ("DS-5", shows(|it| it["unknown"] = json!(1))),
        ("DS-7", shows(|it| it["data"] = it["data"][0].clone())),
        (
            "DS-8",
            answers(|asked, answer| {
                let few = answer.document["data"]
                    .as_array()
                    .is_some_and(|it| it.len() < 2);
                if few && asked.query.contains("filter") {
                    answer.document["data"] = answer.document["data"][0].clone();
                }
            }),
        ),
        ("DS-9", shows(|it| it["links"]["self"] = json!("/articles"))),
        (
            "DS-10",
            shows(|it| it["links"]["self"] = json!("/articles/1")),
        ),
        (
            "DS-13",
            shows(|it| {
                let again = first(it).cloned();
                let list = it["data"].as_array_mut();
                if let Some(all) = list {
                    all.extend(again.clone());
                }
            }),
        ),
    ]);
}

#[test]
fn wrong_members_of_documents_are_found() {
    are_found(&[
        ("DS-27", shows(|it| it["included"] = json!({}))),
        (
            "DS-28",
            shows(|it| it["included"] = json!([{"type": "tags", "id": "99"}])),
        ),
        (
            "DS-29",
            shows(|it| it["included"] = json!([it["data"][0], it["data"][0]])),
        ),
        ("DS-30", shows(|it| it["meta"] = json!([]))),
        ("DS-31", shows(|it| it["links"] = json!(["/articles"]))),
        (
            "DS-32",
            shows(|it| it["links"]["self"] = json!({"title": "no target"})),
        ),
        (
            "DS-33",
            shows(|it| it["links"]["self"] = json!({"href": "/articles", "rel": "next"})),
        ),
        ("DS-34", shows(|it| it["jsonapi"] = json!("1.1"))),
        ("DS-40", shows(|it| it["atomic:results"] = json!([]))),
    ]);
}

/// Gives each resource an attribute.
fn attribute(it: &mut Value, name: &str) {
    each(it, |resource| resource["attributes"][name] = json!("x"));
}

#[test]
fn wrong_resources_are_found() {
    are_found(&[
        (
            "DS-11",
            shows(|it| each(it, |resource| without(resource, "type"))),
        ),
        (
            "DS-12",
            shows(|it| each(it, |resource| resource["id"] = json!(1))),
        ),
        (
            "DS-14",
            shows(|it| each(it, |resource| resource["type"] = json!("the.articles"))),
        ),
        ("DS-15", shows(|it| attribute(it, "type"))),
        (
            "DS-16",
            shows(|it| each(it, |resource| resource["attributes"] = json!([]))),
        ),
        ("DS-17", shows(|it| attribute(it, "author_id"))),
        (
            "DS-18",
            shows(|it| {
                each(it, |resource| {
                    resource["relationships"] = json!({"author": "1"});
                });
            }),
        ),
        (
            "DS-19",
            shows(|it| {
                each(it, |resource| {
                    resource["relationships"] = json!({"author": {}});
                });
            }),
        ),
    ]);
}

#[test]
fn wrong_relationships_are_found() {
    are_found(&[
        (
            "DS-20",
            shows(|it| {
                each(it, |resource| {
                    resource["relationships"]["tags"]["links"]["next"] = json!("/tags");
                });
            }),
        ),
        (
            "DS-23",
            shows(|it| {
                each(it, |resource| {
                    resource["relationships"]["tags"]["data"] = json!(null);
                });
            }),
        ),
        (
            "DS-24",
            shows(|it| {
                each(it, |resource| {
                    resource["links"]["self"] = json!("/articles/1");
                });
            }),
        ),
        (
            "DS-25",
            shows(|it| {
                each(it, |resource| {
                    resource["relationships"]["tags"]["data"] = json!([{"type": "tags"}]);
                });
            }),
        ),
    ]);
}

#[test]
fn wrong_names_are_found() {
    are_found(&[
        ("DS-36", shows(|it| attribute(it, "-x"))),
        ("DS-37", shows(|it| attribute(it, "a.b"))),
        ("DS-38", shows(|it| attribute(it, "a b"))),
    ]);
}

#[test]
fn requests_that_are_read_carelessly_are_found() {
    are_found(&[
        (
            "DS-6",
            answers(|asked, answer| {
                if says(asked, "unknownMember") {
                    answer.status = 400;
                }
            }),
        ),
        (
            "DS-21",
            answers(|asked, answer| {
                if asked.path.ends_with("/author") && answer.document["data"].is_null() {
                    answer.status = 404;
                }
            }),
        ),
        (
            "DS-22",
            shows(|it| {
                each(it, |resource| {
                    let author = resource["relationships"]["author"]["data"]["id"].clone();
                    let related = format!("/people/{}", author.as_str().unwrap_or_default());
                    resource["relationships"]["author"]["links"]["related"] = json!(related);
                });
            }),
        ),
        (
            "DS-26",
            answers(|asked, answer| {
                if says(asked, "\"lid\"") {
                    answer.status = 400;
                }
            }),
        ),
        (
            "DS-35",
            reads(|asked| asked.query = asked.query.replace("TITLE", "title")),
        ),
        (
            "DS-39",
            answers(|asked, answer| {
                if says(asked, "@context") {
                    answer.document["data"]["attributes"]["@context"] = json!("x");
                }
            }),
        ),
        (
            "DS-41",
            answers(|asked, answer| {
                if asked.method == Method::POST
                    && answer.status == 400
                    && !links(asked, &Method::POST)
                {
                    answer.status = 500;
                }
            }),
        ),
    ]);
}
