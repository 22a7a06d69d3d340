//! The contract of [`Repository`] as tests. Every store runs all of them, each on a fresh store:
//! `contract::clauses!(fresh)`, where `fresh` gives a guard and a repository.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Check, Import, ImportMode, NewResource, Operation, Page, Refusal, Repository, Resource,
    ResourceRef, Write, WriteError, Written,
};
use crate::query::{Pagination, Query};
use crate::schema::{self, Attributes, Id, IdKind, ResourceType, Violation};

/// Makes a test of each clause.
macro_rules! clauses {
    ($fresh:path) => {
        $crate::repository::contract::clauses!($fresh;
            an_inserted_resource_is_found_as_it_was_given,
            any_json_value_is_kept,
            an_unknown_id_is_none,
            an_id_that_is_taken_is_refused,
            ids_of_every_kind_are_kept,
            the_store_chooses_integer_ids_and_none_twice,
            collections_are_separate,
            preparing_again_changes_nothing,
            pages_partition_the_collection_in_the_order_of_creation,
            ids_that_clients_choose_do_not_decide_the_order,
            changes_do_not_move_a_resource,
            a_page_past_the_end_is_empty,
            an_update_changes_only_what_it_names,
            an_update_that_fails_its_check_changes_nothing,
            a_replacement_takes_the_place_of_all_attributes,
            a_deleted_resource_is_gone,
            writes_to_an_absent_resource_are_refused,
            a_unit_is_done_wholly_or_not_at_all,
            a_write_sees_those_before_it_in_the_unit,
            concurrent_updates_lose_nothing,
            of_concurrent_inserts_of_one_id_exactly_one_is_done,
            a_unique_index_refuses_equal_values_but_not_absent_ones,
            a_scan_gives_every_resource_in_the_order_of_creation,
            an_import_of_all_or_nothing_is_invisible_until_it_commits,
            an_import_that_is_dropped_leaves_nothing,
            an_import_by_batches_keeps_what_was_acknowledged,
            an_import_says_which_rows_are_refused,
            an_import_in_order_ends_at_the_first_refusal,
        );
    };
    ($fresh:path; $($clause:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $clause() {
                let (guard, repository) = $fresh().await;
                $crate::repository::contract::$clause(Arc::new(repository)).await;
                drop(guard);
            }
        )*
    };
}
pub(crate) use clauses;

type Store = Arc<dyn Repository>;

fn declared(text: &str) -> Arc<ResourceType> {
    Arc::new(schema::parse(text).unwrap())
}

async fn prepared(store: &Store, text: &str) -> Arc<ResourceType> {
    let of = declared(text);
    store.prepare(&of).await.unwrap();
    of
}

async fn things(store: &Store) -> Arc<ResourceType> {
    prepared(store, "type: things\nattributes: {type: object}\n").await
}

fn attributes(value: Value) -> Attributes {
    let Value::Object(attributes) = value else {
        panic!("not an object: {value}")
    };
    attributes
}

fn write(of: &Arc<ResourceType>, operation: Operation) -> Write {
    Write {
        of: of.clone(),
        operation,
    }
}

fn insertion(of: &Arc<ResourceType>, id: Option<Id>, value: Value) -> Write {
    write(
        of,
        Operation::Insert(NewResource {
            id,
            attributes: attributes(value),
        }),
    )
}

fn update(of: &Arc<ResourceType>, id: &Id, changes: Value) -> Write {
    let check: Check = Box::new(|_, _| Ok(()));
    write(
        of,
        Operation::Update {
            id: id.clone(),
            changes: attributes(changes),
            check,
        },
    )
}

fn deletion(of: &Arc<ResourceType>, id: &Id) -> Write {
    write(of, Operation::Delete { id: id.clone() })
}

async fn one(store: &Store, write: Write) -> Result<Written, Refusal> {
    match store.write(vec![write]).await {
        Ok(mut written) => Ok(written.remove(0)),
        Err(WriteError::Refused { index: 0, refusal }) => Err(refusal),
        Err(other) => panic!("{other}"),
    }
}

