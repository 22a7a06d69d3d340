//! Many resources at once.

use super::*;

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
