//! The contract, and what is particular to this store.

use super::*;
use resources::store::{Write, contract};
use std::ops::ControlFlow;

fn open(data_dir: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(data_dir, &SqliteSettings::default())
}

fn fresh() -> std::future::Ready<(tempfile::TempDir, SqliteStore)> {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    std::future::ready((folder, store))
}

contract::clauses!(fresh);
contract::clauses_of_changes!(fresh);

#[tokio::test]
async fn a_collection_with_ids_of_another_kind_is_not_used() {
    let (_folder, store) = fresh().await;
    let declared = |kind: &str| {
        let text = format!("type: t\nid: {kind}\nattributes: {{type: object}}\n");
        Arc::new(resources::schema::parse(&text).unwrap())
    };
    store.prepare(&[declared("uuid")]).await.unwrap();
    let error = store.prepare(&[declared("integer")]).await.unwrap_err();
    assert!(
        error.to_string().contains("ids of the kind uuid"),
        "{error}"
    );
}

async fn unique_on(store: &SqliteStore, attributes: &str) -> Arc<ResourceType> {
    let indexes = match attributes {
        "" => String::new(),
        names => format!("indexes: [{{attributes: [{names}], unique: true}}]\n"),
    };
    let text = format!("type: t\nattributes: {{type: object}}\n{indexes}");
    let resource_type = Arc::new(resources::schema::parse(&text).unwrap());
    store
        .prepare(std::slice::from_ref(&resource_type))
        .await
        .unwrap();
    resource_type
}

async fn insert(
    store: &SqliteStore,
    resource_type: &Arc<ResourceType>,
    value: serde_json::Value,
) -> Result<Vec<Written>, WriteError> {
    let serde_json::Value::Object(members) = value else {
        panic!("not an object")
    };
    let id = store.next_ids(resource_type, 1).await.unwrap().remove(0);
    let write = Write::insert(resource_type, id, members);
    store.write(Unit::new(vec![write])).await
}

#[tokio::test]
async fn names_that_differ_in_case_or_commas_stay_apart() {
    let (_folder, store) = fresh().await;
    let text = "type: t\nattributes: {type: object}\nindexes:\n\
                - {attributes: [title], unique: true}\n- {attributes: [Title], unique: true}\n";
    let resource_type = Arc::new(resources::schema::parse(text).unwrap());
    store
        .prepare(std::slice::from_ref(&resource_type))
        .await
        .unwrap();
    for title in ["title", "Title"] {
        let value = || serde_json::json!({ title: "T" });
        insert(&store, &resource_type, value()).await.unwrap();
        assert!(
            insert(&store, &resource_type, value()).await.is_err(),
            "{title}"
        );
    }
    let collection = |name: &str, kind: &str| {
        let text =
            format!("type: c\ncollection: {name}\nid: {kind}\nattributes: {{type: object}}\n");
        Arc::new(resources::schema::parse(&text).unwrap())
    };
    store
        .prepare(&[collection("Shared", "objectId")])
        .await
        .unwrap();
    let other = collection("shared", "integer");
    store.prepare(std::slice::from_ref(&other)).await.unwrap();
    insert(&store, &other, serde_json::json!({})).await.unwrap();
}

