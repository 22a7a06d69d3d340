use serde_json::json;

use super::{answers, are_found, each, reads, refuses, shows, without};
use crate::blog::Asked;

/// Drops the parameters whose names have this text.
fn drop_parameter(asked: &mut Asked, text: &str) {
    let kept = asked.query.split('&').filter(|pair| !pair.contains(text));
    asked.query = kept.collect::<Vec<_>>().join("&");
}

#[test]
fn wrong_orders_are_found() {
    are_found(&[
        (
            "SO-1",
            answers(|asked, answer| {
                if asked.query.contains("sort") {
                    answer.status = 400;
                }
            }),
        ),
        (
            "SO-2",
            reads(|asked| {
                asked.query = asked
                    .query
                    .split("%2C")
                    .next()
                    .unwrap_or_default()
                    .to_owned();
            }),
        ),
        (
            "SO-3",
            reads(|asked| asked.query = asked.query.replace("sort=-", "sort=")),
        ),
        (
            "SO-4",
            reads(|asked| {
                if asked.query.contains("unknown") {
                    asked.query.clear();
                }
            }),
        ),
        ("SO-5", reads(|asked| drop_parameter(asked, "sort"))),
        (
            "SO-6",
            answers(|asked, answer| {
                if asked.query.contains('.') {
                    answer.status = 500;
                }
            }),
        ),
        (
            "SO-7",
            answers(|asked, answer| {
                if asked.query.contains("sort") {
                    answer.status = 500;
                }
            }),
        ),
    ]);
}

#[test]
fn wrong_pages_are_found() {
    are_found(&[
        (
            "PG-1",
            shows(|it| {
                it["meta"]["next"] = it["links"]["next"].take();
            }),
        ),
        (
            "PG-2",
            shows(|it| it["links"]["previous"] = json!("/articles")),
        ),
        (
            "PG-3",
            shows(|it| {
                if it["links"]["prev"].is_null() {
                    it["links"]["prev"] = json!("/articles");
                }
            }),
        ),
        (
            "PG-4",
            answers(|asked, answer| {
                if asked.query.contains("after") {
                    let items = answer.document["data"].as_array_mut();
                    if let Some(all) = items {
                        drop(all.remove(0));
                    }
                }
            }),
        ),
        ("PG-5", reads(|asked| drop_parameter(asked, "size"))),
        ("PG-6", reads(|asked| drop_parameter(asked, "size%5D=0"))),
        (
            "PG-7",
            shows(|it| {
                if it["links"]["next"].is_string() {
                    it["links"]["next"] = json!("/articles?page%5Bafter%5D=c1");
                }
            }),
        ),
        ("PG-8", reads(|asked| drop_parameter(asked, "unknown"))),
    ]);
}

#[test]
fn wrong_filters_are_found() {
    are_found(&[
        ("FI-1", reads(|asked| drop_parameter(asked, "filter"))),
        ("FI-2", reads(|asked| drop_parameter(asked, "filter"))),
        ("FI-3", reads(|asked| drop_parameter(asked, "filter"))),
        ("FI-4", reads(|asked| drop_parameter(asked, "filter"))),
    ]);
}

#[test]
fn wrong_cursors_are_found() {
    fn later_page_lacks_one(asked: &Asked, answer: &mut crate::blog::Answered) {
        if asked.query.contains("after") {
            let items = answer.document["data"].as_array_mut();
            if let Some(all) = items.filter(|all| !all.is_empty()) {
                drop(all.remove(0));
            }
        }
    }
    are_found(&[
        ("CP-1", answers(later_page_lacks_one)),
        ("CP-2", answers(later_page_lacks_one)),
        ("CP-4", reads(|asked| drop_parameter(asked, "size%5D=0"))),
        ("CP-5", refuses(|it| without(it, "meta"))),
        (
            "CP-6",
            answers(|asked, answer| {
                if asked
                    .accept
                    .as_ref()
                    .is_some_and(|it| it.contains("profile"))
                    && !asked.query.contains("size")
                {
                    answer.document["data"] = json!([]);
                }
            }),
        ),
        ("CP-7", answers(later_page_lacks_one)),
        ("CP-8", reads(|asked| drop_parameter(asked, "no%20cursor"))),
        ("CP-9", answers(later_page_lacks_one)),
    ]);
}

#[test]
fn wrong_ends_of_cursor_pages_are_found() {
    are_found(&[
        (
            "CP-10",
            answers(|asked, answer| {
                if asked.query.contains("before") {
                    let items = answer.document["data"].as_array_mut();
                    if let Some(all) = items {
                        all.reverse();
                    }
                }
            }),
        ),
        (
            "CP-11",
            answers(|asked, answer| {
                if asked.query.contains("size") && !asked.query.contains("after") {
                    let items = answer.document["data"].as_array_mut();
                    if let Some(all) = items {
                        drop(all.remove(0));
                    }
                }
            }),
        ),
        (
            "CP-12",
            reads(|asked| {
                if asked.query.contains("after") {
                    drop_parameter(asked, "before");
                }
            }),
        ),
        (
            "CP-13",
            shows(|it| without(&mut it["meta"]["page"], "rangeTruncated")),
        ),
    ]);
}

#[test]
fn wrong_links_between_cursor_pages_are_found() {
    are_found(&[
        ("CP-14", shows(|it| without(&mut it["links"], "prev"))),
        (
            "CP-15",
            shows(|it| {
                if it["links"]["next"].is_null() {
                    without(&mut it["links"], "next");
                }
            }),
        ),
        (
            "CP-16",
            shows(|it| {
                if it["links"]["prev"].is_null() {
                    without(&mut it["links"], "prev");
                }
            }),
        ),
        (
            "CP-17",
            answers(|asked, answer| {
                if asked.query.contains("before") {
                    answer.document["links"]["prev"] = json!("/articles");
                }
            }),
        ),
        ("CP-18", shows(|it| without(&mut it["links"], "last"))),
        (
            "CP-19",
            shows(|it| it["meta"]["page"]["total"] = json!("6")),
        ),
        (
            "CP-20",
            shows(|it| {
                each(it, |resource| {
                    resource["meta"]["page"]["cursor"] = json!("c2");
                });
            }),
        ),
        ("CP-21", refuses(|it| it["links"]["type"] = json!(["x"]))),
        (
            "CP-22",
            reads(|asked| {
                if asked.path.contains("relationships") {
                    asked.query.clear();
                }
            }),
        ),
    ]);
}
