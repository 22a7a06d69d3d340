//! What the store does when its files are taken away, changed or damaged.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use resources::query::Total;

use super::*;

const LOG: &str = "monocoque.sqlite-wal";

/// A store with one resource, and the type of that.
async fn filled() -> (tempfile::TempDir, SqliteStore, Arc<ResourceType>) {
    let (folder, store) = fresh().await;
    let of = unique_on(&store, "").await;
    insert(&store, &of, serde_json::json!({"n": 1}))
        .await
        .unwrap();
    (folder, store, of)
}

fn path(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

/// The files of a data directory, as they would be after `kill -9`.
fn copy(folder: &tempfile::TempDir) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

fn backup() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    std::fs::read(path(&folder, file::NAME)).unwrap()
}

#[track_caller]
fn is_refused(folder: &tempfile::TempDir, reason: &str) {
    let error = open(folder.path()).err().expect("it is opened").to_string();
    assert!(error.contains(reason), "{error}");
    assert!(error.contains("backup"), "{error}");
}

#[tokio::test]
async fn no_write_is_acknowledged_into_files_that_are_gone() {
    type Loss = fn(&tempfile::TempDir);
    let losses: [(&str, Loss); 6] = [
        ("was deleted", |folder| {
            std::fs::remove_file(path(folder, file::NAME)).unwrap();
        }),
        ("was deleted", |folder| {
            std::fs::remove_file(path(folder, LOG)).unwrap();
        }),
        ("was deleted", |folder| {
            std::fs::remove_dir_all(folder.path()).unwrap();
        }),
        ("was replaced", |folder| {
            std::fs::write(path(folder, "backup"), backup()).unwrap();
            std::fs::rename(path(folder, "backup"), path(folder, file::NAME)).unwrap();
        }),
        ("was changed", |folder| {
            // In place, and longer than what was there.
            let longer = [backup(), vec![0; 4096 * 64]].concat();
            std::fs::write(path(folder, file::NAME), longer).unwrap();
        }),
        ("was cut short", |folder| {
            let log = std::fs::OpenOptions::new()
                .write(true)
                .open(path(folder, LOG));
            let log = log.unwrap();
            log.set_len(log.metadata().unwrap().len() / 2).unwrap();
        }),
    ];
    for (reason, lose) in losses {
        let (folder, store, of) = filled().await;
        lose(&folder);
        let there = std::fs::read(path(&folder, file::NAME)).ok();
        let failed = insert(&store, &of, serde_json::json!({}))
            .await
            .unwrap_err();
        assert!(failed.to_string().contains(reason), "{reason}: {failed}");
        // It stays so, even if something stands there again, and readiness and reads say so.
        assert!(insert(&store, &of, serde_json::json!({})).await.is_err());
        assert!(store.ping().await.is_err());
        let deadline = Instant::now() + Duration::from_secs(10);
        // Reads rely on a look of a moment ago.
        while store.list(&of, &Query::first(1)).await.is_ok() {
            assert!(Instant::now() < deadline, "reads go on");
        }
        drop(store);
        // What stands there belongs to somebody else.
        assert!(
            std::fs::read(path(&folder, file::NAME)).ok() == there,
            "{reason}"
        );
    }
}

#[tokio::test]
async fn an_import_whose_files_are_lost_ends() {
    use resources::schema::Attributes;
    use resources::store::NewResource;
    for mode in [ImportMode::AllOrNothing, ImportMode::EachBatch] {
        let (folder, store, of) = filled().await;
        let mut import = store.import(&of, mode).await.unwrap();
        let row = NewResource {
            id: store.next_ids(&of, 1).await.unwrap().remove(0),
            attributes: Attributes::new(),
        };
        import.insert(vec![row]).await.unwrap();
        std::fs::remove_file(path(&folder, file::NAME)).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(10), import.commit());
        let committed = ended.await.expect("the import hangs");
        assert!(committed.is_err() || mode == ImportMode::EachBatch);
        assert!(insert(&store, &of, serde_json::json!({})).await.is_err());
    }
}

#[tokio::test]
async fn readiness_notices_a_loss_without_a_write() {
    let (folder, store, _) = filled().await;
    store.ping().await.unwrap();
    std::fs::remove_file(path(&folder, file::NAME)).unwrap();
    assert!(store.ping().await.is_err());
    drop(store);
    is_refused(&folder, "was deleted");
}

#[tokio::test]
async fn a_check_looks_at_what_was_lost_and_makes_no_directory() {
    let (folder, store, of) = filled().await;
    drop(store);
    let whole = std::fs::read(path(&folder, file::NAME)).unwrap();
    let store = open(folder.path()).unwrap();
    store.prepare(std::slice::from_ref(&of)).await.unwrap();
    std::fs::remove_file(path(&folder, file::NAME)).unwrap();
    store.ping().await.unwrap_err();
    drop(store);
    let check = |folder: &Path| SqliteStore::check(folder, &SqliteSettings::default());
    let gone = check(folder.path()).unwrap_err();
    assert!(matches!(gone, StoreError::Unusable(_)), "{gone}");
    std::fs::write(path(&folder, file::NAME), whole).unwrap();
    let report = check(folder.path()).unwrap();
    assert_eq!(report.resources, 1);
    let damages = &report.damages;
    assert!(
        damages.len() == 1 && damages[0].contains("was deleted"),
        "{damages:?}"
    );
    let absent = path(&folder, "absent");
    assert!(check(&absent).is_err() && !absent.exists());
}

