//! `monocoque conformance`, against this server and against nothing.

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Invocation, Outcome, Server, Setup, folder_with};

fn world(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("examples/conformance").join(name)
}

/// Runs the command, with these arguments besides.
#[track_caller]
fn check(base: &str, world: &Path, more: &[&str]) -> Outcome {
    let world = world.to_str().unwrap();
    let arguments = [&["conformance", "--base", base, "--world", world], more].concat();
    Invocation::new(&arguments).run()
}

/// The ids of the rows with this outcome, of those that are binding.
fn binding<'a>(report: &'a Value, outcome: &str) -> Vec<&'a str> {
    let rows = report["rows"].as_array().unwrap().iter();
    let rows = rows.filter(|row| row["level"].as_str().unwrap().starts_with("MUST"));
    let rows = rows.filter(|row| row["outcome"] == outcome);
    rows.map(|row| row["id"].as_str().unwrap()).collect()
}

/// What the runner says of this server, after which everything must be as it was.
fn report(server: &Server, world: &Path) -> (Outcome, Value) {
    let (_, base) = server.client();
    let outcome = check(&base, world, &["--format", "json"]);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(report["leftBehind"], json!([]));
    assert_eq!(report["fails"], outcome.code == 1, "{outcome:?}");
    (outcome, report)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blog_keeps_every_must_that_can_be_judged() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/blog");
    let setup = Setup::fresh().definitions(&folder);
    let server = setup.arguments(["--sample-data"]).start().await;
    let before = server.get("/articles").await.json();
    let (outcome, report) = report(&server, &world("blog.yaml"));
    assert_eq!(binding(&report, "fail"), [""; 0], "{}", outcome.stdout);
    let passed = binding(&report, "pass").len();
    assert!(passed >= 130, "only {passed} could be judged");
    assert_eq!(server.get("/articles").await.json(), before);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance.md");
    let page = std::fs::read_to_string(page).unwrap();
    let shown: Vec<String> = page.lines().filter_map(row_of_the_page).collect();
    let rows = report["rows"].as_array().unwrap().iter();
    let rows = rows.filter(|row| row["outcome"] != "pass");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = rows.map(|row| format!("{} {}", text(&row["id"]), text(&row["outcome"])));
    assert_eq!(
        shown,
        found.collect::<Vec<_>>(),
        "docs/conformance.md is not what is found"
    );
}

/// The id and the outcome in a row of the table of what did not pass.
fn row_of_the_page(line: &str) -> Option<String> {
    let cells: Vec<&str> = line.split(" | ").collect();
    let [id, _, _, found] = cells.as_slice() else {
        return None;
    };
    let id = id
        .strip_prefix("| ")
        .filter(|id| id.contains('-') && !id.contains(' '))?;
    let outcome = found.split(':').next()?.to_lowercase();
    (id != "---").then(|| format!("{id} {outcome}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_keep_every_must_that_can_be_judged_but_for_the_name_of_their_id_attribute() {
    let server = Setup::fresh().arguments(["--sample-data"]).start().await;
    let before = server.get("/contacts").await.json();
    let (outcome, report) = report(&server, &world("contacts.yaml"));
    // The documents of contacts repeat the id as `_id`, as their clients expect. JSON:API does not
    // let a name begin so.
    assert_eq!(binding(&report, "fail"), ["DS-36"], "{}", outcome.stdout);
    let passed = binding(&report, "pass").len();
    assert!(passed >= 90, "only {passed} could be judged");
    assert_eq!(server.get("/contacts").await.json(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_without_a_failing_must_is_code_0_in_every_format() {
    let server = Server::start().await;
    let (_, base) = server.client();
    let nobody = json!({});
    let created = server.send_plain(Method::POST, "/contacts", &nobody).await;
    assert_eq!(created.status, 201);
    let contacts = world("contacts.yaml");
    let table = check(&base, &contacts, &["--group", "cn,DE-3"]);
    for text in [
        "CN-9   MUST         pass",
        "DE-3   SHOULD       pass",
        "CN Content",
    ] {
        assert!(table.output().contains(text), "{table:?}");
    }
    let markdown = check(&base, &contacts, &["--group", "DE", "--format", "markdown"]);
    for text in ["| DE Deleting resources |", "| DE-2 | MUST |"] {
        assert!(markdown.output().contains(text), "{markdown:?}");
    }
}

#[test]
fn what_cannot_be_checked_has_a_code_and_a_reason() {
    let contacts = world("contacts.yaml");
    check("https://localhost", &contacts, &[]).fails_with(2, &["--base", "https"]);
    let unknown = ["--group", "XX"];
    check("http://127.0.0.1:9", &contacts, &unknown).fails_with(2, &["--group", "'XX'", "CN"]);
    check("http://127.0.0.1:9", &contacts, &[]).fails_with(69, &["does not answer", "/contacts"]);
    let folder = folder_with(&[("bad.yaml", "main: a\ntypes: [\n")]);
    let bad = folder.path().join("bad.yaml");
    check("http://127.0.0.1:9", &bad, &[]).fails_with(64, &["bad.yaml", "line 3"]);
    let absent = folder.path().join("absent.yaml");
    check("http://127.0.0.1:9", &absent, &[]).fails_with(64, &["absent.yaml"]);
}
