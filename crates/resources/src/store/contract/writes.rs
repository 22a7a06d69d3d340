//! What each write does, and refuses.

use super::*;

pub async fn an_inserted_resource_is_found_as_it_was_given(store: AnyStore) {
    let resource_type = things(&store).await;
    let stored = insert(
        &store,
        &resource_type,
        json!({"zip": "70116", "a": {"b": [1, null]}}),
    )
    .await;
    assert_eq!(stored.text, r#"{"zip":"70116","a":{"b":[1,null]}}"#);
    assert_eq!(find(&store, &resource_type, &stored.id).await, Some(stored));
}

pub async fn any_json_value_is_kept(store: AnyStore) {
    let resource_type = things(&store).await;
    let value = json!({
        "text": "\u{0}\u{7f}\"\\/\u{1f600}\u{fffd}' ; -- ü", "empty": "", "null": null,
        "true": true, "max": i64::MAX, "min": i64::MIN, "zero": 0, "third": 0.333_333_333_333_333_3,
        "huge": 1e300, "tiny": -5e-324, "whole": 1.0, "none": {}, "nothing": [],
        "deep": [[[{"a": [{"": {}}]}]]], "ü $": {"$set": {"a.b": 1}}, "_": 1, "__proto__": {"x": 2}
    });
    let stored = insert(&store, &resource_type, value.clone()).await;
    assert_eq!(found(&store, &resource_type, &stored.id).await, value);
    assert_eq!(find(&store, &resource_type, &stored.id).await, Some(stored));
}

pub async fn an_id_that_is_taken_is_refused(store: AnyStore) {
    let resource_type = things(&store).await;
    let stored = insert(&store, &resource_type, json!({"n": 1})).await;
    let again = insertion(&resource_type, stored.id.clone(), json!({"n": 2}));
    assert_eq!(
        one(&store, again).await,
        Err(Refusal::IdTaken(stored.id.clone()))
    );
    assert_eq!(
        found(&store, &resource_type, &stored.id).await,
        json!({"n": 1})
    );
}

pub async fn ids_of_every_kind_are_kept(store: AnyStore) {
    for (kind, text) in [
        (IdKind::ObjectId, "5973ecc8c453c823e4c471d2"),
        (IdKind::String, "5973ecc8c453c823e4c471d2"),
        (IdKind::Uuid, "0198c2a7-1b2c-7def-8123-456789abcdef"),
        (IdKind::Integer, "42"),
    ] {
        let definition = format!("type: of-{kind}\nid: {kind}\nattributes: {{type: object}}\n");
        let resource_type = prepared(&store, &definition).await;
        let id = kind.parse(text).unwrap();
        one(
            &store,
            insertion(&resource_type, id.clone(), json!({"n": 1})),
        )
        .await
        .unwrap();
        assert_eq!(found(&store, &resource_type, &id).await, json!({"n": 1}));
        assert_eq!(
            page(&store, &resource_type, 0, 5)
                .await
                .resources
                .last()
                .unwrap()
                .id,
            &id
        );
    }
}

pub async fn the_store_chooses_integer_ids_and_none_twice(store: AnyStore) {
    let text = "type: orders\nid: integer\nattributes: {type: object}\n";
    let resource_type = prepared(&store, text).await;
    assert_eq!(
        insert(&store, &resource_type, json!({})).await.id,
        Id::Integer(1)
    );
    let chosen = insertion(&resource_type, Id::Integer(41), json!({}));
    one(&store, chosen).await.unwrap();
    assert_eq!(
        insert(&store, &resource_type, json!({})).await.id,
        Id::Integer(42)
    );
    one(&store, deletion(&resource_type, &Id::Integer(42)))
        .await
        .unwrap();
    assert_eq!(
        insert(&store, &resource_type, json!({})).await.id,
        Id::Integer(43)
    );
}

pub async fn ids_that_are_handed_out_at_once_are_all_different(store: AnyStore) {
    let text = "type: orders\nid: integer\nattributes: {type: object}\n";
    for resource_type in [prepared(&store, text).await, things(&store).await] {
        let mut tasks = tokio::task::JoinSet::new();
        for count in 0..20 {
            let (store, resource_type) = (store.clone(), resource_type.clone());
            tasks.spawn(async move { store.next_ids(&resource_type, count).await.unwrap() });
        }
        let ids: Vec<Id> = tasks.join_all().await.into_iter().flatten().collect();
        assert_eq!(ids.len(), (0..20).sum::<usize>());
        let distinct: std::collections::HashSet<&Id> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
    }
}

pub async fn collections_are_separate(store: AnyStore) {
    let things = things(&store).await;
    let others = prepared(&store, "type: others\nattributes: {type: object}\n").await;
    let stored = insert(&store, &things, json!({"n": 1})).await;
    assert_eq!(find(&store, &others, &stored.id).await, None);
    assert_eq!(
        page(&store, &others, 0, 5).await.total,
        Some(Total::Exact(0))
    );
}

pub async fn preparing_again_changes_nothing(store: AnyStore) {
    let resource_type = things(&store).await;
    let stored = insert(&store, &resource_type, json!({"n": 1})).await;
    store
        .prepare(std::slice::from_ref(&resource_type))
        .await
        .unwrap();
    assert_eq!(
        found(&store, &resource_type, &stored.id).await,
        json!({"n": 1})
    );
}

pub async fn an_update_changes_only_what_it_names(store: AnyStore) {
    let resource_type = things(&store).await;
    let id = insert(
        &store,
        &resource_type,
        json!({"a": 1, "b": {"c": 1}, "d": 4}),
    )
    .await
    .id;
    let change = update(
        &resource_type,
        &id,
        json!({"e": 5, "b": {"x": 2}, "a": null}),
    );
    let Written::Stored(resource) = one(&store, change).await.unwrap() else {
        panic!("deleted")
    };
    assert_eq!(resource.text, r#"{"a":null,"b":{"x":2},"d":4,"e":5}"#);
    assert_eq!(find(&store, &resource_type, &id).await, Some(resource));
}

pub async fn an_update_whose_result_is_not_valid_changes_nothing(store: AnyStore) {
    let text = "type: numbers\nattributes:\n  type: object\n  \
                properties: {n: {type: integer, maximum: 9}}\n";
    let resource_type = prepared(&store, text).await;
    let id = insert(&store, &resource_type, json!({"n": 1})).await.id;
    let refused = one(
        &store,
        update(&resource_type, &id, json!({"m": 3, "n": 10})),
    )
    .await;
    let Err(Refusal::Invalid(violations)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(violations[0].pointer, "/n");
    assert_eq!(found(&store, &resource_type, &id).await, json!({"n": 1}));
}

pub async fn a_write_to_another_version_is_refused_and_told_the_current_one(store: AnyStore) {
    let resource_type = things(&store).await;
    let first = insert(&store, &resource_type, json!({"n": 1})).await;
    let second = one(&store, update(&resource_type, &first.id, json!({"n": 2}))).await;
    let Ok(Written::Stored(second)) = second else {
        panic!("{second:?}")
    };
    let (old, new) = (
        Version::of_text(&first.text),
        Version::of_text(&second.text),
    );
    let id = first.id;
    for mut write in [
        update(&resource_type, &id, json!({"n": 3})),
        replacement(&resource_type, &id, json!({"n": 3})),
        deletion(&resource_type, &id),
        Write::exists(&resource_type, id.clone()),
    ] {
        write.guard.versions = Some(vec![old]);
        let version = new;
        let refused = Refusal::Changed {
            id: id.clone(),
            version,
        };
        assert_eq!(one(&store, write).await, Err(refused));
    }
    assert_eq!(found(&store, &resource_type, &id).await, json!({"n": 2}));
    let mut deletion = deletion(&resource_type, &id);
    deletion.guard.versions = Some(vec![new]);
    assert_eq!(one(&store, deletion).await, Ok(Written::Deleted));
}

pub async fn a_write_of_either_presence_creates_or_replaces(store: AnyStore) {
    let resource_type = things(&store).await;
    let id = fresh_id(&resource_type);
    for n in 1..=2 {
        let mut put = replacement(&resource_type, &id, json!({"n": n}));
        put.guard.presence = Presence::Either;
        assert!(matches!(one(&store, put).await, Ok(Written::Stored(_))));
        assert_eq!(found(&store, &resource_type, &id).await, json!({"n": n}));
    }
    for outcome in [Written::Deleted, Written::Unchanged] {
        let mut deletion = deletion(&resource_type, &id);
        deletion.guard.presence = Presence::Either;
        assert_eq!(one(&store, deletion).await, Ok(outcome));
    }
}

pub async fn a_replacement_takes_the_place_of_all_attributes(store: AnyStore) {
    let resource_type = things(&store).await;
    let id = insert(&store, &resource_type, json!({"a": 1, "b": 2}))
        .await
        .id;
    let replaced = one(&store, replacement(&resource_type, &id, json!({"c": 3}))).await;
    assert!(matches!(replaced, Ok(Written::Stored(resource)) if resource.text == r#"{"c":3}"#));
    assert_eq!(found(&store, &resource_type, &id).await, json!({"c": 3}));
}

pub async fn a_deleted_resource_is_gone(store: AnyStore) {
    let resource_type = things(&store).await;
    let id = insert(&store, &resource_type, json!({"n": 1})).await.id;
    assert_eq!(
        one(&store, deletion(&resource_type, &id)).await,
        Ok(Written::Deleted)
    );
    assert_eq!(find(&store, &resource_type, &id).await, None);
    assert_eq!(
        page(&store, &resource_type, 0, 5).await.total,
        Some(Total::Exact(0))
    );
}

pub async fn writes_to_an_absent_resource_are_refused(store: AnyStore) {
    let resource_type = things(&store).await;
    let id = fresh_id(&resource_type);
    for write in [
        update(&resource_type, &id, json!({"n": 1})),
        replacement(&resource_type, &id, json!({})),
        deletion(&resource_type, &id),
    ] {
        assert_eq!(one(&store, write).await, Err(Refusal::Absent(id.clone())));
    }
    assert_eq!(
        page(&store, &resource_type, 0, 5).await.total,
        Some(Total::Exact(0))
    );
}

pub async fn ids_that_clients_choose_are_not_handed_out(store: AnyStore) {
    let text = "type: words\nid: string\nattributes: {type: object}\n";
    let resource_type = prepared(&store, text).await;
    match store.next_ids(&resource_type, 1).await {
        Err(StoreError::Internal(_)) => {}
        other => panic!("{other:?}"),
    }
}
