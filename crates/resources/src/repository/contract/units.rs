//! Several writes in one unit, and several units at once.

use super::*;

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
