//! The disk of the embedded store is full in the middle of an import.

use crate::harness::{Invocation, Outcome, Store};

/// Rows that need about 10 MB.
const ROWS: usize = 20_000;

/// Few enough rows to be kept in memory until they are committed.
const FEW: usize = 2000;

/// So many rows, each of about 400 bytes.
fn rows(count: usize) -> String {
    let text = "x".repeat(380);
    let row = |number| format!("{{\"number\":{number},\"text\":\"{text}\"}}\n");
    (0..count).map(row).collect()
}

fn arguments(on_error: &str) -> [&str; 7] {
    [
        "import",
        "contacts",
        "-",
        "--format",
        "ndjson",
        "--on-error",
        on_error,
    ]
}

fn import_on_small_disk(store: &Store, blocks: u32, count: usize, on_error: &str) -> Outcome {
    let import = Invocation::on_small_disk(blocks, &arguments(on_error));
    import.on(store).input(rows(count)).run()
}

fn count(store: &Store) -> usize {
    let export = Invocation::new(&["export", "contacts", "--format", "ndjson"]);
    export.on(store).run().output().lines().count()
}

#[test]
fn an_import_of_all_or_nothing_on_a_full_disk_leaves_nothing() {
    // In the middle of the rows, and at the commit.
    for (blocks, rows) in [(6000, ROWS), (600, FEW)] {
        let store = Store::fresh();
        let outcome = import_on_small_disk(&store, blocks, rows, "stop");
        outcome.fails_with(69, &["nothing is stored: run it again"]);
        assert_eq!(outcome.stdout, "0 stored, 0 rejected\n");
        assert_eq!(count(&store), 0);
    }
}

#[test]
fn an_import_by_batches_on_a_full_disk_says_what_is_stored() {
    let store = Store::fresh();
    let outcome = import_on_small_disk(&store, 6000, ROWS, "skip");
    let stored = count(&store);
    assert!((1..ROWS).contains(&stored), "{outcome:?}");
    assert_eq!(outcome.stdout, format!("{stored} stored, 0 rejected\n"));
    let next = format!("--skip-rows {stored} goes on after them");
    outcome.fails_with(69, &[&next]);
    // With room on the disk the import goes on.
    let skipped = stored.to_string();
    let arguments = [&arguments("skip")[..], &["--skip-rows", &skipped]].concat();
    let import = Invocation::new(&arguments).on(&store).input(rows(ROWS));
    let rest = format!("{} stored, 0 rejected\n", ROWS - stored);
    assert_eq!(import.run().output(), rest);
    assert_eq!(count(&store), ROWS);
}
