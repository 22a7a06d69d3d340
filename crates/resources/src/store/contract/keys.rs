//! Units under idempotency keys.

use std::time::Duration;

use super::*;

fn key(fingerprint: u8) -> Key {
    Key {
        name: "8e03978e-40d5".to_owned(),
        fingerprint: [fingerprint; 32],
        answering: vec![0],
        limits: KeyLimits::default(),
    }
}

/// A unit that inserts a resource, under a key.
fn keyed(resource_type: &Arc<ResourceType>, n: i64, key: Key) -> Unit {
    let insertion = insertion(resource_type, fresh_id(resource_type), json!({ "n": n }));
    Unit::new(vec![insertion]).with_key(key)
}

async fn refusal(store: &AnyStore, unit: Unit) -> KeyRefusal {
    match store.write(unit).await {
        Err(WriteError::Key(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// What a refusal says that the first unit has left.
fn left(refusal: KeyRefusal, resource_type: &ResourceType) -> Vec<Option<Resource>> {
    match refusal {
        KeyRefusal::Done(answer) => answer.stored(&[resource_type]).unwrap(),
        other => panic!("{other}"),
    }
}

fn stored(mut written: Vec<Written>) -> Resource {
    match written.remove(0) {
        Written::Stored(resource) => resource,
        other => panic!("{other:?}"),
    }
}

pub async fn a_unit_whose_key_is_known_is_not_done_again(store: AnyStore) {
    let things = things(&store).await;
    assert_eq!(store.recall(&key(1)).await.unwrap(), None);
    let first = stored(store.write(keyed(&things, 1, key(1))).await.unwrap());
    let again = refusal(&store, keyed(&things, 2, key(1))).await;
    assert_eq!(left(again, &things), [Some(first.clone())]);
    // Also where it could not be done any more, and after others have changed the resource.
    one(&store, replacement(&things, &first.id, json!({"n": 3})))
        .await
        .unwrap();
    let taken = insertion(&things, first.id.clone(), json!({"n": 1}));
    let again = refusal(&store, Unit::new(vec![taken]).with_key(key(1))).await;
    assert_eq!(left(again, &things), [Some(first.clone())]);
    let recalled = store.recall(&key(1)).await.unwrap().unwrap();
    assert_eq!(left(recalled, &things), [Some(first)]);
    assert_eq!(numbers(&store, &things).await, [3]);
}

pub async fn a_key_is_that_of_one_request(store: AnyStore) {
    let things = things(&store).await;
    store.write(keyed(&things, 1, key(1))).await.unwrap();
    let other = refusal(&store, keyed(&things, 2, key(2))).await;
    assert_eq!(other, KeyRefusal::OtherRequest);
    let other = store.recall(&key(2)).await.unwrap();
    assert_eq!(other, Some(KeyRefusal::OtherRequest));
    let mut another = key(2);
    another.name.push('a');
    store.write(keyed(&things, 2, another)).await.unwrap();
    assert_eq!(numbers(&store, &things).await, [1, 2]);
}

pub async fn a_unit_that_is_not_done_leaves_its_key_free(store: AnyStore) {
    let things = things(&store).await;
    let mut unit = keyed(&things, 1, key(1));
    unit.writes.push(deletion(&things, &fresh_id(&things)));
    match store.write(unit).await {
        Err(WriteError::Refused { index: 1, .. }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(store.recall(&key(1)).await.unwrap(), None);
    store.write(keyed(&things, 2, key(2))).await.unwrap();
    assert_eq!(numbers(&store, &things).await, [2]);
}

pub async fn of_concurrent_units_of_one_key_exactly_one_is_done(store: AnyStore) {
    let things = things(&store).await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (store, unit) = (store.clone(), keyed(&things, n, key(1)));
        tasks.spawn(async move { store.write(unit).await });
    }
    let (mut done, mut told) = (Vec::new(), Vec::new());
    for outcome in tasks.join_all().await {
        match outcome {
            Ok(written) => done.push(stored(written)),
            Err(WriteError::Key(KeyRefusal::InFlight)) => {}
            Err(WriteError::Key(refusal)) => told.extend(left(refusal, &things)),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(done.len(), 1);
    assert!(told.iter().flatten().all(|one| *one == done[0]));
    let there = page(&store, &things, 0, 5).await.resources;
    assert_eq!(
        there.iter().map(|one| one.id).collect::<Vec<_>>(),
        [&done[0].id]
    );
}

pub async fn of_concurrent_changes_under_one_key_exactly_one_is_done(store: AnyStore) {
    let things = things(&store).await;
    let id = insert(&store, &things, json!({"tags": [0]})).await.id;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 1..=20 {
        let mut link = update(&things, &id, json!({}));
        link.change = Change::Link {
            relationship: "tags".to_owned(),
            add: vec![json!(n)],
            remove: Vec::new(),
        };
        let (store, unit) = (store.clone(), Unit::new(vec![link]).with_key(key(1)));
        tasks.spawn(async move { store.write(unit).await });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let value = found(&store, &things, &id).await;
    assert_eq!(value["tags"].as_array().unwrap().len(), 2);
}

pub async fn a_key_is_known_for_its_time(store: AnyStore) {
    let things = things(&store).await;
    let mut short = key(1);
    short.limits.time = Duration::ZERO;
    for n in 1..=3 {
        store.write(keyed(&things, n, short.clone())).await.unwrap();
        assert_eq!(store.recall(&short).await.unwrap(), None);
    }
    store.write(keyed(&things, 4, key(2))).await.unwrap();
    let known = refusal(&store, keyed(&things, 5, short)).await;
    assert_eq!(known, KeyRefusal::OtherRequest);
    assert_eq!(numbers(&store, &things).await, [1, 2, 3, 4]);
}

pub async fn what_is_too_much_for_a_key_is_not_done(store: AnyStore) {
    let things = things(&store).await;
    let mut small = key(1);
    small.limits.answer_bytes_max = 20;
    let refused = refusal(&store, keyed(&things, 1, small)).await;
    assert_eq!(refused, KeyRefusal::AnswerTooLarge(20));
    assert_eq!(store.recall(&key(1)).await.unwrap(), None);
    assert_eq!(numbers(&store, &things).await, [0; 0]);
}
