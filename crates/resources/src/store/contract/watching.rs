//! What is told of changes.

use std::collections::HashSet;

use super::*;
use crate::store::{Event, EventKind, Point, WatchError, Watching};

/// Makes a test of each clause about changes, for stores that tell of them
/// ([`crate::store::Store::watch`]).
#[macro_export]
macro_rules! store_contract_of_changes {
    ($fresh:path) => {
        $crate::store::contract::clauses!($fresh;
            every_change_is_told_once_and_in_its_order,
            a_change_shows_the_resource_as_it_or_a_later_one_left_it,
            a_unit_is_told_wholly_or_not_at_all,
            what_is_watched_from_a_place_on_begins_right_behind_it,
            changes_of_other_types_move_the_place_that_was_passed,
            the_end_is_told_while_nothing_changes,
            imported_resources_are_told,
            of_changes_at_once_none_is_lost_and_none_told_twice,
            a_place_that_never_was_is_gone,
        );
    };
}

async fn watching(store: &AnyStore, of: &Arc<ResourceType>, after: Option<&Point>) -> Watching {
    store.watch(of, after).await.unwrap()
}

/// The next so many changes, and nothing besides.
async fn next(watching: &mut Watching, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < count {
        events.extend(watching.next().await.unwrap().events);
    }
    assert_eq!(events.len(), count, "{events:?}");
    let points: HashSet<&str> = events.iter().map(|event| event.point.as_str()).collect();
    assert_eq!(points.len(), count, "{events:?}");
    events
}

fn kinds(events: &[Event]) -> Vec<(EventKind, Id)> {
    let kind = |event: &Event| (event.kind, event.id.clone());
    events.iter().map(kind).collect()
}

/// The value of `n` in what an event shows.
fn n(event: &Event) -> Option<Value> {
    let resource = event.resource.as_ref()?;
    assert_eq!(resource.id, event.id);
    let members: Value = serde_json::from_str(&resource.text).unwrap();
    Some(members["n"].clone())
}

pub async fn every_change_is_told_once_and_in_its_order(store: AnyStore) {
    let of = things(&store).await;
    insert(&store, &of, json!({"n": 0})).await;
    let mut watching = watching(&store, &of, None).await;
    let id = insert(&store, &of, json!({"n": 1})).await.id;
    let created = next(&mut watching, 1).await;
    assert_eq!(kinds(&created), [(EventKind::Created, id.clone())]);
    assert_eq!(n(&created[0]), Some(json!(1)));
    one(&store, update(&of, &id, json!({"n": 2})))
        .await
        .unwrap();
    let updated = next(&mut watching, 1).await;
    assert_eq!(n(&updated[0]), Some(json!(2)));
    one(&store, replacement(&of, &id, json!({"n": 3})))
        .await
        .unwrap();
    let replaced = next(&mut watching, 1).await;
    assert_eq!(n(&replaced[0]), Some(json!(3)));
    let mut put = insertion(&of, id.clone(), json!({"n": 4}));
    put.guard.presence = Presence::Either;
    one(&store, put).await.unwrap();
    one(&store, deletion(&of, &id)).await.unwrap();
    let last = next(&mut watching, 2).await;
    assert_eq!(
        kinds(&[updated, replaced, last].concat()),
        [
            (EventKind::Updated, id.clone()),
            (EventKind::Updated, id.clone()),
            (EventKind::Updated, id.clone()),
            (EventKind::Deleted, id),
        ]
    );
}

pub async fn a_change_shows_the_resource_as_it_or_a_later_one_left_it(store: AnyStore) {
    let of = things(&store).await;
    let first = watching(&store, &of, None).await.from;
    let kept = insert(&store, &of, json!({"n": 1})).await.id;
    let gone = insert(&store, &of, json!({"n": 1})).await.id;
    for number in 2..=3 {
        for id in [&kept, &gone] {
            let update = update(&of, id, json!({"n": number}));
            one(&store, update).await.unwrap();
        }
    }
    one(&store, deletion(&of, &gone)).await.unwrap();
    let mut watching = watching(&store, &of, Some(&first)).await;
    let told = next(&mut watching, 7).await;
    let last_of = |id: &Id| told.iter().rfind(|event| event.id == *id).unwrap();
    assert_eq!(n(last_of(&kept)), Some(json!(3)));
    assert_eq!(last_of(&gone).kind, EventKind::Deleted);
    assert_eq!(last_of(&gone).resource, None);
    let updates = told.iter().filter(|event| event.kind == EventKind::Updated);
    for (event, least) in updates.zip([2, 2, 3, 3]) {
        match n(event) {
            Some(shown) => assert!(shown.as_i64().unwrap() >= least, "{event:?}"),
            None => assert_eq!(event.id, gone),
        }
    }
}

