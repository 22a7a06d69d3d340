//! Single resources, pages and scans.

use super::*;

pub(crate) async fn an_unknown_id_is_none(store: Store) {
    let of = things(&store).await;
    let unknown = of.id.generate().unwrap();
    assert_eq!(store.find(&of, &unknown).await.unwrap(), None);
}

pub(crate) async fn readers_at_once_are_each_given_their_own(store: Store) {
    let of = things(&store).await;
    let mut wanted = Vec::new();
    for n in 0..20 {
        wanted.push((insert(&store, &of, json!({"n": n})).await.id, Some(n)));
        wanted.push((of.id.generate().unwrap(), None));
    }
    let mut readers = tokio::task::JoinSet::new();
    for reader in 0..200 {
        let (store, of) = (store.clone(), of.clone());
        let (id, expected) = wanted[reader % wanted.len()].clone();
        readers.spawn(async move {
            let found = store.find(&of, &id).await.unwrap();
            let found = found.map(|resource| {
                assert_eq!(resource.id, id);
                serde_json::from_str::<Value>(&resource.attributes).unwrap()
            });
            assert_eq!(found, expected.map(|n| json!({"n": n})));
            let size = 1 + reader as u64 % 7;
            let page = page(&store, &of, 2, size).await;
            let seen: Vec<i64> = page.resources.iter().map(number).collect();
            let first = i64::try_from(size).unwrap();
            assert_eq!(seen, (first..2 * first).collect::<Vec<_>>());
            assert_eq!(page.total, 20);
        });
    }
    readers.join_all().await;
}

pub(crate) async fn a_write_that_was_acknowledged_is_in_every_later_read(store: Store) {
    let of = things(&store).await;
    let id = insert(&store, &of, json!({"n": 0})).await.id;
    let other = insert(&store, &of, json!({"n": -1})).await.id;
    let mut crowd = tokio::task::JoinSet::new();
    for reader in 0..8 {
        let (store, of) = (store.clone(), of.clone());
        let id = if reader % 2 == 0 { &id } else { &other }.clone();
        crowd.spawn(async move {
            loop {
                found(&store, &of, &id).await;
                page(&store, &of, 1, 5).await;
            }
        });
    }
    for n in 1..=50 {
        one(&store, update(&of, &id, json!({"n": n})))
            .await
            .unwrap();
        assert_eq!(found(&store, &of, &id).await, json!({"n": n}));
        assert_eq!(numbers(&store, &of).await, [n, -1]);
    }
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