#[tokio::test]
async fn files_that_cannot_be_looked_at_for_a_while_are_not_lost() {
    let (folder, store, of) = filled().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("data");
    std::fs::rename(folder.path(), &moved).unwrap();
    // Not "there is no such file", but "that is no directory".
    std::fs::write(folder.path(), "").unwrap();
    let refused = insert(&store, &of, serde_json::json!({})).await;
    assert!(
        matches!(refused, Err(WriteError::Store(StoreError::Unavailable(_)))),
        "{refused:?}"
    );
    assert!(store.ping().await.is_err());
    let deadline = Instant::now() + Duration::from_secs(10);
    // Reads rely on a look of a moment ago.
    while store.list(&of, &Query::first(1)).await.is_ok() {
        assert!(Instant::now() < deadline, "reads go on");
    }
    std::fs::remove_file(folder.path()).unwrap();
    std::fs::rename(&moved, folder.path()).unwrap();
    insert(&store, &of, serde_json::json!({})).await.unwrap();
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_read_notices_a_loss_without_a_write() {
    let (folder, store, of) = filled().await;
    std::fs::remove_file(path(&folder, file::NAME)).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match store.list(&of, &Query::first(1)).await {
            Err(StoreError::Lost(_)) => break,
            // Somebody else's look was just before the deletion.
            Ok(_) => assert!(Instant::now() < deadline, "the loss is not noticed"),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(store.changes(), None);
}

#[tokio::test]
async fn readers_that_are_replaced_read_no_other_file() {
    let (folder, store, of) = filled().await;
    let readers = store.readers.clone();
    while readers.idle_count() > 0 {
        let panics = readers.run(|_| -> rusqlite::Result<()> { panic!("a reader panics") });
        panics.await.unwrap_err();
    }
    assert_eq!(
        store
            .list(&of, &Query::first(1))
            .await
            .unwrap()
            .total
            .map(Total::number),
        Some(1)
    );
    readers
        .run(|_| -> rusqlite::Result<()> { panic!("the new one, too") })
        .await
        .unwrap_err();
    std::fs::write(path(&folder, "backup"), backup()).unwrap();
    std::fs::rename(path(&folder, "backup"), path(&folder, file::NAME)).unwrap();
    let listed = store.list(&of, &Query::first(1)).await;
    assert!(matches!(listed, Err(StoreError::Lost(_))), "{listed:?}");
}

#[tokio::test]
async fn a_start_without_a_part_of_what_was_acknowledged_is_refused() {
    let (folder, store, of) = filled().await;
    let crashed = copy(&folder);
    std::fs::remove_file(path(&crashed, LOG)).unwrap();
    is_refused(&crashed, "the log is missing");
    let copies = tempfile::tempdir().unwrap();
    let refused = copied(crashed.path(), &path(&copies, "copy"));
    assert!(
        matches!(refused, Err(StoreError::Corrupt(_))),
        "{refused:?}"
    );
    assert_eq!(std::fs::read_dir(copies.path()).unwrap().count(), 0);
    let crashed = copy(&folder);
    std::fs::write(path(&crashed, file::NAME), "").unwrap();
    is_refused(&crashed, "the file is empty");
    let crashed = copy(&folder);
    std::fs::remove_file(path(&crashed, file::NAME)).unwrap();
    is_refused(&crashed, "a log without its file");
    let crashed = copy(&folder);
    std::fs::write(path(&crashed, file::NAME), backup()).unwrap();
    let before = std::fs::read(path(&crashed, LOG)).unwrap();
    is_refused(&crashed, "belongs to another");
    assert!(std::fs::read(path(&crashed, LOG)).unwrap() == before);
    // Whole copies of a crash and of a stop are fine, and so is a file without its lock.
    let total = async |folder: &tempfile::TempDir| {
        let store = open(folder.path()).unwrap();
        store.prepare(std::slice::from_ref(&of)).await.unwrap();
        store
            .list(&of, &Query::first(1))
            .await
            .unwrap()
            .total
            .map(Total::number)
    };
    let crashed = copy(&folder);
    assert_eq!(total(&crashed).await, Some(1));
    let again = open(crashed.path()).unwrap();
    assert_eq!(
        total(&copy(&crashed)).await,
        Some(1),
        "a crash after a crash"
    );
    drop((again, store));
    let idle = open(folder.path()).unwrap();
    idle.prepare(std::slice::from_ref(&of)).await.unwrap();
    assert_eq!(
        total(&copy(&folder)).await,
        Some(1),
        "a crash before the first write"
    );
    drop(idle);
    assert!(!path(&folder, LOG).exists());
    assert_eq!(total(&copy(&folder)).await, Some(1));
    std::fs::remove_file(path(&folder, "monocoque.lock")).unwrap();
    assert_eq!(total(&folder).await, Some(1));
}

#[tokio::test]
async fn a_store_that_was_opened_beside_a_reader_opens_after_a_crash() {
    let (folder, store, of) = filled().await;
    let crashed = copy(&folder);
    drop(store);
    // Such as a backup: its log cannot be emptied at the start.
    let mut reader = rusqlite::Connection::open(path(&crashed, file::NAME)).unwrap();
    let moment = reader.transaction().unwrap();
    let count = "SELECT count(*) FROM collections";
    moment.query_one(count, [], |_| Ok(())).unwrap();
    let store = open(crashed.path()).unwrap();
    store.prepare(std::slice::from_ref(&of)).await.unwrap();
    drop(moment);
    drop(reader);
    // Enough for SQLite to bring the log into the file by itself.
    for _ in 0..3 {
        let large = serde_json::json!({"text": "x".repeat(3 << 20)});
        insert(&store, &of, large).await.unwrap();
    }
    let again = open(copy(&crashed).path());
    assert!(again.is_ok(), "{:?}", again.err());
}

#[tokio::test]
async fn files_are_for_their_owner_unless_a_setting_says_otherwise() {
    use std::os::unix::fs::PermissionsExt;
    for (settings, folder_mode) in [
        (SqliteSettings::default(), 0o700),
        (
            SqliteSettings {
                files_mode: 0o640,
                ..SqliteSettings::default()
            },
            0o750,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let store = SqliteStore::open(&data, &settings).unwrap();
        store.prepare(&[]).await.unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), folder_mode);
        for entry in std::fs::read_dir(&data).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), settings.files_mode, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn a_byte_that_has_flipped_is_noticed_when_it_is_read_and_by_a_check() {
    let (folder, store) = fresh().await;
    let of = unique_on(&store, "").await;
    insert(&store, &of, serde_json::json!({"text": "sound"}))
        .await
        .unwrap();
    let stored = insert(&store, &of, serde_json::json!({"text": "flipped here"})).await;
    let Written::Stored(flipped) = stored.unwrap().remove(0) else {
        panic!("nothing was stored")
    };
    drop(store);
    let settings = SqliteSettings::default();
    let report = SqliteStore::check(folder.path(), &settings).unwrap();
    assert_eq!(
        (report.resources, report.unchecked, report.damages.len()),
        (2, 0, 0)
    );
    let mut bytes = std::fs::read(path(&folder, file::NAME)).unwrap();
    let at = bytes
        .windows(7)
        .position(|window| window == b"flipped")
        .unwrap();
    bytes[at] = b'F';
    std::fs::write(path(&folder, file::NAME), bytes).unwrap();
    let report = SqliteStore::check(folder.path(), &settings).unwrap();
    assert_eq!(report.damages.len(), 1, "{report:?}");
    assert!(
        report.damages[0].contains(&flipped.id.to_string()),
        "{report:?}"
    );
    let store = open(folder.path()).unwrap();
    store.prepare(std::slice::from_ref(&of)).await.unwrap();
    let id = flipped.id.to_string();
    let found = store.find(&of, &[flipped.id], &Filter::Everything).await;
    assert!(
        matches!(&found, Err(StoreError::Corrupt(text)) if text.contains(&id)),
        "{found:?}"
    );
    let listed = store.list(&of, &Query::first(9)).await;
    assert!(matches!(listed, Err(StoreError::Corrupt(_))), "{listed:?}");
}

#[tokio::test]
async fn files_of_earlier_versions_are_read_and_counted() {
    let (folder, store, of) = filled().await;
    drop(store);
    let connection = rusqlite::Connection::open(path(&folder, file::NAME)).unwrap();
    connection
        .execute_batch(
            "DROP TRIGGER \"count:INSERT:t\"; DROP TRIGGER \"count:DELETE:t\"; \
             DROP TRIGGER \"change:INSERT:t\"; DROP TRIGGER \"change:UPDATE:t\"; \
             DROP TRIGGER \"change:DELETE:t\"; DROP TABLE changes; \
             ALTER TABLE collections DROP COLUMN resources; \
             ALTER TABLE collections DROP COLUMN definition; \
             ALTER TABLE \"collection:t\" DROP COLUMN checksum; DROP TABLE token; \
             DROP TABLE idempotency_keys; DROP TABLE idempotency_kept; \
             PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(connection);
    let store = open(folder.path()).unwrap();
    store.prepare(std::slice::from_ref(&of)).await.unwrap();
    insert(&store, &of, serde_json::json!({"n": 2}))
        .await
        .unwrap();
    let page = store.list(&of, &Query::first(9)).await.unwrap();
    assert_eq!(page.resources.len(), 2);
    assert_eq!(page.total, Some(Total::Exact(2)));
    drop(store);
    let report = SqliteStore::check(folder.path(), &SqliteSettings::default()).unwrap();
    assert_eq!((report.resources, report.unchecked), (2, 1));
    assert_eq!(report.damages, [""; 0]);
}
