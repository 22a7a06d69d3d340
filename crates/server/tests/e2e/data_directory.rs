//! The file and the directory of the embedded store: what stops a start, and that nothing is
//! damaged by it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::harness::{Invocation, Outcome, Server, Setup, Store};

const SERVE: [&str; 5] = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--admin-listen",
    "127.0.0.1:0",
];

/// Where the header of an SQLite file has the number of its program and its own version:
/// <https://www.sqlite.org/fileformat2.html#database_header>.
const APPLICATION_ID: std::ops::Range<usize> = 68..72;
const USER_VERSION: std::ops::Range<usize> = 60..64;

#[track_caller]
fn serve(store: &Store) -> Outcome {
    Invocation::new(&SERVE).on(store).run()
}

/// The file of the embedded store.
fn file(store: &Store) -> PathBuf {
    store.data_dir().join("monocoque.sqlite")
}

/// The files of a directory that hold data, with their bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let file = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read(entry.path()).unwrap())
    };
    let mut files: BTreeMap<_, _> = entries.map(file).collect();
    // The lock has the number of the last process, and SQLite makes an empty log and an index of
    // it beside every file that it looks into.
    files.retain(|name, bytes| {
        name != "monocoque.lock" && !name.ends_with("-shm") && !bytes.is_empty()
    });
    files
}

/// A store with a hundred contacts, closed in order.
async fn filled() -> Store {
    let server = Server::start().await;
    let store = server.store().clone();
    for number in 0..100 {
        let body = json!({"number": number, "text": "x".repeat(500)});
        let answer = server
            .send_plain(reqwest::Method::POST, "/contacts", &body)
            .await;
        answer.document(201);
    }
    assert!(server.terminate().await.success());
    store
}

#[test]
fn a_busy_port_is_code_64_and_no_data_directory_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let store = Store::fresh();
    for (arguments, name) in [
        (
            ["--listen", &address, "--admin-listen", "127.0.0.1:0"],
            "'listen'",
        ),
        (
            ["--listen", "127.0.0.1:0", "--admin-listen", &address],
            "'admin_listen'",
        ),
    ] {
        let arguments = [&["serve"], &arguments[..]].concat();
        let outcome = Invocation::new(&arguments).on(&store).run();
        outcome.fails_with(64, &[name, &address, "in use"]);
        assert!(!store.data_dir().exists());
    }
}

#[test]
fn a_data_directory_that_cannot_be_made_is_code_64() {
    let folder = crate::harness::folder_with(&[("file", "not a directory")]);
    // Permissions would not stop tests that root runs; a file in the way stops everybody.
    for below in ["file", "file/data"] {
        let path = folder.path().join(below);
        let path = path.to_str().unwrap();
        for arguments in [&SERVE[..], &["export", "contacts"]] {
            let outcome = Invocation::new(&[arguments, &["--data-dir", path]].concat()).run();
            outcome.fails_with(64, &[path]);
        }
    }
    assert_eq!(files(folder.path()).len(), 1);
}

#[tokio::test]
async fn a_data_directory_in_use_is_code_64_and_its_holder_is_named() {
    let server = Server::start().await;
    let store = server.store().clone();
    let pid = server.pid().to_string();
    for arguments in [&SERVE[..], &["import", "contacts", "-", "--format", "json"]] {
        let outcome = Invocation::new(arguments).on(&store).run();
        outcome.fails_with(64, &[store.data_dir().to_str().unwrap(), "in use", &pid]);
    }
    // The holder has not noticed, and its successor is welcome.
    let body = json!({"firstName": "Ada"});
    let answer = server
        .send_plain(reqwest::Method::POST, "/contacts", &body)
        .await;
    answer.document(201);
    server.kill_hard();
    let next = Setup::on(&store).start().await;
    assert_eq!(
        next.get("/contacts").await.document(200)["meta"]["total"],
        1
    );
}

#[tokio::test]
async fn a_damaged_file_is_code_69_and_is_not_touched() {
    let store = filled().await;
    let whole = std::fs::read(file(&store)).unwrap();
    assert!(whole.len() > 12 * 4096, "{}", whole.len());
    let mut garbled = whole.clone();
    garbled[4096 * 3..4096 * 12].fill(0xa5);
    let mut headless = whole.clone();
    headless[..50].fill(0);
    for (damage, damaged) in [
        ("garbled pages", garbled),
        ("no header", headless),
        ("half a file", whole[..whole.len() / 2].to_vec()),
        ("another format", b"this is not a database\n".repeat(300)),
    ] {
        std::fs::write(file(&store), &damaged).unwrap();
        let before = files(&store.data_dir());
        for arguments in [&SERVE[..], &["export", "contacts"]] {
            let outcome = Invocation::new(arguments).on(&store).run();
            outcome.fails_with(69, &[file(&store).to_str().unwrap(), "damaged", "backup"]);
        }
        assert!(
            files(&store.data_dir()) == before,
            "{damage}: the files have changed"
        );
    }
    std::fs::write(file(&store), &whole).unwrap();
    let server = Setup::on(&store).start().await;
    assert_eq!(
        server.get("/contacts").await.document(200)["meta"]["total"],
        100
    );
}

