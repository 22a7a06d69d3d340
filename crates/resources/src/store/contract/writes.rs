//! What each write does, and refuses.

use super::*;

pub async fn an_inserted_resource_is_found_as_it_was_given(store: AnyStore) {
    let of = things(&store).await;
    let stored = insert(&store, &of, json!({"zip": "70116", "a": {"b": [1, null]}})).await;
    assert_eq!(stored.text, r#"{"zip":"70116","a":{"b":[1,null]}}"#);
    assert_eq!(find(&store, &of, &stored.id).await, Some(stored));
}

pub async fn any_json_value_is_kept(store: AnyStore) {
    let of = things(&store).await;
    let value = json!({
        "text": "\u{0}\u{7f}\"\\/\u{1f600}\u{fffd}' ; -- ü", "empty": "", "null": null,
        "true": true, "max": i64::MAX, "min": i64::MIN, "zero": 0, "third": 0.333_333_333_333_333_3,
        "huge": 1e300, "tiny": -5e-324, "whole": 1.0, "none": {}, "nothing": [],
        "deep": [[[{"a": [{"": {}}]}]]], "ü $": {"$set": {"a.b": 1}}, "_": 1, "__proto__": {"x": 2}
    });
    let stored = insert(&store, &of, value.clone()).await;
    assert_eq!(found(&store, &of, &stored.id).await, value);
    assert_eq!(find(&store, &of, &stored.id).await, Some(stored));
}

pub async fn an_id_that_is_taken_is_refused(store: AnyStore) {
    let of = things(&store).await;
    let stored = insert(&store, &of, json!({"n": 1})).await;
    let again = insertion(&of, stored.id.clone(), json!({"n": 2}));
    assert_eq!(
        one(&store, again).await,
        Err(Refusal::IdTaken(stored.id.clone()))
    );
    assert_eq!(found(&store, &of, &stored.id).await, json!({"n": 1}));
}

pub async fn ids_of_every_kind_are_kept(store: AnyStore) {
    for (kind, text) in [
        (IdKind::ObjectId, "5973ecc8c453c823e4c471d2"),
        (IdKind::String, "5973ecc8c453c823e4c471d2"),
        (IdKind::Uuid, "0198c2a7-1b2c-7def-8123-456789abcdef"),
        (IdKind::Integer, "42"),
    ] {
        let definition = format!("type: of-{kind}\nid: {kind}\nattributes: {{type: object}}\n");
        let of = prepared(&store, &definition).await;
        let id = kind.parse(text).unwrap();
        one(&store, insertion(&of, id.clone(), json!({"n": 1})))
            .await
            .unwrap();
        assert_eq!(found(&store, &of, &id).await, json!({"n": 1}));
        assert_eq!(
            page(&store, &of, 0, 5).await.resources.last().unwrap().id,
            &id
        );
    }
}

pub async fn the_store_chooses_integer_ids_and_none_twice(store: AnyStore) {
    let text = "type: orders\nid: integer\nattributes: {type: object}\n";
    let of = prepared(&store, text).await;
    assert_eq!(insert(&store, &of, json!({})).await.id, Id::Integer(1));
    let chosen = insertion(&of, Id::Integer(41), json!({}));
    one(&store, chosen).await.unwrap();
    assert_eq!(insert(&store, &of, json!({})).await.id, Id::Integer(42));
    one(&store, deletion(&of, &Id::Integer(42))).await.unwrap();
    assert_eq!(insert(&store, &of, json!({})).await.id, Id::Integer(43));
}

pub async fn ids_that_are_handed_out_at_once_are_all_different(store: AnyStore) {
    let text = "type: orders\nid: integer\nattributes: {type: object}\n";
    for of in [prepared(&store, text).await, things(&store).await] {
        let mut tasks = tokio::task::JoinSet::new();
        for count in 0..20 {
            let (store, of) = (store.clone(), of.clone());
            tasks.spawn(async move { store.next_ids(&of, count).await.unwrap() });
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
    assert_eq!(page(&store, &others, 0, 5).await.total, Some(0));
}

pub async fn preparing_again_changes_nothing(store: AnyStore) {
    let of = things(&store).await;
    let stored = insert(&store, &of, json!({"n": 1})).await;
    store.prepare(std::slice::from_ref(&of)).await.unwrap();
    assert_eq!(found(&store, &of, &stored.id).await, json!({"n": 1}));
}

pub async fn an_update_changes_only_what_it_names(store: AnyStore) {
    let of = things(&store).await;
    let id = insert(&store, &of, json!({"a": 1, "b": {"c": 1}, "d": 4}))
        .await
        .id;
    let change = update(&of, &id, json!({"e": 5, "b": {"x": 2}, "a": null}));
    let Written::Stored(resource) = one(&store, change).await.unwrap() else {
        panic!("deleted")
    };
    assert_eq!(resource.text, r#"{"a":null,"b":{"x":2},"d":4,"e":5}"#);
    assert_eq!(find(&store, &of, &id).await, Some(resource));
}

pub async fn an_update_whose_result_is_not_valid_changes_nothing(store: AnyStore) {
    let text = "type: numbers\nattributes:\n  type: object\n  \
                properties: {n: {type: integer, maximum: 9}}\n";
    let of = prepared(&store, text).await;
    let id = insert(&store, &of, json!({"n": 1})).await.id;
    let refused = one(&store, update(&of, &id, json!({"m": 3, "n": 10}))).await;
    let Err(Refusal::Invalid(violations)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(violations[0].pointer, "/n");
    assert_eq!(found(&store, &of, &id).await, json!({"n": 1}));
}

pub async fn a_write_to_another_version_is_refused_and_told_the_current_one(store: AnyStore) {
    let of = things(&store).await;
    let first = insert(&store, &of, json!({"n": 1})).await;
    let second = one(&store, update(&of, &first.id, json!({"n": 2}))).await;
    let Ok(Written::Stored(second)) = second else {
        panic!("{second:?}")
    };
    let (old, new) = (
        Version::of_text(&first.text),
        Version::of_text(&second.text),
    );
    let id = first.id;
    for mut write in [
        update(&of, &id, json!({"n": 3})),
        replacement(&of, &id, json!({"n": 3})),
        deletion(&of, &id),
        Write::exists(&of, id.clone()),
    ] {
        write.guard.version = Some(old);
        let version = new;
        let refused = Refusal::Changed {
            id: id.clone(),
            version,
        };
        assert_eq!(one(&store, write).await, Err(refused));
    }
    assert_eq!(found(&store, &of, &id).await, json!({"n": 2}));
    let mut deletion = deletion(&of, &id);
    deletion.guard.version = Some(new);
    assert_eq!(one(&store, deletion).await, Ok(Written::Deleted));
}

pub async fn a_write_of_either_presence_creates_or_replaces(store: AnyStore) {
    let of = things(&store).await;
    let id = fresh_id(&of);
    for n in 1..=2 {
        let mut put = replacement(&of, &id, json!({"n": n}));
        put.guard.presence = Presence::Either;
        assert!(matches!(one(&store, put).await, Ok(Written::Stored(_))));
        assert_eq!(found(&store, &of, &id).await, json!({"n": n}));
    }
    for outcome in [Written::Deleted, Written::Unchanged] {
        let mut deletion = deletion(&of, &id);
        deletion.guard.presence = Presence::Either;
        assert_eq!(one(&store, deletion).await, Ok(outcome));
    }
}

pub async fn a_replacement_takes_the_place_of_all_attributes(store: AnyStore) {
    let of = things(&store).await;
    let id = insert(&store, &of, json!({"a": 1, "b": 2})).await.id;
    let replaced = one(&store, replacement(&of, &id, json!({"c": 3}))).await;
    assert!(matches!(replaced, Ok(Written::Stored(resource)) if resource.text == r#"{"c":3}"#));
    assert_eq!(found(&store, &of, &id).await, json!({"c": 3}));
}

pub async fn a_deleted_resource_is_gone(store: AnyStore) {
    let of = things(&store).await;
    let id = insert(&store, &of, json!({"n": 1})).await.id;
    assert_eq!(one(&store, deletion(&of, &id)).await, Ok(Written::Deleted));
    assert_eq!(find(&store, &of, &id).await, None);
    assert_eq!(page(&store, &of, 0, 5).await.total, Some(0));
}

pub async fn writes_to_an_absent_resource_are_refused(store: AnyStore) {
    let of = things(&store).await;
    let id = fresh_id(&of);
    for write in [
        update(&of, &id, json!({"n": 1})),
        replacement(&of, &id, json!({})),
        deletion(&of, &id),
    ] {
        assert_eq!(one(&store, write).await, Err(Refusal::Absent(id.clone())));
    }
    assert_eq!(page(&store, &of, 0, 5).await.total, Some(0));
}

pub async fn a_unique_index_refuses_equal_values_but_not_absent_ones(store: AnyStore) {
    let definition = "type: users\nattributes: {type: object}\nindexes:\n\
                      - {attributes: [realm, -mail], unique: true}\n- {attributes: [mail]}\n";
    let of = prepared(&store, definition).await;
    let first = insert(&store, &of, json!({"realm": "a", "mail": "x'\""}))
        .await
        .id;
    insert(&store, &of, json!({"realm": "b", "mail": "x'\""})).await;
    let equal = json!({"realm": "a", "mail": "x'\"", "more": 1});
    let refused = Err(Refusal::NotUnique("realm, mail".to_owned()));
    let again = insertion(&of, fresh_id(&of), equal.clone());
    assert_eq!(one(&store, again).await, refused);
    for absent in [json!({"realm": "a"}), json!({"realm": "a", "mail": null})] {
        insert(&store, &of, absent.clone()).await;
        let last = insert(&store, &of, absent).await.id;
        assert_eq!(
            one(&store, update(&of, &last, equal.clone())).await,
            refused
        );
    }
    one(&store, update(&of, &first, json!({"more": 2})))
        .await
        .unwrap();
}

pub async fn an_index_that_is_no_longer_declared_refuses_nothing(store: AnyStore) {
    let with = "type: users\nattributes: {type: object}\n\
                indexes: [{attributes: [mail], unique: true}]\n";
    let of = prepared(&store, with).await;
    let first = insertion(&of, fresh_id(&of), json!({"mail": "a"}));
    one(&store, first).await.unwrap();
    let again = |of: &Arc<ResourceType>| insertion(of, fresh_id(of), json!({"mail": "a"}));
    assert!(one(&store, again(&of)).await.is_err());
    let of = prepared(&store, "type: users\nattributes: {type: object}\n").await;
    one(&store, again(&of)).await.unwrap();
}