async fn insert(store: &Store, of: &Arc<ResourceType>, value: Value) -> Resource {
    match one(store, insertion(of, of.id.generate(), value))
        .await
        .unwrap()
    {
        Written::Stored(resource) => resource,
        Written::Deleted => panic!("an insertion deletes nothing"),
    }
}

/// The attributes of a resource that must be there.
async fn found(store: &Store, of: &Arc<ResourceType>, id: &Id) -> Value {
    let resource = store.find(of, id).await.unwrap().unwrap();
    assert_eq!(&resource.id, id);
    serde_json::from_str(&resource.attributes).unwrap()
}

/// A page with all of its resources, however large it is.
async fn page(store: &Store, of: &Arc<ResourceType>, number: u64, size: u64) -> Page {
    let page = Pagination { number, size };
    let mut page = store.list(of, &Query { page }).await.unwrap();
    if let Some(mut rest) = page.rest.take() {
        while let Some(batch) = rest.next().await.unwrap() {
            for one in batch.iter() {
                page.resources.push(one.id.clone(), one.attributes);
            }
        }
    }
    page
}

async fn numbers(store: &Store, of: &Arc<ResourceType>) -> Vec<i64> {
    let page = page(store, of, 1, 10_000).await;
    assert_eq!(page.total, page.resources.len() as u64);
    page.resources.iter().map(number).collect()
}

fn number(resource: ResourceRef<'_>) -> i64 {
    serde_json::from_str::<Value>(resource.attributes).unwrap()["n"]
        .as_i64()
        .unwrap()
}

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

pub(crate) async fn an_unknown_id_is_none(store: Store) {
    let of = things(&store).await;
    let unknown = of.id.generate().unwrap();
    assert_eq!(store.find(&of, &unknown).await.unwrap(), None);
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

pub(crate) async fn pages_partition_the_collection_in_the_order_of_creation(store: Store) {
    let of = things(&store).await;
    for n in 0..25 {
        insert(&store, &of, json!({"n": n})).await;
    }
    let mut seen = Vec::new();
    for number_of_page in 1..=3 {
        let page = page(&store, &of, number_of_page, 10).await;
        assert_eq!(page.total, 25);
        seen.extend(page.resources.iter().map(number));
    }
    assert_eq!(seen, (0..25).collect::<Vec<i64>>());
}

pub(crate) async fn ids_that_clients_choose_do_not_decide_the_order(store: Store) {
    for (kind, ids) in [
        (IdKind::String, ["b", "c", "a"]),
        (
            IdKind::Uuid,
            [
                "bbbbbbbb-0000-4000-8000-000000000000",
                "cccccccc-0000-4000-8000-000000000000",
                "aaaaaaaa-0000-4000-8000-000000000000",
            ],
        ),
    ] {
        let definition = format!("type: by-{kind}\nid: {kind}\nattributes: {{type: object}}\n");
        let of = prepared(&store, &definition).await;
        for (n, id) in (0..).zip(ids) {
            let id = kind.parse(id).unwrap();
            one(&store, insertion(&of, Some(id), json!({"n": n})))
                .await
                .unwrap();
        }
        let replace = Operation::Replace {
            id: kind.parse(ids[1]).unwrap(),
            attributes: attributes(json!({"n": 7})),
        };
        one(&store, write(&of, replace)).await.unwrap();
        assert_eq!(numbers(&store, &of).await, [0, 7, 2]);
        let mut scan = store.scan(&of).await.unwrap();
        let batch = scan.next().await.unwrap().unwrap();
        assert_eq!(batch.iter().map(number).collect::<Vec<_>>(), [0, 7, 2]);
    }
}

pub(crate) async fn changes_do_not_move_a_resource(store: Store) {
    let of = things(&store).await;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(insert(&store, &of, json!({"n": n})).await.id);
    }
    one(
        &store,
        update(&of, &ids[0], json!({"n": 10, "padding": "x".repeat(5000)})),
    )
    .await
    .unwrap();
    let replacement = attributes(json!({"n": 20}));
    let replace = Operation::Replace {
        id: ids[1].clone(),
        attributes: replacement,
    };
    one(&store, write(&of, replace)).await.unwrap();
    one(&store, deletion(&of, &ids[2])).await.unwrap();
    insert(&store, &of, json!({"n": 4})).await;
    assert_eq!(numbers(&store, &of).await, [10, 20, 3, 4]);
}

