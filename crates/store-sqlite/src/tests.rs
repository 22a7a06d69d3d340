//! The contract, and what is particular to this store.

use super::*;
use resources::store::{Write, contract};

fn fresh() -> std::future::Ready<(tempfile::TempDir, SqliteStore)> {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    std::future::ready((folder, store))
}

contract::clauses!(fresh);

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
    let store = SqliteStore::open(folder.path()).unwrap();
    store
        .prepare(std::slice::from_ref(&resource_type))
        .await
        .unwrap();
    assert_eq!(
        store.next_ids(&resource_type, 1).await.unwrap(),
        [Id::Integer(8)]
    );
}
