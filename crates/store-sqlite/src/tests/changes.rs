//! The log of changes, and what is left of it.

use resources::store::{Event, Point, WatchError, Watching};
use serde_json::json;

use super::*;

fn open_with(folder: &tempfile::TempDir, changes_kept: u32) -> SqliteStore {
    let settings = SqliteSettings {
        changes_kept,
        ..SqliteSettings::default()
    };
    SqliteStore::open(folder.path(), &settings).unwrap()
}

/// The places behind so many insertions.
async fn inserted(store: &SqliteStore, of: &Arc<ResourceType>, count: usize) -> Vec<Point> {
    let mut watching = store.watch(of, None).await.unwrap();
    let mut points = Vec::new();
    for _ in 0..count {
        insert(store, of, json!({})).await.unwrap();
        points.push(told(&mut watching, 1).await.remove(0).point);
    }
    points
}

async fn told(watching: &mut Watching, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < count {
        events.extend(watching.next().await.unwrap().events);
    }
    assert_eq!(events.len(), count);
    events
}

async fn is_gone(store: &SqliteStore, of: &Arc<ResourceType>, point: &Point) -> bool {
    match store.watch(of, Some(point)).await {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error, WatchError::Gone);
            true
        }
    }
}

#[tokio::test]
async fn no_more_changes_are_kept_than_the_bound_and_an_eighth() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_with(&folder, 16);
    let of = unique_on(&store, "").await;
    let points = inserted(&store, &of, 100).await;
    let gone = {
        let mut gone = 0;
        for point in &points {
            gone += usize::from(is_gone(&store, &of, point).await);
        }
        gone
    };
    assert!((100 - 19..=100 - 16).contains(&gone), "{gone}");
    assert!(is_gone(&store, &of, &points[0]).await);
    let mut last = store.watch(&of, Some(&points[89])).await.unwrap();
    assert_eq!(told(&mut last, 10).await[9].point, points[99]);
}

#[tokio::test]
async fn an_import_that_is_larger_than_the_log_does_not_fill_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_with(&folder, 16);
    let of = unique_on(&store, "").await;
    let before = store.watch(&of, None).await.unwrap().from;
    let mut import = store.import(&of, ImportMode::AllOrNothing).await.unwrap();
    for _ in 0..4 {
        let rows = store.next_ids(&of, 50).await.unwrap();
        let row = |id| resources::store::NewResource {
            id,
            attributes: resources::schema::Attributes::new(),
        };
        import
            .insert(rows.into_iter().map(row).collect())
            .await
            .unwrap();
    }
    import.commit().await.unwrap();
    assert!(is_gone(&store, &of, &before).await);
    let kept = "SELECT count(*) FROM changes";
    let connection = rusqlite::Connection::open(folder.path().join(file::NAME)).unwrap();
    let kept: u64 = connection.query_one(kept, [], |row| row.get(0)).unwrap();
    assert!(kept <= 19, "{kept}");
}

#[tokio::test]
async fn a_place_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_with(&folder, 100);
    let of = unique_on(&store, "").await;
    let points = inserted(&store, &of, 3).await;
    drop(store);
    let store = open_with(&folder, 100);
    store.prepare(std::slice::from_ref(&of)).await.unwrap();
    insert(&store, &of, json!({})).await.unwrap();
    let mut watching = store.watch(&of, Some(&points[1])).await.unwrap();
    assert_eq!(told(&mut watching, 2).await[0].point, points[2]);
}

#[tokio::test]
async fn a_place_behind_a_backup_is_gone_when_the_backup_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_with(&folder, 100);
    let of = unique_on(&store, "").await;
    let in_backup = inserted(&store, &of, 2).await;
    let backup = tempfile::tempdir().unwrap();
    copied(folder.path(), &backup.path().join(file::NAME)).unwrap();
    let lost = inserted(&store, &of, 2).await;
    drop(store);
    let store = open_with(&backup, 100);
    store.prepare(std::slice::from_ref(&of)).await.unwrap();
    assert!(is_gone(&store, &of, &lost[1]).await);
    inserted(&store, &of, 5).await;
    for point in &lost {
        assert!(is_gone(&store, &of, point).await, "{point:?}");
    }
    let mut watching = store.watch(&of, Some(&in_backup[0])).await.unwrap();
    told(&mut watching, 6).await;
}
