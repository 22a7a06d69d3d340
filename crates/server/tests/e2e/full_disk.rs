//! The disk of the embedded store is full: in the middle of an import, and while it is served.

use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::Method;
use serde_json::json;

use crate::harness::{Invocation, Outcome, Setup, Store};

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

/// A disk of 8 MiB. It is mounted until it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Needs the right to mount: root, or `sudo` without a password.
    #[track_caller]
    fn at(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let disk = ["-t", "tmpfs", "-o", "size=8m,mode=0777", "tmpfs"];
        let mounted = as_root("mount", &disk, folder);
        assert!(
            mounted,
            "this test mounts a small disk: run it as root, or allow sudo without a password"
        );
        Self(folder.to_owned())
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.filler()).unwrap();
        let zeros = std::io::copy(&mut std::io::repeat(0), &mut file);
        assert_eq!(zeros.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        as_root("umount", &["--lazy"], &self.0);
    }
}

fn as_root(program: &str, arguments: &[&str], folder: &Path) -> bool {
    let sudo = ["sudo", "-n", program];
    [&sudo[2..], &sudo[..]].iter().any(|command| {
        let output = Command::new(command[0])
            .args(&command[1..])
            .args(arguments)
            .arg(folder)
            .output();
        output.is_ok_and(|output| output.status.success())
    })
}

#[tokio::test]
async fn a_full_disk_is_not_ready_serves_reads_and_starts_again() {
    let store = Store::fresh();
    let disk = SmallDisk::at(&store.data_dir());
    let server = Setup::on(&store).start().await;
    let body = json!({"text": "x".repeat(300_000)});
    let post = async || server.send_plain(Method::POST, "/contacts", &body).await;
    post().await.document(201);
    disk.fill();
    post().await.error(503, "datastore_busy");
    let read = async || {
        server.get("/contacts").await.document(200);
    };
    server.becomes_unready(read).await;
    server.kill_hard();

    let server = Setup::on(&store).start_unready().await;
    let page = server.get("/contacts").await.document(200);
    assert_eq!(page["meta"]["total"], 1);
    let post = async || server.send_plain(Method::POST, "/contacts", &body).await;
    post().await.error(503, "datastore_busy");
    // With room on the disk it goes on by itself.
    std::fs::remove_file(disk.filler()).unwrap();
    server.becomes_ready().await;
    post().await.document(201);
}