#[tokio::test]
async fn a_file_of_another_program_or_a_newer_version_is_code_64_and_is_not_touched() {
    let store = filled().await;
    let whole = std::fs::read(file(&store)).unwrap();
    for (place, text) in [
        (APPLICATION_ID, "another program"),
        (USER_VERSION, "newer version"),
    ] {
        let mut other = whole.clone();
        other[place].copy_from_slice(&[0, 0, 3, 9]);
        std::fs::write(file(&store), &other).unwrap();
        let before = files(&store.data_dir());
        serve(&store).fails_with(64, &[file(&store).to_str().unwrap(), text]);
        assert!(
            files(&store.data_dir()) == before,
            "{text}: the files have changed"
        );
    }
}

#[tokio::test]
async fn the_log_of_a_crash_beside_a_damaged_file_is_not_touched() {
    let store = filled().await;
    let server = Setup::on(&store).start().await;
    let body = json!({"firstName": "Ada"});
    let answer = server
        .send_plain(reqwest::Method::POST, "/contacts", &body)
        .await;
    answer.document(201);
    server.kill_hard();
    let whole = std::fs::read(file(&store)).unwrap();
    let mut garbled = whole.clone();
    garbled[4096 * 3..4096 * 12].fill(0xa5);
    std::fs::write(file(&store), garbled).unwrap();
    let before = files(&store.data_dir());
    assert!(
        before.contains_key("monocoque.sqlite-wal"),
        "{:?}",
        before.keys()
    );
    serve(&store).fails_with(69, &["damaged"]);
    assert!(files(&store.data_dir()) == before, "the files have changed");
    // Whoever restores the file has the write of the log too.
    std::fs::write(file(&store), whole).unwrap();
    let server = Setup::on(&store).start().await;
    assert_eq!(
        server.get("/contacts").await.document(200)["meta"]["total"],
        101
    );
}

#[test]
fn a_misspelled_data_directory_is_not_an_empty_collection() {
    let store = Store::fresh();
    let outcome = Invocation::new(&["export", "contacts"]).on(&store).run();
    outcome.fails_with(64, &["there is no store"]);
    assert!(!store.data_dir().exists());
}

#[tokio::test]
async fn an_empty_store_still_knows_the_kind_of_its_ids() {
    let definition = "type: books\nid: uuid\nattributes: {type: object}\n";
    let store = Store::fresh();
    let folder = crate::harness::folder_with(&[("books.yaml", definition)]);
    let server = Setup::on(&store).definitions(folder.path()).start().await;
    assert!(server.terminate().await.success());
    let definition = definition.replace("uuid", "integer");
    let other = crate::harness::folder_with(&[("books.yaml", &definition)]);
    let resources = ["--resources", other.path().to_str().unwrap()];
    let outcome = Invocation::new(&[&SERVE[..], &resources].concat())
        .on(&store)
        .run();
    outcome.fails_with(64, &["books", "uuid", "integer"]);
}

#[tokio::test]
async fn an_export_beside_a_process_has_what_was_committed_and_leaves_nothing_behind() {
    let server = Server::start().await;
    let body = json!({"firstName": "Ada"});
    let answer = server
        .send_plain(reqwest::Method::POST, "/contacts", &body)
        .await;
    answer.document(201);
    let store = server.store();
    let before = files(&store.data_dir());
    let export = ["export", "contacts", "--format", "ndjson"];
    let outcome = Invocation::new(&export).on(store).run();
    assert!(outcome.output().ends_with(",\"firstName\":\"Ada\"}\n"));
    assert_eq!(before.len(), files(&store.data_dir()).len());
    let answer = server
        .send_plain(reqwest::Method::POST, "/contacts", &body)
        .await;
    answer.document(201);
}

#[tokio::test]
async fn a_backup_is_restored_into_an_empty_directory_and_a_damaged_one_nowhere() {
    let store = filled().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let made = Invocation::new(&["backup", &path("backup")])
        .on(&store)
        .run();
    assert_eq!(made.code, 0, "{made:?}");
    let restore = |file: &str, data: &str| {
        Invocation::new(&["restore", &path(file), "--data-dir", &path(data)]).run()
    };
    let again = Invocation::new(&["restore", &path("backup")])
        .on(&store)
        .run();
    again.fails_with(64, &["has a store already"]);
    assert_eq!(restore("backup", "data").code, 0);
    let export = |data: &str| {
        let export = ["export", "contacts", "--data-dir", data];
        Invocation::new(&export).run().output().to_owned()
    };
    let original = export(store.data_dir().to_str().unwrap());
    assert_eq!(export(&path("data")), original);
    // Bytes of documents are others. SQLite leaves pieces of them where nothing is any more, too.
    let mut bytes = std::fs::read(path("backup")).unwrap();
    for place in (8..bytes.len()).rev() {
        if bytes[place - 8..place] == *b"xxxxxxxx" {
            bytes[place - 1] = b'y';
        }
    }
    std::fs::write(path("damaged"), &bytes).unwrap();
    restore("damaged", "other").fails_with(69, &["is damaged", "does not fit its checksum"]);
    std::fs::write(path("foreign"), "no store").unwrap();
    restore("foreign", "nowhere").fails_with(64, &["foreign is no backup"]);
    assert!(!folder.path().join("nowhere").exists());
    restore("absent", "other").fails_with(64, &["absent"]);
    assert!(!folder.path().join("other/monocoque.sqlite").exists());
}
