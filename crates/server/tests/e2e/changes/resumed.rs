use serde_json::json;

use super::{create, feed, feed_after, notes, notes_on, update};
use crate::harness::Store;

#[tokio::test]
async fn a_reader_goes_on_right_behind_what_it_has_read() {
    let (server, _folder) = notes().await;
    let path = "/notes/-/changes?filter[n][gt]=-1";
    let mut first = feed(&server, path).await;
    let begin = first.last_event_id.clone();
    let mut ids = Vec::new();
    let mut places = vec![begin];
    for n in 0..10 {
        ids.push(create(&server, &json!({"n": n})).await);
        first.event().await;
        places.push(first.last_event_id.clone());
    }
    // With a feed that is there, and with none.
    for is_first_there in [true, false] {
        if !is_first_there {
            drop(std::mem::replace(
                &mut first,
                feed(&server, "/labels/-/changes").await,
            ));
        }
        for (at, place) in places.iter().enumerate() {
            let mut again = feed_after(&server, path, place.as_deref()).await;
            for id in &ids[at..] {
                assert_eq!(again.event().await.about(), ("create", &**id), "{at}");
            }
            let query = place.as_deref().unwrap();
            let url = format!("{path}&lastEventId={query}");
            let mut again = feed_after(&server, &url, None).await;
            if let Some(id) = ids.get(at) {
                assert_eq!(again.event().await.about(), ("create", &**id));
            }
        }
    }
    let last = places.last().unwrap();
    let mut again = feed_after(&server, path, last.as_deref()).await;
    update(&server, &ids[3], &json!({"n": 5})).await;
    assert_eq!(again.event().await.about(), ("update", &*ids[3]));
}

#[tokio::test]
async fn a_reader_that_was_away_for_a_restart_misses_nothing() {
    let store = Store::fresh();
    let (server, folder) = notes_on(&store, &[]).await;
    let mut before = feed(&server, "/notes/-/changes").await;
    let first = create(&server, &json!({"n": 1})).await;
    assert_eq!(before.event().await.about(), ("create", &*first));
    let missed = create(&server, &json!({"n": 2})).await;
    assert!(server.terminate().await.success());
    let (server, _folder) = notes_on(&store, &[]).await;
    let after = before.last_event_id.clone();
    let last = create(&server, &json!({"n": 3})).await;
    let mut again = feed_after(&server, "/notes/-/changes", after.as_deref()).await;
    assert_eq!(again.event().await.about(), ("create", &*missed));
    assert_eq!(again.event().await.about(), ("create", &*last));
    drop(folder);
}
