//! Definition files.

use super::run;
use crate::harness::{Outcome, folder_with};

/// Three mistakes: an unknown member, a kind of id that there is not, a number as a type.
const BROKEN: &str = "\
type: books
colour: red
id: serial
attributes:
  type: object
  properties:
    title: {type: strnig}
";

const FINE: &str = "type: books\nattributes: {type: object}\n";

fn check(files: &[(&str, &str)]) -> (Outcome, String) {
    let folder = folder_with(files);
    let path = folder.path().display().to_string();
    (run(&["resources", "check", &path]), path)
}

#[test]
fn definitions_that_are_fine_are_listed() {
    let (outcome, _) = check(&[("books.yaml", FINE), ("notes.txt", "no definition")]);
    assert_eq!(outcome.output(), "books: fine, in the collection 'books'\n");
}

#[test]
fn every_mistake_is_shown_with_file_line_and_field() {
    let other = "type: books\nattributes: {type: object, properties: [1]}\n";
    let (outcome, path) = check(&[("a.yaml", BROKEN), ("b.yaml", other)]);
    outcome.fails_with(
        64,
        &[
            &format!("{path}/a.yaml:2:"),
            "/colour",
            &format!("{path}/a.yaml:3:1: /id: "),
            // What would be right is there too.
            "objectId",
            "integer",
            &format!("{path}/b.yaml:2:28: /attributes/properties: "),
        ],
    );
}

#[test]
fn mistakes_inside_the_json_schema_are_found_too() {
    let broken = BROKEN
        .replace("colour: red\n", "")
        .replace("serial", "uuid");
    let (outcome, path) = check(&[("a.yaml", &broken)]);
    outcome.fails_with(
        64,
        &[
            &format!("{path}/a.yaml:6:"),
            "/attributes/properties/title/type: ",
        ],
    );
}

#[test]
fn what_is_no_yaml_is_shown_with_its_line() {
    let (outcome, path) = check(&[("a.yaml", "type: books\n  - : [\n")]);
    outcome.fails_with(64, &[&format!("{path}/a.yaml:2:")]);
    let (outcome, path) = check(&[("a.yaml", "type: books\ntype: films\n")]);
    outcome.fails_with(64, &[&format!("{path}/a.yaml:2:1: "), "duplicated"]);
}

#[test]
fn files_that_contradict_each_other_are_refused() {
    let (outcome, path) = check(&[("a.yaml", FINE), ("b.yaml", FINE)]);
    outcome.fails_with(64, &[&format!("{path}/b.yaml:"), "'books'"]);
    for reserved in [
        "fibonacci",
        "readiness",
        "ping",
        "liveness",
        "startup",
        "operations",
    ] {
        let text = FINE.replace("books", reserved);
        let (outcome, path) = check(&[("a.yaml", &text)]);
        outcome.fails_with(64, &[&format!("{path}/a.yaml:"), reserved, "taken"]);
    }
}

#[test]
fn one_file_can_be_checked_and_served_alone() {
    let folder = folder_with(&[("books.yaml", FINE), ("broken.yaml", BROKEN)]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let fine = run(&["resources", "check", &path("books.yaml")]);
    assert_eq!(fine.output(), "books: fine, in the collection 'books'\n");
    run(&["resources", "check", &path("broken.yaml")]).fails_with(64, &["broken.yaml:3:1"]);
    let exported = ["export", "x", "--resources", &path("books.yaml")];
    run(&exported).fails_with(2, &["there is no resource type 'x'; there are books"]);
}

#[test]
fn the_schema_for_editors_names_the_types_that_the_program_reserves() {
    let outcome = run(&["resources", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(outcome.output()).unwrap();
    for name in schema["properties"]["type"]["not"]["enum"]
        .as_array()
        .unwrap()
    {
        let text = FINE.replace("books", name.as_str().unwrap());
        let (outcome, _) = check(&[("a.yaml", &text)]);
        outcome.fails_with(64, &["a.yaml:1:1: /type: ", "are taken"]);
    }
}

#[test]
fn a_folder_without_definitions_is_refused() {
    let (outcome, path) = check(&[]);
    outcome.fails_with(64, &[&path, "no definition file"]);
    run(&["resources", "check", "absent-folder"])
        .fails_with(64, &["absent-folder: there is no such folder or file"]);
}

#[test]
fn a_broken_definition_stops_every_command_before_it_opens_a_store() {
    let folder = folder_with(&[("a.yaml", BROKEN), ("rows.json", "[]")]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (resources, data, rows) = (path(""), path("data"), path("rows.json"));
    let settings = ["--resources", &resources, "--data-dir", &data];
    for arguments in [
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ][..],
        &["import", "books", &rows],
        &["export", "books"],
    ] {
        let outcome = run(&[arguments, &settings].concat());
        outcome.fails_with(64, &["a.yaml:3:1: /id: "]);
    }
    assert!(!folder.path().join("data").exists());
}

#[test]
fn the_schema_of_definition_files_is_a_json_schema() {
    let outcome = run(&["resources", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(outcome.output()).unwrap();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    for member in ["type", "id", "idAttribute", "attributes", "indexes", "page"] {
        let description = schema["properties"][member]["description"].as_str();
        assert!(description.is_some(), "{member}");
    }
}
