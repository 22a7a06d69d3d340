//! Many resources at once.

use std::time::Duration;

use super::*;

pub async fn an_import_of_all_or_nothing_is_invisible_until_it_commits(store: AnyStore) {
    let resource_type = things(&store).await;
    let mut import = begun(&store, &resource_type, ImportMode::AllOrNothing).await;
    insert_all(&mut import, rows(&resource_type, 0..10)).await;
    assert_eq!(
        page(&store, &resource_type, 0, 5).await.total,
        Some(Total::Exact(0))
    );
    insert_all(&mut import, rows(&resource_type, 10..20)).await;
    import.commit().await.unwrap();
    assert_eq!(
        numbers(&store, &resource_type).await,
        (0..20).collect::<Vec<i64>>()
    );
}

pub async fn an_import_that_is_dropped_leaves_nothing(store: AnyStore) {
    let resource_type = things(&store).await;
    let mut import = begun(&store, &resource_type, ImportMode::AllOrNothing).await;
    insert_all(&mut import, rows(&resource_type, 0..10)).await;
    drop(import);
    insert(&store, &resource_type, json!({"n": 77})).await;
    assert_eq!(numbers(&store, &resource_type).await, [77]);
}

pub async fn an_import_by_batches_keeps_what_was_acknowledged(store: AnyStore) {
    let resource_type = things(&store).await;
    let mut import = begun(&store, &resource_type, ImportMode::EachBatch).await;
    insert_all(&mut import, rows(&resource_type, 0..10)).await;
    drop(import);
    assert_eq!(
        numbers(&store, &resource_type).await,
        (0..10).collect::<Vec<i64>>()
    );
}

pub async fn an_import_by_batches_says_which_rows_are_refused(store: AnyStore) {
    let resource_type = things(&store).await;
    let mut batch = rows(&resource_type, 0..4);
    batch[2].id = batch[0].id.clone();
    let taken = Refusal::IdTaken(batch[0].id.clone());
    let mut import = begun(&store, &resource_type, ImportMode::EachBatch).await;
    let outcomes = import.insert(batch).await.unwrap();
    assert_eq!(outcomes, [Ok(()), Ok(()), Err(taken), Ok(())]);
    import.commit().await.unwrap();
    assert_eq!(numbers(&store, &resource_type).await, [0, 1, 3]);
}

pub async fn an_import_of_all_or_nothing_ends_at_the_first_refusal(store: AnyStore) {
    let resource_type = things(&store).await;
    let there = insert(&store, &resource_type, json!({"n": 77})).await.id;
    for clashes_with_its_own in [true, false] {
        let mut import = begun(&store, &resource_type, ImportMode::AllOrNothing).await;
        insert_all(&mut import, rows(&resource_type, 0..3)).await;
        let mut batch = rows(&resource_type, 3..8);
        let id = if clashes_with_its_own {
            batch[0].id.clone()
        } else {
            there.clone()
        };
        batch[2].id = id.clone();
        let taken = Refusal::IdTaken(id.clone());
        let outcomes = import.insert(batch).await.unwrap();
        assert_eq!(outcomes.last(), Some(&Err(taken)));
        assert!(import.commit().await.is_err(), "a part was committed");
        assert_eq!(numbers(&store, &resource_type).await, [77]);
    }
}

pub async fn an_import_in_order_ends_at_the_first_refusal(store: AnyStore) {
    let resource_type = things(&store).await;
    let mut import = begun(&store, &resource_type, ImportMode::InOrder).await;
    insert_all(&mut import, rows(&resource_type, 0..3)).await;
    let mut batch = rows(&resource_type, 3..8);
    batch[2].id = batch[0].id.clone();
    batch[4].id = batch[0].id.clone();
    let taken = Refusal::IdTaken(batch[0].id.clone());
    let outcomes = import.insert(batch).await.unwrap();
    assert_eq!(outcomes, [Ok(()), Ok(()), Err(taken)]);
    import.commit().await.unwrap();
    assert_eq!(numbers(&store, &resource_type).await, [0, 1, 2, 3, 4]);
}

pub async fn a_write_during_an_import_is_kept(store: AnyStore) {
    let resource_type = things(&store).await;
    for (round, mode) in [
        ImportMode::AllOrNothing,
        ImportMode::EachBatch,
        ImportMode::InOrder,
    ]
    .into_iter()
    .enumerate()
    {
        let mut import = begun(&store, &resource_type, mode).await;
        insert_all(&mut import, rows(&resource_type, 0..5)).await;
        let (writer, of) = (store.clone(), resource_type.clone());
        let mut write = tokio::spawn(async move { insert(&writer, &of, json!({"n": 77})).await });
        // A store may let it wait for the end of the import.
        let _ = tokio::time::timeout(Duration::from_millis(50), &mut write).await;
        insert_all(&mut import, rows(&resource_type, 5..9)).await;
        import.commit().await.unwrap();
        if !write.is_finished() {
            write.await.unwrap();
        }
        let seen = numbers(&store, &resource_type).await;
        let kept = seen.iter().filter(|n| **n == 77).count();
        assert_eq!((kept, seen.len()), (round + 1, 10 * (round + 1)));
    }
}
