//! Single resources, pages and scans.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

pub async fn an_unknown_id_is_none(store: AnyStore) {
    let resource_type = things(&store).await;
    let unknown = fresh_id(&resource_type);
    assert_eq!(find(&store, &resource_type, &unknown).await, None);
}

pub async fn many_are_found_in_the_order_in_which_they_were_asked_for(store: AnyStore) {
    let resource_type = things(&store).await;
    let first = insert(&store, &resource_type, json!({"n": 1})).await;
    let second = insert(&store, &resource_type, json!({"n": 2})).await;
    let ids = [
        second.id.clone(),
        fresh_id(&resource_type),
        first.id.clone(),
        second.id.clone(),
    ];
    let found = store
        .find(&resource_type, &ids, &Filter::Everything)
        .await
        .unwrap();
    let expected = [Some(second.clone()), None, Some(first), Some(second)];
    assert_eq!(found, expected);
    assert_eq!(
        store
            .find(&resource_type, &[], &Filter::Everything)
            .await
            .unwrap(),
        []
    );
}

pub async fn a_total_is_given_where_it_is_wanted(store: AnyStore) {
    let resource_type = things(&store).await;
    for n in 0..3 {
        insert(&store, &resource_type, json!({"n": n})).await;
    }
    for (count, total) in [
        (Count::Never, None),
        (Count::UpTo(3), Some(Total::Exact(3))),
    ] {
        let query = Query {
            count,
            ..Query::first(2)
        };
        let page = store.list(&resource_type, &query).await.unwrap();
        assert_eq!(page.resources.len(), 2);
        assert!(page.more);
        assert_eq!(page.total, total);
    }
}

pub async fn readers_at_once_are_each_given_their_own(store: AnyStore) {
    let resource_type = things(&store).await;
    let mut wanted = Vec::new();
    for n in 0..20 {
        wanted.push((
            insert(&store, &resource_type, json!({"n": n})).await.id,
            Some(n),
        ));
        wanted.push((fresh_id(&resource_type), None));
    }
    let mut readers = tokio::task::JoinSet::new();
    for reader in 0..200 {
        let (store, resource_type) = (store.clone(), resource_type.clone());
        let (id, expected) = wanted[reader % wanted.len()].clone();
        readers.spawn(async move {
            let found = find(&store, &resource_type, &id).await;
            let found = found.map(|resource| {
                assert_eq!(resource.id, id);
                serde_json::from_str::<Value>(&resource.text).unwrap()
            });
            assert_eq!(found, expected.map(|n| json!({"n": n})));
            let size = 1 + reader as u64 % 7;
            let page = page(&store, &resource_type, size, size).await;
            let seen: Vec<i64> = page.resources.iter().map(number).collect();
            let first = i64::try_from(size).unwrap();
            assert_eq!(seen, (first..2 * first).collect::<Vec<_>>());
            assert_eq!(page.total, Some(Total::Exact(20)));
        });
    }
    readers.join_all().await;
}

pub async fn a_write_that_was_acknowledged_is_in_every_later_read(store: AnyStore) {
    let resource_type = things(&store).await;
    let id = insert(&store, &resource_type, json!({"n": 0})).await.id;
    let other = insert(&store, &resource_type, json!({"n": -1})).await.id;
    let done = Arc::new(AtomicBool::new(false));
    let mut crowd = tokio::task::JoinSet::new();
    for reader in 0..8 {
        let (store, resource_type) = (store.clone(), resource_type.clone());
        let id = if reader % 2 == 0 { &id } else { &other }.clone();
        let done = done.clone();
        crowd.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                found(&store, &resource_type, &id).await;
                page(&store, &resource_type, 0, 5).await;
            }
        });
    }
    for n in 1..=50 {
        one(&store, update(&resource_type, &id, json!({"n": n})))
            .await
            .unwrap();
        assert_eq!(found(&store, &resource_type, &id).await, json!({"n": n}));
        assert_eq!(numbers(&store, &resource_type).await, [n, -1]);
    }
    done.store(true, Ordering::Relaxed);
    // A reader that panicked fails the clause here.
    crowd.join_all().await;
}

pub async fn a_change_is_told_before_it_is_acknowledged(store: AnyStore) {
    let resource_type = things(&store).await;
    let Some(mut told) = store.changes() else {
        return;
    };
    let mut changed = |what: &str| {
        let now = store.changes().unwrap();
        assert_ne!(now, told, "{what}");
        told = now;
    };
    let id = insert(&store, &resource_type, json!({"n": 0})).await.id;
    changed("an insertion");
    one(&store, update(&resource_type, &id, json!({"n": 1})))
        .await
        .unwrap();
    changed("an update");
    one(&store, deletion(&resource_type, &id)).await.unwrap();
    changed("a deletion");
    for mode in [ImportMode::EachBatch, ImportMode::AllOrNothing] {
        let mut import = begun(&store, &resource_type, mode).await;
        insert_all(&mut import, rows(&resource_type, 0..3)).await;
        import.commit().await.unwrap();
        changed("an import");
    }
    find(&store, &resource_type, &id).await;
    assert_eq!(store.changes(), Some(told), "a read changes nothing");
}