#[tokio::test]
async fn values_of_different_kinds_never_clash_and_equal_numbers_do() {
    let (_folder, store) = fresh().await;
    let resource_type = unique_on(&store, "x").await;
    for value in [
        serde_json::json!(1),
        true.into(),
        "1".into(),
        "true".into(),
        "[1]".into(),
    ] {
        insert(&store, &resource_type, serde_json::json!({ "x": value }))
            .await
            .unwrap();
    }
    insert(&store, &resource_type, serde_json::json!({"x": [1]}))
        .await
        .unwrap();
    assert!(
        insert(&store, &resource_type, serde_json::json!({"x": 1.0}))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn integers_that_were_stored_are_not_given_out_after_a_restart() {
    let (folder, store) = fresh().await;
    let text = "type: t\nid: integer\nattributes: {type: object}\n";
    let resource_type = Arc::new(resources::schema::parse(text).unwrap());
    store
        .prepare(std::slice::from_ref(&resource_type))
        .await
        .unwrap();
    let ids = store.next_ids(&resource_type, 7).await.unwrap();
    let writes = |id| {
        vec![Write::insert(
            &resource_type,
            id,
            resources::schema::Attributes::new(),
        )]
    };
    store
        .write(Unit::new(writes(ids[6].clone())))
        .await
        .unwrap();
    let delete = Write::delete(&resource_type, ids[6].clone());
    store.write(Unit::new(vec![delete])).await.unwrap();
    drop(store);
    let store = open(folder.path()).unwrap();
    store
        .prepare(std::slice::from_ref(&resource_type))
        .await
        .unwrap();
    assert_eq!(
        store.next_ids(&resource_type, 1).await.unwrap(),
        [Id::Integer(8)]
    );
}

async fn ids(store: &SqliteStore, resource_type: &Arc<ResourceType>) -> Vec<String> {
    let page = store.list(resource_type, &Query::first(1000)).await;
    let resources = page.unwrap().resources;
    resources
        .iter()
        .map(|resource| resource.id.to_string())
        .collect()
}

const UNHURRIED: BackupSettings = BackupSettings {
    files_mode: 0o600,
    bytes_per_second_max: 1 << 30,
};

/// A backup that nobody ends.
pub(super) fn copied(data_dir: &Path, target: &Path) -> Result<u64, StoreError> {
    back_up(data_dir, target, &UNHURRIED, &mut |_| {
        ControlFlow::Continue(())
    })
}

#[tokio::test]
async fn a_backup_that_is_ended_leaves_nothing_and_one_that_was_killed_no_file_of_its_name() {
    let (folder, store) = fresh().await;
    let of = unique_on(&store, "").await;
    for number in 0..40 {
        let text = "x".repeat(20_000);
        let inserted = insert(&store, &of, serde_json::json!({"n": number, "text": text})).await;
        inserted.unwrap();
    }
    let copies = tempfile::tempdir().unwrap();
    let (target, other) = (copies.path().join("copy"), copies.path().join("other"));
    let mut told = Vec::new();
    let mut end_at_the_second = |progress| {
        told.push(progress);
        if told.len() < 2 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let ended = back_up(folder.path(), &target, &UNHURRIED, &mut end_at_the_second);
    assert!(
        matches!(ended, Err(StoreError::Unavailable(_))),
        "{ended:?}"
    );
    assert!(told[0].copied < told[1].copied && told[1].copied < told[1].total);
    let names = || {
        let entries = std::fs::read_dir(copies.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(names().len(), 0);
    // As a killed process leaves it, and as one that runs has it.
    std::fs::write(copies.path().join(".copy.1.partial"), "half").unwrap();
    let in_use = std::fs::File::create(copies.path().join(".copy.2.partial")).unwrap();
    in_use.lock().unwrap();
    copied(folder.path(), &other).unwrap();
    assert_eq!(names().len(), 3);
    copied(folder.path(), &target).unwrap();
    let left = [".copy.2.partial", "copy", "other"].map(str::to_owned);
    assert_eq!(names(), left.into());
}

#[tokio::test]
async fn a_snapshot_shows_one_moment_and_is_not_in_the_way_of_writes() {
    let (folder, store) = fresh().await;
    let of = unique_on(&store, "number").await;
    let numbers = 0..1200;
    for number in numbers {
        let inserted = insert(&store, &of, serde_json::json!({"number": number})).await;
        inserted.unwrap();
    }
    let before = ids(&store, &of).await;
    let snapshot = Snapshot::open(folder.path()).unwrap();
    let inserted = insert(&store, &of, serde_json::json!({"number": -1})).await;
    inserted.unwrap();
    let mut scan = snapshot.scan(&of).await.unwrap();
    let mut seen = Vec::new();
    while let Some(batch) = scan.next().await.unwrap() {
        // Others can be asked for between two parts of a scan.
        let first = batch.iter().next().unwrap().id.clone();
        let found = snapshot.find(&of, &[first], &Filter::Everything).await;
        assert!(found.unwrap()[0].is_some());
        seen.extend(batch.iter().map(|one| one.id.to_string()));
    }
    assert_eq!((seen.len(), &seen[..1000]), (1200, &before[..]));
    let page = snapshot.list(&of, &Query::first(1)).await.unwrap();
    assert_eq!(page.total, Some(resources::query::Total::Exact(1200)));
    let never_made = resources::schema::parse("type: never\nattributes: {type: object}\n").unwrap();
    let never_made = Arc::new(never_made);
    let page = snapshot.list(&never_made, &Query::first(1)).await.unwrap();
    assert_eq!(page.total, Some(resources::query::Total::Exact(0)));
    let mut scan = snapshot.scan(&never_made).await.unwrap();
    assert!(scan.next().await.unwrap().is_none());
    let refused = snapshot.explain(&never_made, &Query::first(1)).await;
    assert!(
        matches!(refused, Err(StoreError::Unusable(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_backup_under_writes_opens_as_a_store_with_all_that_was_acknowledged_before() {
    let (folder, store) = fresh().await;
    let contacts = unique_on(&store, "number").await;
    for number in 0..50 {
        let inserted = insert(&store, &contacts, serde_json::json!({"number": number})).await;
        inserted.unwrap();
    }
    let before = ids(&store, &contacts).await;
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("monocoque.sqlite");
    let (data, target) = (folder.path().to_owned(), copy.clone());
    let backup = tokio::task::spawn_blocking(move || copied(&data, &target));
    for number in 50..100 {
        let inserted = insert(&store, &contacts, serde_json::json!({"number": number})).await;
        inserted.unwrap();
    }
    let size = backup.await.unwrap().unwrap();
    let mode = std::fs::metadata(&copy).unwrap().permissions();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
        0o600
    );
    assert_eq!(size, std::fs::metadata(&copy).unwrap().len());
    assert_eq!(std::fs::read_dir(copies.path()).unwrap().count(), 1);

    let restored = SqliteStore::open(copies.path(), &SqliteSettings::default()).unwrap();
    let contacts = unique_on(&restored, "number").await;
    let found = ids(&restored, &contacts).await;
    assert_eq!(found[..50], before);
    let refused = insert(&restored, &contacts, serde_json::json!({"number": 7})).await;
    assert!(matches!(refused, Err(WriteError::Refused { .. })));
}

#[tokio::test]
async fn a_backup_takes_no_file_s_place_and_needs_a_store() {
    let (folder, _store) = fresh().await;
    let taken = folder.path().join("monocoque.sqlite");
    let error = copied(folder.path(), &taken).unwrap_err();
    assert!(error.to_string().contains("is there already"), "{error}");
    let error = copied(&folder.path().join("absent"), &taken).unwrap_err();
    assert!(error.to_string().contains("there is no store"), "{error}");
    let nowhere = folder.path().join("absent/copy");
    let error = copied(folder.path(), &nowhere).unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_updates_at_once_lose_nothing() {
    let (_folder, store) = fresh().await;
    let store = Arc::new(store);
    let of = unique_on(&store, "").await;
    let large = serde_json::json!({"text": "x".repeat(resources::work::LARGE_BYTES)});
    let stored = insert(&store, &of, large).await.unwrap();
    let Written::Stored(Resource { id, .. }) = &stored[0] else {
        panic!("{stored:?}")
    };
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..30 {
        let members = serde_json::json!({ format!("a{number}"): number });
        let serde_json::Value::Object(members) = members else {
            unreachable!()
        };
        let mut writes = vec![Write::update(&of, id.clone(), members.clone())];
        if number % 3 == 0 {
            // Two large writes in a unit, of which the second meets what the first has left.
            writes.push(Write::update(&of, id.clone(), members));
        }
        let store = store.clone();
        tasks.spawn(async move { store.write(Unit::new(writes)).await.unwrap() });
    }
    tasks.join_all().await;
    let found = store.find(&of, std::slice::from_ref(id), &Filter::Everything);
    let text = found.await.unwrap().remove(0).unwrap().text;
    let members: resources::schema::Attributes = serde_json::from_str(&text).unwrap();
    assert_eq!(members.len(), 31);
}

#[tokio::test]
async fn a_writer_that_is_stuck_is_noticed() {
    let (folder, store) = fresh().await;
    let of = unique_on(&store, "").await;
    let store = Arc::new(store);
    let other = rusqlite::Connection::open(folder.path().join(file::NAME)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let stuck = tokio::spawn({
        let (store, of) = (store.clone(), of.clone());
        async move { insert(&store, &of, serde_json::json!({})).await }
    });
    let patience = std::time::Duration::from_millis(20);
    while store.writer.check_within(patience).is_ok() {
        assert!(!stuck.is_finished(), "the write was not held up");
        tokio::time::sleep(patience).await;
    }
    // Slow is not stuck.
    store.ping().await.unwrap();
    other.execute_batch("ROLLBACK").unwrap();
    stuck.await.unwrap().unwrap();
    // The thread may still be answering.
    while store.writer.check_within(patience / 20).is_err() {
        tokio::time::sleep(patience).await;
    }
}

#[tokio::test]
async fn the_writer_decides_nothing_large() {
    let (_folder, store) = fresh().await;
    let of = unique_on(&store, "").await;
    let large = serde_json::json!({"text": "x".repeat(resources::work::LARGE_BYTES)});
    let stored = insert(&store, &of, large).await.unwrap();
    let Written::Stored(resource) = &stored[0] else {
        panic!("{stored:?}")
    };
    let update = Write::update(
        &of,
        resource.id.clone(),
        resources::schema::Attributes::new(),
    );
    let unit = Arc::new(Unit::new(vec![update]));
    let tried = store.writer.try_write(unit, Vec::new()).await;
    let Err(unit::Undone::Undecided { index: 0, current }) = tried else {
        panic!("the writer has decided")
    };
    assert_eq!(current, resource.text);
}

mod changes;
mod files;
mod keys;
mod pages;
mod queries;
mod sentences;
