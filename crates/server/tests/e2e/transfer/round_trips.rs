//! What one file says, another one can say too.

use reqwest::Method;
use serde_json::{Value, json};

use super::{all_stored, array, count, exported, import, lines, path_in, rows};
use crate::harness::{Invocation, Setup, Store};

/// Contacts whose attributes try the limits of each format.
fn odd_rows() -> Vec<Value> {
    let mut odd = rows(3);
    odd.extend([
        json!({"firstName": "", "lastName": null, "city": "\\N", "zip": "007"}),
        json!({"firstName": "\"quoted\", and\nbroken\r\n", "note": "ü \u{1f600} \u{feff}"}),
        json!({"number": 42, "fraction": 2.5, "large": 9_007_199_254_740_993_u64, "yes": true}),
        json!({"text": "42", "more": "true", "none": "null", "nothing": null}),
        json!({"nested": {"list": [1, "two", null, {"three": []}]}, "list": [], "object": {}}),
        json!({"firstName": " spaces ", "city": "=1+1", "state": "'"}),
        json!({}),
    ]);
    odd
}

#[test]
fn every_format_comes_back_as_it_was_ids_included() {
    let first = Store::fresh();
    let input = array(&odd_rows());
    all_stored(
        &import(&first, &["-", "--format", "json"])
            .input(input)
            .run(),
        10,
    );
    let json = exported(&first, "json");
    for format in ["json", "ndjson", "csv"] {
        let second = Store::fresh();
        let written = exported(&first, format);
        let outcome = import(&second, &["-", "--format", format])
            .input(written.clone())
            .run();
        all_stored(&outcome, 10);
        assert_eq!(exported(&second, format), written);
        // The columns of CSV have an order of their own, so that members may change theirs.
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&exported(&second, "json")), value(&json), "{format}");
    }
}

#[test]
fn what_was_imported_is_what_is_exported() {
    let store = Store::fresh();
    let input = array(&odd_rows());
    all_stored(
        &import(&store, &["-", "--format", "json"])
            .input(input)
            .run(),
        10,
    );
    let mut exported: Vec<Value> = serde_json::from_str(&exported(&store, "json")).unwrap();
    for row in &mut exported {
        let id = row.as_object_mut().unwrap().shift_remove("_id").unwrap();
        assert_eq!(id.as_str().unwrap().len(), 24);
    }
    assert_eq!(exported, odd_rows());
}

#[test]
fn files_are_read_and_written_by_their_extension() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::fresh();
    all_stored(
        &import(&store, &["-", "--format", "ndjson"])
            .input(lines(&rows(20)))
            .run(),
        20,
    );
    for name in ["all.json", "all.ndjson", "all.jsonl", "all.csv"] {
        let path = path_in(folder.path(), name);
        let outcome = Invocation::new(&["export", "contacts", &path])
            .on(&store)
            .run();
        assert_eq!(outcome.output(), "");
        assert!(outcome.stderr.contains("20 exported"), "{outcome:?}");
        let format = name.split_once('.').unwrap().1.replace("jsonl", "ndjson");
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            exported(&store, &format)
        );
        let second = Store::fresh();
        all_stored(&import(&second, &[&path]).run(), 20);
        assert_eq!(
            exported(&second, "json"),
            exported(&store, "json"),
            "{name}"
        );
    }
    // No half of a file is left behind.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
}

#[test]
fn the_standard_output_is_a_file_too() {
    let store = Store::fresh();
    all_stored(
        &import(&store, &["-", "--format", "ndjson"])
            .input(lines(&rows(5)))
            .run(),
        5,
    );
    let by_default = Invocation::new(&["export", "contacts"]).on(&store).run();
    let by_name = Invocation::new(&["export", "contacts", "-"])
        .on(&store)
        .run();
    assert_eq!(by_default.output(), exported(&store, "json"));
    assert_eq!(by_name.output(), exported(&store, "json"));
}

#[test]
fn an_empty_collection_is_a_file_that_can_be_imported() {
    let store = Store::fresh();
    all_stored(
        &import(&store, &["-", "--format", "json"]).input("[]").run(),
        0,
    );
    for format in ["json", "ndjson", "csv"] {
        let written = exported(&store, format);
        let second = Store::fresh();
        let outcome = import(&second, &["-", "--format", format])
            .input(written)
            .run();
        all_stored(&outcome, 0);
        assert_eq!(count(&second), 0);
    }
}

#[tokio::test]
async fn an_import_adds_to_what_is_there() {
    let store = Store::fresh();
    all_stored(
        &import(&store, &["-", "--format", "ndjson"])
            .input(lines(&rows(3)))
            .run(),
        3,
    );
    store.wait_for_the_next_position();
    let server = Setup::on(&store).start().await;
    let body = json!({"firstName": "Ada"});
    server
        .send_plain(Method::POST, "/contacts", &body)
        .await
        .document(201);
    assert!(server.terminate().await.success());
    store.wait_for_the_next_position();
    all_stored(
        &import(&store, &["-", "--format", "ndjson"])
            .input(lines(&rows(3)))
            .run(),
        3,
    );
    let all: Vec<Value> = serde_json::from_str(&exported(&store, "json")).unwrap();
    let names: Vec<&str> = all
        .iter()
        .filter_map(|row| row["firstName"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "First0", "First1", "First2", "Ada", "First0", "First1", "First2"
        ]
    );
}

#[test]
fn files_of_other_programs_are_read() {
    let object = r#"{"firstName":"Ada","zip":"1"}"#;
    for (format, text) in [
        ("json", format!("\u{feff} [ {object} ,\r\n\t{object} ]")),
        ("ndjson", format!("\u{feff}{object}\r\n\r\n{object}")),
        (
            "csv",
            "\u{feff}firstName,zip\r\nAda,1\r\n\"Ada\",\"1\"".to_owned(),
        ),
    ] {
        let store = Store::fresh();
        all_stored(
            &import(&store, &["-", "--format", format]).input(text).run(),
            2,
        );
        let all: Vec<Value> = serde_json::from_str(&exported(&store, "json")).unwrap();
        for row in all {
            assert_eq!(
                (&row["firstName"], &row["zip"]),
                (&json!("Ada"), &json!("1")),
                "{format}"
            );
        }
    }
}