pub async fn pages_partition_the_collection_in_the_order_of_creation(store: AnyStore) {
    let resource_type = things(&store).await;
    for n in 0..25 {
        insert(&store, &resource_type, json!({"n": n})).await;
    }
    let mut seen = Vec::new();
    for skip in [0, 10, 20] {
        let page = page(&store, &resource_type, skip, 10).await;
        assert_eq!(page.total, Some(Total::Exact(25)));
        seen.extend(page.resources.iter().map(number));
    }
    assert_eq!(seen, (0..25).collect::<Vec<i64>>());
}

pub async fn ids_that_clients_choose_do_not_decide_the_order(store: AnyStore) {
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
        let resource_type = prepared(&store, &definition).await;
        for (n, id) in (0..).zip(ids) {
            let id = kind.parse(id).unwrap();
            one(&store, insertion(&resource_type, id, json!({"n": n})))
                .await
                .unwrap();
        }
        let second = kind.parse(ids[1]).unwrap();
        let replace = replacement(&resource_type, &second, json!({"n": 7}));
        one(&store, replace).await.unwrap();
        assert_eq!(numbers(&store, &resource_type).await, [0, 7, 2]);
        let mut scan = store.scan(&resource_type).await.unwrap();
        let batch = scan.next().await.unwrap().unwrap();
        assert_eq!(batch.iter().map(number).collect::<Vec<_>>(), [0, 7, 2]);
    }
}

pub async fn changes_do_not_move_a_resource(store: AnyStore) {
    let resource_type = things(&store).await;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(insert(&store, &resource_type, json!({"n": n})).await.id);
    }
    one(
        &store,
        update(
            &resource_type,
            &ids[0],
            json!({"n": 10, "padding": "x".repeat(5000)}),
        ),
    )
    .await
    .unwrap();
    let replace = replacement(&resource_type, &ids[1], json!({"n": 20}));
    one(&store, replace).await.unwrap();
    one(&store, deletion(&resource_type, &ids[2]))
        .await
        .unwrap();
    insert(&store, &resource_type, json!({"n": 4})).await;
    assert_eq!(numbers(&store, &resource_type).await, [10, 20, 3, 4]);
}

pub async fn a_page_past_the_end_is_empty(store: AnyStore) {
    let resource_type = things(&store).await;
    insert(&store, &resource_type, json!({"n": 1})).await;
    let past = page(&store, &resource_type, i64::MAX.unsigned_abs() - 10, 10).await;
    assert!(past.resources.is_empty());
    assert_eq!(past.total, Some(Total::Exact(1)));
}

pub async fn a_scan_gives_every_resource_in_the_order_of_creation(store: AnyStore) {
    let resource_type = things(&store).await;
    let mut import = begun(&store, &resource_type, ImportMode::AllOrNothing).await;
    insert_all(&mut import, rows(&resource_type, 0..1234)).await;
    import.commit().await.unwrap();
    let mut scan = store.scan(&resource_type).await.unwrap();
    let mut seen = Vec::new();
    while let Some(batch) = scan.next().await.unwrap() {
        seen.extend(batch.iter().map(number));
    }
    assert_eq!(seen, (0..1234).collect::<Vec<i64>>());
}

pub async fn a_large_page_is_whole_and_in_order(store: AnyStore) {
    let resource_type = things(&store).await;
    // Small ones between large ones.
    let padding = |n: i64| "x".repeat(if n % 3 == 0 { 10 } else { 300_000 });
    for n in 0..30 {
        let value = json!({"n": n, "padding": padding(n)});
        insert(&store, &resource_type, value).await;
    }
    for (skip, limit) in [(0, 100), (0, 30), (0, 29), (5, 20)] {
        let page = page(&store, &resource_type, skip, limit).await;
        assert_eq!(page.total, Some(Total::Exact(30)));
        let seen: Vec<i64> = page.resources.iter().map(number).collect();
        let (first, end) = (skip.cast_signed(), (skip + limit).min(30).cast_signed());
        assert_eq!(seen, (first..end).collect::<Vec<_>>());
        for one in page.resources.iter() {
            let value: Value = serde_json::from_str(one.text).unwrap();
            assert_eq!(value["padding"], padding(number(one)));
        }
    }
}
