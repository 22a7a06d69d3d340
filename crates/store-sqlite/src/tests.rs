//! The contract, and what is particular to this store.

use super::*;
use resources::store::{UnitParts, Write, contract};

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
    let backup = tokio::task::spawn_blocking(move || back_up(&data, &target, 0o600));
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
    let error = back_up(folder.path(), &taken, 0o600).unwrap_err();
    assert!(error.to_string().contains("is there already"), "{error}");
    let error = back_up(&folder.path().join("absent"), &taken, 0o600).unwrap_err();
    assert!(error.to_string().contains("there is no store"), "{error}");
    let nowhere = folder.path().join("absent/copy");
    let error = back_up(folder.path(), &nowhere, 0o600).unwrap_err();
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
    let unit = Arc::new(UnitParts {
        writes: vec![update],
        absences: Vec::new(),
    });
    let tried = store.writer.try_write(unit, Vec::new()).await;
    let Err(unit::Undone::Undecided { index: 0, current }) = tried else {
        panic!("the writer has decided")
    };
    assert_eq!(current, resource.text);
}

mod changes;
mod files;

mod pages;
mod queries;
mod sentences;
