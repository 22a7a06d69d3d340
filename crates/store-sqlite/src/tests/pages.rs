//! Pages that are too large to be held at once.

use resources::query::{Comparison, Key, KeyPath, MemberPath, Order, Scalar, Test, Total};
use resources::schema::Kinds;

use super::*;

/// A store whose pages hold 10 kB, with 20 resources of 4 kB, and room for two streams.
async fn filled() -> (tempfile::TempDir, SqliteStore, Arc<ResourceType>) {
    let folder = tempfile::tempdir().unwrap();
    let settings = SqliteSettings {
        page_bytes_max: 10_000,
        page_streams_bytes_max: 40_000,
        ..SqliteSettings::default()
    };
    let store = SqliteStore::open(folder.path(), &settings).unwrap();
    let of = unique_on(&store, "").await;
    for n in 0..20 {
        let value = serde_json::json!({"n": n, "text": "x".repeat(4000)});
        insert(&store, &of, value).await.unwrap();
    }
    (folder, store, of)
}

fn numbers(resources: &resources::store::Resources) -> Vec<i64> {
    let number = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        value["n"].as_i64().unwrap()
    };
    resources.iter().map(|one| number(one.text)).collect()
}

#[tokio::test]
async fn a_large_page_comes_in_batches_of_a_bounded_size() {
    let (_folder, store, of) = filled().await;
    let query = Query {
        skip: 1,
        ..Query::first(17)
    };
    let page = store.list(&of, &query).await.unwrap();
    assert_eq!(page.total.map(Total::number), Some(20));
    let mut all = numbers(&page.resources);
    assert_eq!(all, [1, 2]);
    let mut rest = page.rest.unwrap();
    while let Some(batch) = rest.next().await.unwrap() {
        assert!(batch.len() <= 2, "{}", batch.len());
        all.extend(numbers(&batch));
    }
    assert_eq!(all, (1..18).collect::<Vec<_>>());
    let whole = store.list(&of, &Query::first(2)).await.unwrap();
    assert!(whole.rest.is_none());
}

#[tokio::test]
async fn nothing_is_read_before_there_is_room_for_it() {
    let (_folder, store, of) = filled().await;
    let page = store.list(&of, &Query::first(20)).await.unwrap();
    let mut rest = page.rest.unwrap();
    // What is deleted before its own batch is read is not in it: all was not read at once.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let last = store
        .list(
            &of,
            &Query {
                skip: 19,
                ..Query::first(1)
            },
        )
        .await
        .unwrap();
    let delete = Write::delete(&of, last.resources.last().unwrap().id.clone());
    store.write(Unit::new(vec![delete])).await.unwrap();
    let mut all = numbers(&page.resources);
    while let Some(batch) = rest.next().await.unwrap() {
        all.extend(numbers(&batch));
    }
    assert_eq!(all, (0..19).collect::<Vec<_>>());
}

#[tokio::test]
async fn clients_that_do_not_read_hold_a_bounded_number_of_streams() {
    let (_folder, store, of) = filled().await;
    let query = Query::first(20);
    let list = || store.list(&of, &query);
    let (first, second) = (list().await.unwrap(), list().await.unwrap());
    let refused = list().await;
    assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    // Small pages need no stream, and one that is dropped gives its place back.
    assert!(store.list(&of, &Query::first(1)).await.is_ok());
    drop(first);
    while list().await.is_err() {
        tokio::task::yield_now().await;
    }
    drop(second);
}

#[tokio::test]
async fn a_large_page_keeps_its_filter_and_its_order() {
    let (_folder, store, of) = filled().await;
    let n = MemberPath {
        names: vec!["n".to_owned()],
        kinds: Kinds::ANY,
        stored: None,
    };
    let two = Scalar::of(&serde_json::json!(2)).unwrap();
    let above = Test::Compare(Comparison::Greater, two);
    let path = KeyPath::Member {
        through: Vec::new(),
        path: n.clone(),
    };
    let descending = true;
    let order = Order {
        keys: vec![Key { path, descending }],
    };
    for (from_end, skip, expected) in [(false, 2, 7..18), (true, 0, 3..14)] {
        let query = Query {
            filter: Filter::member(n.clone(), above.clone()),
            order: order.clone(),
            skip,
            from_end,
            ..Query::first(11)
        };
        let page = store.list(&of, &query).await.unwrap();
        assert_eq!((page.total, page.more), (Some(Total::Exact(17)), true));
        let mut all = numbers(&page.resources);
        assert_eq!(all.len(), 2);
        let mut rest = page.rest.unwrap();
        while let Some(batch) = rest.next().await.unwrap() {
            all.extend(numbers(&batch));
        }
        assert_eq!(all, expected.rev().collect::<Vec<_>>());
    }
}
