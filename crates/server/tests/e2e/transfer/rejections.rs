//! Rows and files that are refused.

use super::{all_stored, count, exported, import, lines, path_in, rows};
use crate::harness::{Invocation, Store, folder_with};

/// Three good rows among three bad ones: a wrong type, no object, no JSON.
const MIXED: &str = "\
{\"firstName\":\"Ada\"}
{\"firstName\":7,\"city\":[]}
{\"firstName\":\"Bruno\"}
[1,2]
{\"firstName\":
{\"firstName\":\"Carla\"}
";

/// Checks that each of the three bad rows is named with its line and reason.
#[track_caller]
fn names_the_bad_rows(stderr: &str) {
    for text in [
        "line 2 rejected: ",
        "/city: ",
        "/firstName: ",
        "line 4 rejected: the row is not an object",
        "line 5 rejected: ",
    ] {
        assert!(stderr.contains(text), "no '{text}': {stderr}");
    }
}

#[test]
fn skip_stores_the_good_rows_and_names_the_others() {
    let store = Store::fresh();
    let arguments = ["-", "--format", "ndjson", "--on-error", "skip"];
    let outcome = import(&store, &arguments).input(MIXED).run();
    // A program that calls this one must hear of it.
    outcome.fails_with(64, &["rows were rejected: the others are stored"]);
    assert_eq!(outcome.stdout, "3 stored, 3 rejected\n");
    names_the_bad_rows(&outcome.stderr);
    let stored = exported(&store, "ndjson");
    let names = ["Ada", "Bruno", "Carla"];
    for (line, name) in stored.lines().zip(names) {
        assert!(line.contains(name), "{line}");
    }
    assert_eq!(stored.lines().count(), 3);
}

#[test]
fn stop_stores_nothing_at_all() {
    // More rows than a batch holds come first.
    let good = lines(&rows(1200));
    for arguments in [
        &["-", "--format", "ndjson"][..],
        &["-", "--format", "ndjson", "--on-error", "stop"],
    ] {
        let store = Store::fresh();
        let outcome = import(&store, arguments)
            .input(format!("{good}{MIXED}"))
            .run();
        outcome.fails_with(
            64,
            &[
                "line 1202 rejected: ",
                "nothing was stored",
                "--on-error skip",
            ],
        );
        assert_eq!(outcome.stdout, "0 stored, 3 rejected\n");
        assert_eq!(count(&store), 0);
        let few = [arguments, &["--rejections-max", "2"]].concat();
        let outcome = import(&store, &few).input(format!("{good}{MIXED}")).run();
        outcome.fails_with(64, &["line 1204 rejected: ", "ended with 2 of them"]);
        assert_eq!(outcome.stdout, "0 stored, 2 rejected\n");
    }
}

#[test]
fn a_dry_run_says_what_is_wrong_and_opens_no_store() {
    let store = Store::fresh();
    let arguments = ["-", "--format", "ndjson", "--dry-run"];
    let outcome = import(&store, &arguments).input(MIXED).run();
    outcome.fails_with(64, &["rows would be rejected"]);
    names_the_bad_rows(&outcome.stderr);
    let counted = "3 fine, 3 rejected; nothing is stored\n";
    assert_eq!(outcome.stdout, counted);
    let fine = import(&store, &arguments).input(lines(&rows(5))).run();
    assert_eq!(fine.output(), "5 fine, 0 rejected; nothing is stored\n");
    if let Store::Embedded(_) = store {
        assert!(!store.data_dir().exists());
    }
}

#[test]
fn what_the_service_answers_is_a_file_that_can_be_imported() {
    let store = Store::fresh();
    let document = "{\"data\":[{\"type\":\"contacts\",\"id\":\"5973ecc8c453c823e4c471d2\",\
                    \"attributes\":{\"_id\":\"5973ecc8c453c823e4c471d2\",\"city\":\"Hove\"},\
                    \"links\":{\"self\":\"/contacts/5973ecc8c453c823e4c471d2\"}}],\
                    \"meta\":{\"total\":1}}";
    let imported = import(&store, &["-", "--format", "json"]);
    all_stored(&imported.input(document).run(), 1);
    let row = "{\"_id\":\"5973ecc8c453c823e4c471d2\",\"city\":\"Hove\"}\n";
    assert_eq!(exported(&store, "ndjson"), row);
}

#[test]
fn a_column_that_only_looks_like_an_attribute_is_code_64() {
    let store = Store::fresh();
    for (text, told) in [
        (
            "zip,City\n1,Hove\n",
            "'City' is not declared; is 'city' meant?",
        ),
        ("zip;city\n1;Hove\n", "separated by ','"),
    ] {
        let outcome = import(&store, &["-", "--format", "csv"]).input(text).run();
        outcome.fails_with(64, &[told]);
        assert_eq!(outcome.stdout, "0 stored, 0 rejected\n");
    }
}

#[test]
fn halt_stores_what_comes_before_the_first_bad_row() {
    // More rows than a batch holds come first.
    let good = lines(&rows(1200));
    let (store, arguments) = (
        Store::fresh(),
        ["-", "--format", "ndjson", "--on-error", "halt"],
    );
    let outcome = import(&store, &arguments)
        .input(format!("{good}{MIXED}"))
        .run();
    outcome.fails_with(64, &["line 1202 rejected: ", "those before it are stored"]);
    assert_eq!(outcome.stdout, "1201 stored, 1 rejected\n");
    assert_eq!(count(&store), 1201);
}

#[test]
fn halt_stores_nothing_after_an_id_that_is_taken() {
    let store = Store::fresh();
    let arguments = ["-", "--format", "ndjson", "--on-error", "halt"];
    let id = "5973ecc8c453c823e4c471d2";
    let row = |id: &str| format!("{{\"_id\":\"{id}\",\"firstName\":\"Ada\"}}\n");
    let (first, again) = (row(id), row(id));
    let good = lines(&rows(700));
    let outcome = import(&store, &arguments)
        .input(format!("{first}{good}{again}{good}"))
        .run();
    outcome.fails_with(64, &["line 702 rejected: ", id]);
    assert_eq!(outcome.stdout, "701 stored, 1 rejected\n");
    assert_eq!(count(&store), 701);
}

#[test]
fn stop_leaves_what_was_there_before() {
    let store = Store::fresh();
    all_stored(
        &import(&store, &["-", "--format", "ndjson"])
            .input(lines(&rows(5)))
            .run(),
        5,
    );
    let before = exported(&store, "json");
    let outcome = import(&store, &["-", "--format", "ndjson"])
        .input(MIXED)
        .run();
    outcome.fails_with(64, &["line 2 rejected"]);
    assert_eq!(exported(&store, "json"), before);
}

#[test]
fn an_id_that_is_there_already_is_rejected() {
    let store = Store::fresh();
    all_stored(
        &import(&store, &["-", "--format", "ndjson"])
            .input(lines(&rows(3)))
            .run(),
        3,
    );
    let before = exported(&store, "ndjson");
    let arguments = ["-", "--format", "ndjson", "--on-error", "skip"];
    let input = format!("{before}{{\"firstName\":\"New\"}}\n");
    store.wait_for_the_next_position();
    let outcome = import(&store, &arguments).input(input).run();
    assert_eq!(outcome.stdout, "1 stored, 3 rejected\n");
    assert!(
        outcome.stderr.contains("line 3 rejected: the id '"),
        "{outcome:?}"
    );
    let after = exported(&store, "ndjson");
    assert!(after.starts_with(&before), "{after}");
    assert_eq!(after.lines().count(), 4);
}

#[test]
fn bad_rows_of_every_format_are_named_with_their_line() {
    for (format, text, line) in [
        (
            "json",
            "[\n{\"zip\":\"1\"},\n\n{\"zip\":1},\n{\"zip\":\"2\"}\n]",
            4,
        ),
        (
            "json",
            "[\n{\"zip\":\"1\"},\n{\"zip\" \"x\"},\n{\"zip\":\"2\"}\n]",
            3,
        ),
        (
            "csv",
            "zip,city\n1,\"two\nlines\"\n2\\,x,y\n3,\\[\n2,Detroit\n",
            5,
        ),
        (
            "csv",
            "zip,city\r\n1,\"two\r\nlines\"\r\n3,\\[\r\n2,Detroit\r\n",
            4,
        ),
    ] {
        let store = Store::fresh();
        let arguments = ["-", "--format", format, "--on-error", "skip"];
        let outcome = import(&store, &arguments).input(text).run();
        assert!(outcome.stdout.ends_with(" rejected\n"), "{outcome:?}");
        assert!(
            outcome.stderr.contains(&format!("line {line} rejected: ")),
            "{format}: {outcome:?}"
        );
        assert!(count(&store) >= 2, "{outcome:?}");
    }
}

#[test]
fn a_file_that_breaks_off_is_code_64() {
    for (format, text, message) in [
        ("json", "[{\"zip\":\"1\"},\n{\"zip\":", "line 2"),
        ("json", "{\"zip\":\"1\"}", "ndjson"),
        ("json", "[{\"zip\":\"1\"}] []", "more after the array"),
        ("json", "", "empty"),
        ("csv", "", "header"),
        ("csv", "zip,zip\n1,2\n", "'zip'"),
    ] {
        let store = Store::fresh();
        let outcome = import(&store, &["-", "--format", format]).input(text).run();
        outcome.fails_with(64, &[message]);
        assert_eq!(count(&store), 0, "{text}");
    }
}

#[test]
fn with_skip_the_rows_before_the_break_are_stored() {
    let store = Store::fresh();
    let arguments = ["-", "--format", "json", "--on-error", "skip"];
    let outcome = import(&store, &arguments)
        .input("[{\"zip\":\"1\"},\n{\"zip\":")
        .run();
    outcome.fails_with(64, &["line 2"]);
    assert_eq!(outcome.stdout, "1 stored, 0 rejected\n");
    assert_eq!(count(&store), 1);
}

#[test]
fn files_that_cannot_be_read_or_written_are_code_64() {
    let folder = folder_with(&[("file", "")]);
    let store = Store::fresh();
    let absent = path_in(folder.path(), "absent.json");
    import(&store, &[&absent]).run().fails_with(64, &[&absent]);
    let directory = folder.path().display().to_string();
    import(&store, &[&directory, "--format", "json"])
        .run()
        .fails_with(64, &[&directory, "directory"]);
    import(&store, &["-", "--format", "json"]).input("[]").run();
    let below_a_file = path_in(folder.path(), "file/x.json");
    let arguments = ["export", "contacts", &below_a_file];
    Invocation::new(&arguments)
        .on(&store)
        .run()
        .fails_with(64, &[&below_a_file]);
}

#[test]
fn a_failed_export_leaves_the_file_that_was_there() {
    // Beside a name this long there is no room for the one that the incomplete file has.
    let name = format!("{}.json", "a".repeat(245));
    let folder = folder_with(&[(&name, "the last good one")]);
    let path = path_in(folder.path(), &name);
    let store = Store::fresh();
    import(&store, &["-", "--format", "json"]).input("[]").run();
    let outcome = Invocation::new(&["export", "contacts", &path])
        .on(&store)
        .run();
    outcome.fails_with(64, &[&name]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "the last good one");
}

#[test]
fn an_export_writes_through_a_link_and_leaves_nothing_else() {
    let folder = folder_with(&[("target.json", "old")]);
    let link = path_in(folder.path(), "link.json");
    std::os::unix::fs::symlink(folder.path().join("target.json"), &link).unwrap();
    let store = Store::fresh();
    import(&store, &["-", "--format", "json"]).input("[]").run();
    let outcome = Invocation::new(&["export", "contacts", &link])
        .on(&store)
        .run();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        std::fs::read_to_string(folder.path().join("target.json")).unwrap(),
        "[]\n"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_file_with_rejected_rows_does_not_keep_the_files_after_it_from_being_read() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Store::fresh());
    for name in ["apples", "pears"] {
        let definition = format!(
            "type: {name}\nattributes: {{type: object, properties: {{n: {{type: integer}}}}}}\n"
        );
        std::fs::write(folder.path().join(format!("{name}.yaml")), definition).unwrap();
        let rows = folder.path().join(format!("{name}.ndjson"));
        std::fs::write(rows, "{\"n\":1}\n{\"n\":\"x\"}\n").unwrap();
    }
    let folder = folder.path().to_str().unwrap();
    let import = |arguments: &[&str]| {
        let all = ["import", "--all", folder, "--resources", folder];
        Invocation::new(&[&all, arguments].concat())
            .on(&store)
            .run()
    };
    let skipped = import(&["--on-error", "skip"]);
    skipped.fails_with(64, &["rows were rejected: the others are stored"]);
    assert_eq!(
        skipped.stdout,
        "apples: 1 stored, 1 rejected\npears: 1 stored, 1 rejected\n"
    );
    let dry = import(&["--dry-run"]);
    dry.fails_with(64, &["rows would be rejected"]);
    let fine = "1 fine, 1 rejected; nothing is stored\n";
    assert_eq!(dry.stdout, format!("apples: {fine}pears: {fine}"));
    let none = import(&["--on-error", "stop", "--rejections-max", "0"]);
    none.fails_with(2, &["--rejections-max", "1.."]);
}
