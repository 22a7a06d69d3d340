//! What is kept under keys in this file, and when it goes.

use std::time::{Duration, Instant};

use resources::store::{KeyLimits, now};

use super::*;

fn key(name: &str, limits: KeyLimits) -> Key {
    Key {
        name: name.to_owned(),
        fingerprint: [1; 32],
        answering: vec![0],
        limits,
    }
}

fn keyed(of: &Arc<ResourceType>, key: Key) -> Unit {
    let id = of.id.generate().unwrap();
    let insertion = Write::insert(of, id, resources::schema::Attributes::new());
    Unit::new(vec![insertion]).with_key(key)
}

/// How many keys there are, and what they are noted to hold.
async fn kept(store: &SqliteStore) -> (u64, u64) {
    let count = "SELECT count(*), (SELECT bytes FROM idempotency_kept) FROM idempotency_keys";
    let read = store.readers.run(move |connection| {
        connection.query_one(count, [], |row| Ok((row.get(0)?, row.get(1)?)))
    });
    read.await.unwrap()
}

#[tokio::test]
async fn a_key_is_known_after_a_restart() {
    let (folder, store) = fresh().await;
    let of = unique_on(&store, "").await;
    let key = key("k", KeyLimits::default());
    store.write(keyed(&of, key.clone())).await.unwrap();
    let before = store.recall(&key).await.unwrap();
    assert!(matches!(before, Some(KeyRefusal::Done(_))), "{before:?}");
    drop(store);
    let store = open(folder.path()).unwrap();
    unique_on(&store, "").await;
    assert_eq!(store.recall(&key).await.unwrap(), before);
    let again = store.write(keyed(&of, key)).await.unwrap_err();
    assert!(
        matches!(again, WriteError::Key(KeyRefusal::Done(_))),
        "{again:?}"
    );
}

#[tokio::test]
async fn no_more_is_kept_than_may_be() {
    let (_folder, store) = fresh().await;
    let of = unique_on(&store, "").await;
    let limits = KeyLimits {
        bytes_max: 1000,
        ..KeyLimits::default()
    };
    let mut done = 0;
    let refused = loop {
        let unit = keyed(&of, key(&format!("k{done}"), limits));
        match store.write(unit).await {
            Ok(_) => done += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(refused, WriteError::Key(KeyRefusal::NoRoom)),
        "{refused:?}"
    );
    let (count, bytes) = kept(&store).await;
    assert_eq!(count, done);
    assert!((700..=1000).contains(&bytes), "{bytes}");
    let page = store.list(&of, &Query::first(10)).await.unwrap();
    assert_eq!(page.resources.len() as u64, done);
}

#[tokio::test]
async fn what_has_expired_is_removed_regularly_and_nothing_else() {
    let (_folder, store) = fresh().await;
    let of = unique_on(&store, "").await;
    let expired = KeyLimits {
        time: Duration::ZERO,
        ..KeyLimits::default()
    };
    store
        .write(keyed(&of, key("stays", KeyLimits::default())))
        .await
        .unwrap();
    let (_, stays) = kept(&store).await;
    // More than one portion.
    for number in 0..600 {
        let unit = keyed(&of, key(&number.to_string(), expired));
        store.write(unit).await.unwrap();
    }
    assert_eq!(kept(&store).await.0, 601);
    // From here on the clock goes on by itself.
    tokio::time::pause();
    let begun = Instant::now();
    while kept(&store).await != (1, stays) {
        assert!(begun.elapsed() < Duration::from_secs(30), "at {}", now());
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
}