pub(crate) async fn a_page_past_the_end_is_empty(store: Store) {
    let of = things(&store).await;
    insert(&store, &of, json!({"n": 1})).await;
    let past = page(&store, &of, u64::try_from(i64::MAX / 10).unwrap(), 10).await;
    assert!(past.resources.is_empty());
    assert_eq!(past.total, 1);
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

pub(crate) async fn a_unit_is_done_wholly_or_not_at_all(store: Store) {
    let (of, others) = (
        things(&store).await,
        prepared(
            &store,
            "type: others\nid: string\nattributes: {type: object}\n",
        )
        .await,
    );
    let kept = insert(&store, &of, json!({"n": 1})).await.id;
    let absent = of.id.generate().unwrap();
    let unit = |last: Write| {
        let other = Some(Id::String("o".to_owned()));
        vec![
            insertion(&others, other, json!({})),
            update(&of, &kept, json!({"n": 2})),
            last,
        ]
    };
    match store.write(unit(deletion(&of, &absent))).await {
        Err(WriteError::Refused { index: 2, refusal }) => {
            assert_eq!(refusal, Refusal::Absent(absent));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(found(&store, &of, &kept).await, json!({"n": 1}));
    assert_eq!(page(&store, &others, 1, 5).await.total, 0);
    assert_eq!(
        store.write(unit(deletion(&of, &kept))).await.unwrap().len(),
        3
    );
    assert_eq!(page(&store, &of, 1, 5).await.total, 0);
    assert_eq!(page(&store, &others, 1, 5).await.total, 1);
}

pub(crate) async fn a_write_sees_those_before_it_in_the_unit(store: Store) {
    let of = things(&store).await;
    let id = of.id.generate().unwrap();
    let unit = vec![
        insertion(&of, Some(id.clone()), json!({"a": 1})),
        update(&of, &id, json!({"b": 2})),
        deletion(&of, &id),
        insertion(&of, Some(id.clone()), json!({"c": 3})),
    ];
    assert_eq!(store.write(unit).await.unwrap().len(), 4);
    assert_eq!(found(&store, &of, &id).await, json!({"c": 3}));
}

pub(crate) async fn concurrent_updates_lose_nothing(store: Store) {
    let of = things(&store).await;
    let id = insert(&store, &of, json!({})).await.id;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..40 {
        let (store, change) = (
            store.clone(),
            update(&of, &id, json!({ format!("a{n}"): n })),
        );
        tasks.spawn(async move { one(&store, change).await.unwrap() });
    }
    tasks.join_all().await;
    let value = found(&store, &of, &id).await;
    assert_eq!(value.as_object().unwrap().len(), 40);
}

pub(crate) async fn of_concurrent_inserts_of_one_id_exactly_one_is_done(store: Store) {
    let of = things(&store).await;
    let id = of.id.generate().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (store, insertion) = (
            store.clone(),
            insertion(&of, Some(id.clone()), json!({"n": n})),
        );
        tasks.spawn(async move { one(&store, insertion).await });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let taken = Err(Refusal::IdTaken(id));
    assert_eq!(
        outcomes.iter().filter(|outcome| **outcome == taken).count(),
        19
    );
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

pub(crate) async fn a_scan_gives_every_resource_in_the_order_of_creation(store: Store) {
    let of = things(&store).await;
    let mut import = store.import(&of, ImportMode::AllOrNothing).await.unwrap();
    import.insert(rows(&of, 0..1234)).await.unwrap();
    import.commit().await.unwrap();
    let mut scan = store.scan(&of).await.unwrap();
    let mut seen = Vec::new();
    while let Some(batch) = scan.next().await.unwrap() {
        seen.extend(batch.iter().map(number));
    }
    assert_eq!(seen, (0..1234).collect::<Vec<i64>>());
}

fn rows(of: &Arc<ResourceType>, range: std::ops::Range<i64>) -> Vec<NewResource> {
    let row = |n| NewResource {
        id: of.id.generate(),
        attributes: attributes(json!({"n": n})),
    };
    range.map(row).collect()
}

async fn insert_all(import: &mut Import, rows: Vec<NewResource>) {
    let outcomes = import.insert(rows).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

pub(crate) async fn an_import_of_all_or_nothing_is_invisible_until_it_commits(store: Store) {
    let of = things(&store).await;
    let mut import = store.import(&of, ImportMode::AllOrNothing).await.unwrap();
    insert_all(&mut import, rows(&of, 0..10)).await;
    assert_eq!(page(&store, &of, 1, 5).await.total, 0);
    insert_all(&mut import, rows(&of, 10..20)).await;
    import.commit().await.unwrap();
    assert_eq!(numbers(&store, &of).await, (0..20).collect::<Vec<i64>>());
}

pub(crate) async fn an_import_that_is_dropped_leaves_nothing(store: Store) {
    let of = things(&store).await;
    let mut import = store.import(&of, ImportMode::AllOrNothing).await.unwrap();
    insert_all(&mut import, rows(&of, 0..10)).await;
    drop(import);
    insert(&store, &of, json!({"n": 77})).await;
    assert_eq!(numbers(&store, &of).await, [77]);
}

pub(crate) async fn an_import_by_batches_keeps_what_was_acknowledged(store: Store) {
    let of = things(&store).await;
    let mut import = store.import(&of, ImportMode::EachBatch).await.unwrap();
    insert_all(&mut import, rows(&of, 0..10)).await;
    drop(import);
    assert_eq!(numbers(&store, &of).await, (0..10).collect::<Vec<i64>>());
}

pub(crate) async fn an_import_says_which_rows_are_refused(store: Store) {
    for mode in [ImportMode::EachBatch, ImportMode::AllOrNothing] {
        let of = prepared(
            &store,
            &format!("type: {mode:?}\nattributes: {{type: object}}\n"),
        )
        .await;
        let mut batch = rows(&of, 0..4);
        batch[2].id = batch[0].id.clone();
        let taken = Refusal::IdTaken(batch[0].id.clone().unwrap());
        let mut import = store.import(&of, mode).await.unwrap();
        let outcomes = import.insert(batch).await.unwrap();
        assert_eq!(outcomes, [Ok(()), Ok(()), Err(taken), Ok(())]);
        import.commit().await.unwrap();
        assert_eq!(numbers(&store, &of).await, [0, 1, 3]);
    }
}

pub(crate) async fn an_import_in_order_ends_at_the_first_refusal(store: Store) {
    let of = things(&store).await;
    let mut import = store.import(&of, ImportMode::InOrder).await.unwrap();
    insert_all(&mut import, rows(&of, 0..3)).await;
    let mut batch = rows(&of, 3..8);
    batch[2].id = batch[0].id.clone();
    batch[4].id = batch[0].id.clone();
    let taken = Refusal::IdTaken(batch[0].id.clone().unwrap());
    let outcomes = import.insert(batch).await.unwrap();
    assert_eq!(outcomes, [Ok(()), Ok(()), Err(taken)]);
    import.commit().await.unwrap();
    assert_eq!(numbers(&store, &of).await, [0, 1, 2, 3, 4]);
}
