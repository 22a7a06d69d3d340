//! The example of related types, and sample data of one's own.

// Related resources, linkage, and documents that include them.
mod related;
// Orders and pages.
mod pages;
// Which lists say how many resources there are.
mod totals;
// Ways to ask, and mistakes.
mod requests;
// What clients must not see.
mod hidden;
// All links.
mod crawl;
// The plans of lists.
mod explain;
// The examples of docs/filters.md.
mod examples;

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Invocation, Server, Setup, folder_with};

const NOTES: &str = "
type: notes
id: integer
attributes: {type: object}
relationships: {next: {type: notes}, pages: {type: pages, kind: many}}
";

const PAGES: &str = "type: pages\nid: string\nattributes: {type: object}\n";

async fn blog() -> Server {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/blog");
    let setup = Setup::fresh().definitions(&folder);
    setup.arguments(["--sample-data"]).start().await
}

/// The ids of a list or of linkage, in their order.
#[track_caller]
fn ids(document: &Value) -> Vec<String> {
    let data = document["data"].as_array().expect("a list");
    let id = |one: &Value| one["id"].as_str().expect("an id").to_owned();
    data.iter().map(id).collect()
}

/// A resource in words.
fn name(resource: &Value) -> String {
    let text = |member| resource[member].as_str().expect("a text");
    format!("{} {}", text("type"), text("id"))
}

/// What is included, sorted.
#[track_caller]
fn included(document: &Value) -> Vec<String> {
    let all = document["included"].as_array().expect("included resources");
    let mut names: Vec<String> = all.iter().map(name).collect();
    names.sort();
    names
}

async fn total(server: &Server, url: &str) -> Value {
    server.get(url).await.document(200)["meta"]["total"].clone()
}

#[tokio::test]
async fn the_blog_comes_with_data_of_all_its_types() {
    let server = blog().await;
    for (url, count) in [
        ("/people", 5),
        ("/articles", 12),
        ("/comments", 30),
        ("/tags", 8),
    ] {
        assert_eq!(total(&server, url).await, count, "{url}");
    }
    let mut log = server.log().values().into_iter();
    let warning = log.find(|line| line["log.level"] == "WARN");
    assert_eq!(warning, None, "every link leads somewhere");
}

#[tokio::test]
async fn sample_data_of_any_type_is_stored_once_and_its_broken_links_are_told() {
    let rows = "{\"id\": 1, \"next\": 2, \"pages\": [\"a\", \"z\"]}\n{\"id\": 2, \"next\": 7}\n";
    let folder = folder_with(&[
        ("notes.yaml", NOTES),
        ("pages.yaml", PAGES),
        ("notes.sample.ndjson", rows),
        ("pages.sample.ndjson", "{\"id\": \"a\"}\n"),
    ]);
    let started = || Setup::fresh().definitions(folder.path());
    let server = started().arguments(["--sample-data"]).start().await;
    assert_eq!(total(&server, "/notes").await, 2);
    assert_eq!(total(&server, "/pages").await, 1);
    let warnings = server
        .log()
        .matching(|line| line["log.level"] == "WARN")
        .await;
    let told: Vec<_> = warnings
        .iter()
        .map(|line| (&line["first"], &line["count"]))
        .collect();
    assert_eq!(told, [(&json!("7"), &json!(1)), (&json!("z"), &json!(1))]);
    let store = server.store().clone();
    assert!(server.terminate().await.success());
    let again = Setup::on(&store).definitions(folder.path());
    let again = again.arguments(["--sample-data"]).start().await;
    assert_eq!(total(&again, "/notes").await, 2);
}

#[test]
fn sample_data_that_does_not_fit_is_code_64_with_its_line() {
    let rows = "{\"id\": 1}\n{\"id\": 2, \"next\": [3]}\n";
    let folder = folder_with(&[
        ("notes.yaml", NOTES),
        ("pages.yaml", PAGES),
        ("notes.sample.ndjson", rows),
    ]);
    let path = folder.path().display().to_string();
    let data_dir = folder.path().join("data").display().to_string();
    let arguments = [
        "--resources",
        &path,
        "--data-dir",
        &data_dir,
        "--sample-data",
    ];
    let served = Invocation::new(&[&["serve", "notes"][..], &arguments].concat()).run();
    served.fails_with(64, &["notes.sample.ndjson:2", "/next", "'notes'"]);
    let served = Invocation::new(&[&["serve", "pages"][..], &arguments].concat()).run();
    served.fails_with(2, &["--sample-data", "TYPE.sample.ndjson"]);
}