pub async fn a_unit_is_told_wholly_or_not_at_all(store: AnyStore) {
    let of = things(&store).await;
    let text = "type: others\nid: string\nattributes: {type: object}\n";
    let others = prepared(&store, text).await;
    let mut watching = watching(&store, &of, None).await;
    let ids: Vec<Id> = (0..4).map(|_| fresh_id(&of)).collect();
    let insertion = |id: &Id| insertion(&of, id.clone(), json!({"n": 1}));
    let refused = vec![insertion(&ids[0]), deletion(&of, &ids[3])];
    assert!(unit(&store, refused).await.is_err());
    let mut done: Vec<Write> = ids[..3].iter().map(insertion).collect();
    let other = Write::insert(&others, Id::String("o".to_owned()), attributes(json!({})));
    done.insert(1, other);
    unit(&store, done).await.unwrap();
    let told = next(&mut watching, 3).await;
    let created = |id: &Id| (EventKind::Created, id.clone());
    let expected: Vec<_> = ids[..3].iter().map(created).collect();
    assert_eq!(kinds(&told), expected);
    // What a unit demands alone is no change.
    let demands = vec![Write::exists(&of, ids[0].clone()), deletion(&of, &ids[1])];
    unit(&store, demands).await.unwrap();
    let told = next(&mut watching, 1).await;
    assert_eq!(kinds(&told), [(EventKind::Deleted, ids[1].clone())]);
}

pub async fn what_is_watched_from_a_place_on_begins_right_behind_it(store: AnyStore) {
    let of = things(&store).await;
    let mut live = watching(&store, &of, None).await;
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(insert(&store, &of, json!({"n": number})).await.id);
    }
    let told = next(&mut live, 20).await;
    let after = |point: &Point| {
        let (store, of, point) = (store.clone(), of.clone(), point.clone());
        async move { watching(&store, &of, Some(&point)).await }
    };
    assert_eq!(next(&mut after(&live.from).await, 20).await, told);
    for at in [0, 7, 18] {
        let mut later = after(&told[at].point).await;
        assert_eq!(later.from, told[at].point);
        assert_eq!(next(&mut later, 19 - at).await, told[at + 1..]);
    }
    // Where nothing is behind it, the next change is.
    let mut later = after(&told[19].point).await;
    let last = insert(&store, &of, json!({"n": 20})).await.id;
    let next = next(&mut later, 1).await;
    assert_eq!(kinds(&next), [(EventKind::Created, last)]);
}

pub async fn changes_of_other_types_move_the_place_that_was_passed(store: AnyStore) {
    let of = things(&store).await;
    let text = "type: others\nattributes: {type: object}\n";
    let others = prepared(&store, text).await;
    let mut watching = watching(&store, &of, None).await;
    let before = watching.from.clone();
    insert(&store, &others, json!({})).await;
    loop {
        let passed = watching.next().await.unwrap();
        assert_eq!(passed.events, []);
        if passed.passed != before {
            break;
        }
    }
}

pub async fn the_end_is_told_while_nothing_changes(store: AnyStore) {
    let of = things(&store).await;
    let before = watching(&store, &of, None).await.from;
    insert(&store, &of, json!({"n": 1})).await;
    let mut watching = watching(&store, &of, Some(&before)).await;
    let mut told = 0;
    let mut ends = 0;
    while ends < 2 {
        let next = watching.next().await.unwrap();
        told += next.events.len();
        ends += usize::from(next.is_end);
    }
    assert_eq!(told, 1);
}

pub async fn imported_resources_are_told(store: AnyStore) {
    let of = things(&store).await;
    let mut watching = watching(&store, &of, None).await;
    for mode in [ImportMode::AllOrNothing, ImportMode::EachBatch] {
        let rows = rows(&of, 0..3);
        let ids: Vec<Id> = rows.iter().map(|row| row.id.clone()).collect();
        let mut import = begun(&store, &of, mode).await;
        insert_all(&mut import, rows).await;
        import.commit().await.unwrap();
        let mut told: Vec<Id> = next(&mut watching, 3)
            .await
            .into_iter()
            .map(|event| event.id)
            .collect();
        told.sort();
        let mut expected = ids;
        expected.sort();
        assert_eq!(told, expected);
    }
    let mut import = begun(&store, &of, ImportMode::AllOrNothing).await;
    insert_all(&mut import, rows(&of, 0..3)).await;
    import.abandon().await;
    let last = insert(&store, &of, json!({"n": 1})).await.id;
    assert_eq!(next(&mut watching, 1).await[0].id, last);
}

pub async fn of_changes_at_once_none_is_lost_and_none_told_twice(store: AnyStore) {
    let of = things(&store).await;
    let mut live = watching(&store, &of, None).await;
    let writers = (0..8).map(|writer| {
        let (store, of) = (store.clone(), of.clone());
        tokio::spawn(async move {
            let mut written = Vec::new();
            for number in 0..25 {
                let value = json!({"n": writer * 100 + number});
                written.push(insert(&store, &of, value).await.id);
            }
            written
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut expected = Vec::new();
    for writer in writers {
        expected.extend(writer.await.unwrap());
    }
    let told = next(&mut live, expected.len()).await;
    let mut ids: Vec<Id> = told.iter().map(|event| event.id.clone()).collect();
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
    let mut again = watching(&store, &of, Some(&live.from)).await;
    assert_eq!(next(&mut again, told.len()).await, told);
}

pub async fn a_place_that_never_was_is_gone(store: AnyStore) {
    let of = things(&store).await;
    insert(&store, &of, json!({"n": 1})).await;
    for place in ["", "no place", "zz", "00000000000000000000"] {
        let place = Point::new(place);
        let refused = store.watch(&of, Some(&place)).await;
        let refused = match refused {
            Ok(mut watching) => watching.next().await.map(drop),
            Err(error) => Err(error),
        };
        assert_eq!(refused, Err(WatchError::Gone), "{place:?}");
    }
}
