//! What each write does, and refuses.

use super::*;

pub(crate) async fn an_inserted_resource_is_found_as_it_was_given(store: Store) {
    let of = things(&store).await;
    let stored = insert(&store, &of, json!({"zip": "70116", "a": {"b": [1, null]}})).await;
    assert_eq!(stored.attributes, r#"{"zip":"70116","a":{"b":[1,null]}}"#);
    assert_eq!(store.find(&of, &stored.id).await.unwrap(), Some(stored));
}

pub(crate) async fn any_json_value_is_kept(store: Store) {
    let of = things(&store).await;
    let value = json!({
        "text": "\u{0}\u{7f}\"\\/\u{1f600}\u{fffd}' ; -- ü", "empty": "", "null": null,
        "true": true, "max": i64::MAX, "min": i64::MIN, "zero": 0, "third": 0.333_333_333_333_333_3,
        "huge": 1e300, "tiny": -5e-324, "whole": 1.0, "none": {}, "nothing": [],
        "deep": [[[{"a": [{"": {}}]}]]], "ü $": {"$set": {"a.b": 1}}, "_": 1, "__proto__": {"x": 2}
    });
    let stored = insert(&store, &of, value.clone()).await;
    assert_eq!(found(&store, &of, &stored.id).await, value);
    assert_eq!(store.find(&of, &stored.id).await.unwrap(), Some(stored));
}

pub(crate) async fn an_id_that_is_taken_is_refused(store: Store) {
    let of = things(&store).await;
    let stored = insert(&store, &of, json!({"n": 1})).await;
    let again = insertion(&of, Some(stored.id.clone()), json!({"n": 2}));
    assert_eq!(
        one(&store, again).await,
        Err(Refusal::IdTaken(stored.id.clone()))
    );
    assert_eq!(found(&store, &of, &stored.id).await, json!({"n": 1}));
}

pub(crate) async fn ids_of_every_kind_are_kept(store: Store) {
    for (kind, text) in [
        (IdKind::ObjectId, "5973ecc8c453c823e4c471d2"),
        (IdKind::String, "5973ecc8c453c823e4c471d2"),
        (IdKind::Uuid, "0198c2a7-1b2c-7def-8123-456789abcdef"),
        (IdKind::Integer, "42"),
    ] {
        let definition = format!("type: of-{kind}\nid: {kind}\nattributes: {{type: object}}\n");
        let of = prepared(&store, &definition).await;
        let id = kind.parse(text).unwrap();
        one(&store, insertion(&of, Some(id.clone()), json!({"n": 1})))
            .await
            .unwrap();
        assert_eq!(found(&store, &of, &id).await, json!({"n": 1}));
        assert_eq!(
            page(&store, &of, 1, 5).await.resources.last().unwrap().id,
            &id
        );
    }
}

pub(crate) async fn the_store_chooses_integer_ids_and_none_twice(store: Store) {
    let of = prepared(
        &store,
        "type: orders\nid: integer\nattributes: {type: object}\n",
    )
    .await;
    assert_eq!(insert(&store, &of, json!({})).await.id, Id::Integer(1));
    one(&store, insertion(&of, Some(Id::Integer(41)), json!({})))
        .await
        .unwrap();
    assert_eq!(insert(&store, &of, json!({})).await.id, Id::Integer(42));
    one(&store, deletion(&of, &Id::Integer(42))).await.unwrap();
    assert_eq!(insert(&store, &of, json!({})).await.id, Id::Integer(43));
}

pub(crate) async fn collections_are_separate(store: Store) {
    let things = things(&store).await;
    let others = prepared(&store, "type: others\nattributes: {type: object}\n").await;
    let stored = insert(&store, &things, json!({"n": 1})).await;
    assert_eq!(store.find(&others, &stored.id).await.unwrap(), None);
    assert_eq!(page(&store, &others, 1, 5).await.total, 0);
}

pub(crate) async fn preparing_again_changes_nothing(store: Store) {
    let of = things(&store).await;
    let stored = insert(&store, &of, json!({"n": 1})).await;
    store.prepare(&of).await.unwrap();
    assert_eq!(found(&store, &of, &stored.id).await, json!({"n": 1}));
}

pub(crate) async fn an_update_changes_only_what_it_names(store: Store) {
    let of = things(&store).await;
    let id = insert(&store, &of, json!({"a": 1, "b": {"c": 1}, "d": 4}))
        .await
        .id;
    let change = update(&of, &id, json!({"e": 5, "b": {"x": 2}, "a": null}));
    let Written::Stored(resource) = one(&store, change).await.unwrap() else {
        panic!("deleted")
    };
    assert_eq!(resource.attributes, r#"{"a":null,"b":{"x":2},"d":4,"e":5}"#);
    assert_eq!(store.find(&of, &id).await.unwrap(), Some(resource));
}

pub(crate) async fn an_update_that_fails_its_check_changes_nothing(store: Store) {
    let of = things(&store).await;
    let id = insert(&store, &of, json!({"n": 1})).await.id;
    let violation = Violation {
        pointer: "/n".into(),
        keyword: "maximum".into(),
        message: "too much".into(),
    };
    let refused = Refusal::Invalid(vec![violation.clone()]);
    let check: Check = Box::new(move |before, after| {
        assert_eq!(
            (before, after),
            (&json!({"n": 1}), &json!({"n": 2, "m": 3}))
        );
        Err(vec![violation.clone()])
    });
    let changes = attributes(json!({"n": 2, "m": 3}));
    let change = Operation::Update {
        id: id.clone(),
        changes,
        check,
    };
    assert_eq!(one(&store, write(&of, change)).await, Err(refused));
    assert_eq!(found(&store, &of, &id).await, json!({"n": 1}));
}

pub(crate) async fn a_replacement_takes_the_place_of_all_attributes(store: Store) {
    let of = things(&store).await;
    let id = insert(&store, &of, json!({"a": 1, "b": 2})).await.id;
    let replacement = attributes(json!({"c": 3}));
    let replace = Operation::Replace {
        id: id.clone(),
        attributes: replacement,
    };
    one(&store, write(&of, replace)).await.unwrap();
    assert_eq!(found(&store, &of, &id).await, json!({"c": 3}));
}

pub(crate) async fn a_deleted_resource_is_gone(store: Store) {
    let of = things(&store).await;
    let id = insert(&store, &of, json!({"n": 1})).await.id;
    assert_eq!(one(&store, deletion(&of, &id)).await, Ok(Written::Deleted));
    assert_eq!(store.find(&of, &id).await.unwrap(), None);
    assert_eq!(page(&store, &of, 1, 5).await.total, 0);
}

pub(crate) async fn writes_to_an_absent_resource_are_refused(store: Store) {
    let of = things(&store).await;
    let id = of.id.generate().unwrap();
    let replace = Operation::Replace {
        id: id.clone(),
        attributes: Attributes::new(),
    };
    for write in [
        update(&of, &id, json!({"n": 1})),
        write(&of, replace),
        deletion(&of, &id),
    ] {
        assert_eq!(one(&store, write).await, Err(Refusal::Absent(id.clone())));
    }
    assert_eq!(page(&store, &of, 1, 5).await.total, 0);
}

pub(crate) async fn a_unique_index_refuses_equal_values_but_not_absent_ones(store: Store) {
    let definition = "type: users\nattributes: {type: object}\nindexes:\n\
                      - {attributes: [realm, -mail], unique: true}\n- {attributes: [mail]}\n";
    let of = prepared(&store, definition).await;
    let first = insert(&store, &of, json!({"realm": "a", "mail": "x'\""}))
        .await
        .id;
    insert(&store, &of, json!({"realm": "b", "mail": "x'\""})).await;
    let equal = json!({"realm": "a", "mail": "x'\"", "more": 1});
    let refused = Err(Refusal::NotUnique("realm, mail".to_owned()));
    let again = insertion(&of, of.id.generate(), equal.clone());
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
