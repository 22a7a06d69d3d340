//! Imports that are cut or stopped, and what goes on after them.

use std::io::Write;
use std::process::Command;
use std::time::Instant;

use mongodb::bson::doc;

use super::{all_stored, array, count, exported, import, lines, path_in, rows};
use crate::harness::command::Running;
use crate::harness::{LOOK_INTERVAL, Outcome, SOON, Store, folder_with};

/// As the operator's `kill` does.
fn signal(running: &Running, name: &str) {
    let script = format!("kill -{name} {}", running.pid());
    let status = Command::new("sh").args(["-c", &script]).status();
    assert!(status.unwrap().success());
}

/// Whether another process has stored some rows.
fn has_rows(store: &Store) -> bool {
    match store {
        // The process has the file for itself, but not the size of its log.
        Store::Embedded(_) => {
            let log = store.data_dir().join("monocoque.sqlite-wal");
            std::fs::metadata(log).is_ok_and(|log| log.len() > 1 << 20)
        }
        Store::MongoDb(database) => {
            let counted = database.run(doc! { "count": "contacts" });
            counted.is_ok_and(|reply| reply.get_i32("n").is_ok_and(|n| n > 0))
        }
    }
}

#[test]
fn a_restartable_import_that_was_killed_is_completed_by_running_it_again() {
    const ROWS: usize = 20_000;
    let folder = folder_with(&[("rows.json", &array(&rows(ROWS)))]);
    let (store, file) = (Store::fresh(), path_in(folder.path(), "rows.json"));
    let arguments = [&file, "--on-error", "skip", "--restartable"];
    let running = import(&store, &arguments).begin();
    let begun = Instant::now();
    while !has_rows(&store) {
        assert!(begun.elapsed() < SOON, "nothing is stored");
        std::thread::sleep(LOOK_INTERVAL);
    }
    // As `kill -9` does.
    drop(running);
    let stored = count(&store);
    assert!((1..ROWS).contains(&stored), "killed after {stored} rows");
    let outcome = import(&store, &arguments).run();
    let rejected = format!("{} stored, {stored} rejected\n", ROWS - stored);
    assert_eq!(outcome.stdout, rejected);
    let stored = exported(&store, "ndjson");
    assert_eq!(stored.lines().count(), ROWS);
    for (number, line) in stored.lines().enumerate() {
        assert!(
            line.contains(&format!("\"{number} Blue Gum St\"")),
            "{line}"
        );
    }
}

#[test]
fn restartable_needs_a_file() {
    let store = Store::fresh();
    let arguments = ["-", "--format", "json", "--restartable"];
    let outcome = import(&store, &arguments).input("[]").run();
    outcome.fails_with(2, &["--restartable needs a file"]);
}

#[test]
fn skipped_rows_are_those_before_a_number() {
    let store = Store::fresh();
    let arguments = ["-", "--format", "ndjson", "--skip-rows", "7"];
    let outcome = import(&store, &arguments).input(lines(&rows(10))).run();
    all_stored(&outcome, 3);
    assert!(exported(&store, "ndjson").contains("\"7 Blue Gum St\""));
    let arguments = ["-", "--format", "ndjson", "--skip-rows", "11"];
    let outcome = import(&store, &arguments).input(lines(&rows(10))).run();
    outcome.fails_with(64, &["it has only 10 rows"]);
}

/// Rows of about 1 MB.
const MANY: usize = 3000;

/// An import that waits for the rest of its rows when it gets a signal. It has read most of them,
/// because pipe and buffers hold less than 400 KB, and so has handed at least three batches over.
fn stopped(store: &Store, on_error: &str, signal_name: &str) -> Outcome {
    let arguments = ["-", "--format", "ndjson", "--on-error", on_error];
    let mut running = import(store, &arguments).begin();
    let mut stdin = running.stdin.take().unwrap();
    stdin.write_all(lines(&rows(MANY)).as_bytes()).unwrap();
    signal(&running, signal_name);
    let outcome = running.end();
    drop(stdin);
    outcome
}

#[test]
fn an_import_that_is_told_to_stop_says_what_is_stored_and_how_to_go_on() {
    let store = Store::fresh();
    let outcome = stopped(&store, "skip", "TERM");
    let stored = count(&store);
    assert!((1000..=MANY).contains(&stored), "{outcome:?}");
    assert_eq!(outcome.stdout, format!("{stored} stored, 0 rejected\n"));
    let place = format!("the first {stored} rows of the file, up to line {stored}, are settled");
    let on = format!("--skip-rows {stored} goes on");
    outcome.fails_with(69, &["told to stop", &place, &on]);
}

#[test]
fn an_import_of_all_or_nothing_that_is_told_to_stop_leaves_nothing() {
    let store = Store::fresh();
    let outcome = stopped(&store, "stop", "INT");
    outcome.fails_with(69, &["told to stop", "nothing is stored"]);
    assert_eq!(outcome.stdout, "0 stored, 0 rejected\n");
    assert_eq!(count(&store), 0);
}
