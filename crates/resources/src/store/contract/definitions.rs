//! What a store knows of definitions that have changed.

use super::*;

const PLAIN: &str = "type: users\nattributes: {type: object}\n";
const UNIQUE: &str = "type: users\nattributes: {type: object}\nindexes:\n\
                      - {attributes: [realm, -mail], unique: true}\n";

pub async fn values_that_a_new_unique_index_forbids_are_told_by_the_ids_that_have_them(
    store: AnyStore,
) {
    let plain = prepared(&store, PLAIN).await;
    let mut equal = Vec::new();
    for mail in ["x", "y", "x"] {
        let id = insert(&store, &plain, json!({"realm": 1, "mail": mail})).await;
        equal.push(id.id);
    }
    for _ in 0..2 {
        insert(&store, &plain, json!({"realm": 1})).await;
        insert(&store, &plain, json!({"realm": 1, "mail": null})).await;
    }
    assert_eq!(store.duplicates(&plain, 9).await.unwrap(), []);
    let unique = declared(UNIQUE);
    let found = store.duplicates(&unique, 9).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let mut ids = [found[0].one.clone(), found[0].other.clone()];
    ids.sort();
    let mut expected = [equal[0].clone(), equal[2].clone()];
    expected.sort();
    assert_eq!((found[0].count, ids), (2, expected));
    let refused = store.prepare(std::slice::from_ref(&unique)).await;
    let Err(StoreError::Unusable(text)) = refused else {
        panic!("{refused:?}")
    };
    for told in ["realm, mail", &equal[0].to_string(), &equal[2].to_string()] {
        assert!(text.contains(told), "{text}");
    }
    for _ in 0..3 {
        insert_as(&store, &plain, json!({"realm": 2, "mail": "z"})).await;
    }
    assert_eq!(store.duplicates(&unique, 1).await.unwrap().len(), 1);
    let found = store.duplicates(&unique, 9).await.unwrap();
    let mut counts: Vec<u64> = found.iter().map(|one| one.count).collect();
    counts.sort_unstable();
    assert_eq!(counts, [2, 3]);
}

/// Stores it under the old definition, which a refused one must not keep from being used.
async fn insert_as(store: &AnyStore, resource_type: &Arc<ResourceType>, value: Value) {
    store
        .prepare(std::slice::from_ref(resource_type))
        .await
        .unwrap();
    insert(store, resource_type, value).await;
}

pub async fn a_definition_that_was_noted_is_given_back(store: AnyStore) {
    let (users, things) = (prepared(&store, PLAIN).await, things(&store).await);
    assert_eq!(store.noted_definition(&users).await.unwrap(), None);
    for noted in ["one", "another"] {
        store.note_definition(&users, noted).await.unwrap();
        let given = store.noted_definition(&users).await.unwrap();
        assert_eq!(given.as_deref(), Some(noted));
    }
    assert_eq!(store.noted_definition(&things).await.unwrap(), None);
    let never_prepared = declared("type: others\nattributes: {type: object}\n");
    assert_eq!(store.noted_definition(&never_prepared).await.unwrap(), None);
}

pub async fn the_collections_that_have_resources_are_told_whatever_is_declared(store: AnyStore) {
    let (users, things) = (prepared(&store, PLAIN).await, things(&store).await);
    insert(&store, &things, json!({"n": 1})).await;
    insert(&store, &users, json!({"n": 1})).await;
    store.note_definition(&users, "one").await.unwrap();
    let told = store.collections().await.unwrap();
    assert_eq!(told, ["things", "users"]);
}
