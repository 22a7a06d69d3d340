//! Imports and exports whose server is away or busy for a while, or takes not every document.

use std::time::Duration;

use super::failing::{Failing, times};
use super::*;
use resources::store::{Import, NewResource, Refusal};

fn rows(of: &ResourceType, numbers: std::ops::Range<i64>) -> Vec<NewResource> {
    let row = |n: i64| NewResource {
        id: match of.id {
            IdKind::String => Id::String(format!("row {n}")),
            IdKind::Integer => Id::Integer(n + 1),
            kind => kind.generate().unwrap(),
        },
        attributes: serde_json::Map::from_iter([("n".to_owned(), n.into())]),
    };
    numbers.map(row).collect()
}

async fn begun(failing: &Failing, of: &Arc<ResourceType>, mode: ImportMode) -> Import {
    prepare(&failing.store, of).await.unwrap();
    failing.store.import(of, mode).await.unwrap()
}

/// The attributes of the whole collection, in its order.
async fn exported(store: &MongoStore, of: &Arc<ResourceType>) -> Vec<String> {
    let mut scan = store.scan(of).await.unwrap();
    let mut texts = Vec::new();
    while let Some(batch) = scan.next().await.unwrap() {
        texts.extend(batch.iter().map(|one| one.text.to_owned()));
    }
    texts
}

fn numbered(numbers: impl IntoIterator<Item = i64>) -> Vec<String> {
    let text = |n| format!("{{\"n\":{n}}}");
    numbers.into_iter().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_an_import_is_stored_once_when_its_outcome_is_not_told() {
    let failing = Failing::fresh().await;
    for (kind, mode) in [
        ("objectId", ImportMode::EachBatch),
        ("string", ImportMode::InOrder),
        ("integer", ImportMode::EachBatch),
        ("uuid", ImportMode::InOrder),
    ] {
        let definition = format!("type: {kind}s\nid: {kind}\nattributes: {{type: object}}\n");
        let of = declared(&definition);
        let mut import = begun(&failing, &of, mode).await;
        let untold = doc! {
            "failCommands": ["insert"],
            "writeConcernError": { "code": 64, "errmsg": "waiting for replication timed out" },
        };
        failing.fail(times(1), untold);
        let outcomes = import.insert(rows(&of, 0..100)).await.unwrap();
        assert_eq!(outcomes, vec![Ok(()); 100], "{kind}");
        import.commit().await.unwrap();
        let stored = exported(&failing.store, &of).await;
        assert_eq!(stored, numbered(0..100), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_sent_again_still_says_which_rows_are_refused() {
    let failing = Failing::fresh().await;
    let of = things();
    let mut import = begun(&failing, &of, ImportMode::EachBatch).await;
    let first = rows(&of, 0..1);
    let taken = first[0].id.clone();
    import.insert(first).await.unwrap();
    let mut batch = rows(&of, 1..6);
    batch[1].id = taken.clone();
    // Twice the same row: one of them is stored.
    batch[4] = batch[3].clone();
    let again = batch[3].id.clone();
    let untold = doc! {
        "failCommands": ["insert"],
        "writeConcernError": { "code": 64, "errmsg": "waiting for replication timed out" },
    };
    failing.fail(times(1), untold);
    let outcomes = import.insert(batch).await.unwrap();
    let refused = |id: Id| Err(Refusal::IdTaken(id));
    let expected = [Ok(()), refused(taken), Ok(()), Ok(()), refused(again)];
    assert_eq!(outcomes, expected);
    import.commit().await.unwrap();
    let stored = exported(&failing.store, &of).await;
    assert_eq!(stored, numbered([0, 1, 3, 4]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_outlasts_a_server_that_is_busy_or_away() {
    const OUT_OF_DISK_SPACE: i32 = 14031;
    const SHUTDOWN_IN_PROGRESS: i32 = 91;
    let failing = Failing::fresh().await;
    let of = things();
    let mut import = begun(&failing, &of, ImportMode::EachBatch).await;
    for (code, numbers) in [(OUT_OF_DISK_SPACE, 0..10), (SHUTDOWN_IN_PROGRESS, 10..20)] {
        // The driver itself tries once more.
        let data = doc! { "failCommands": ["insert"], "errorCode": code };
        failing.fail(times(2), data);
        let outcomes = import.insert(rows(&of, numbers)).await.unwrap();
        assert_eq!(outcomes, vec![Ok(()); 10], "{code}");
        failing.stop();
    }
    assert_eq!(exported(&failing.store, &of).await, numbered(0..20));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commit_of_an_import_is_sent_again_until_its_outcome_is_known() {
    let failing = Failing::fresh().await;
    let of = things();
    let mut import = begun(&failing, &of, ImportMode::AllOrNothing).await;
    import.insert(rows(&of, 0..10)).await.unwrap();
    let data = doc! { "failCommands": ["commitTransaction"], "closeConnection": true };
    failing.fail(times(1), data);
    import.commit().await.unwrap();
    failing.stop();
    let stored = exported(&failing.store, &of).await;
    assert_eq!(stored, numbered(0..10));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_of_all_or_nothing_stores_nothing_and_says_what_to_do() {
    let failing = Failing::fresh().await;
    let of = things();
    for data in [
        doc! { "failCommands": ["insert"], "errorCode": 11602 },
        doc! { "failCommands": ["insert"], "errorCode": 14031 },
        doc! { "failCommands": ["insert"], "closeConnection": true },
    ] {
        let mut import = begun(&failing, &of, ImportMode::AllOrNothing).await;
        import.insert(rows(&of, 0..10)).await.unwrap();
        failing.fail(times(2), data.clone());
        let error = import.insert(rows(&of, 10..20)).await.unwrap_err();
        failing.stop();
        let passes = matches!(error, StoreError::Unavailable(_) | StoreError::Busy(_));
        assert!(passes, "{data}: {error:?}");
        assert!(
            error.to_string().contains("can be imported again"),
            "{error}"
        );
        assert!(import.commit().await.is_err(), "{data}");
        while failing.store.ping().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let stored = exported(&failing.store, &of).await;
        assert_eq!(stored, Vec::<String>::new(), "{data}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_goes_on_however_often_it_is_interrupted_between_rows() {
    const CURSOR_NOT_FOUND: i32 = 43;
    let failing = Failing::fresh().await;
    let of = declared("type: texts\nid: string\nattributes: {type: object}\n");
    prepare(&failing.store, &of).await.unwrap();
    let found = failing.database().collection::<Document>("texts");
    // Others have stored the first ones, without positions and with ids of their own kinds.
    let id = |n: i32| match n {
        0..500 => bson::Bson::Double(0.5 + f64::from(n)),
        500..1000 => bson::Bson::String(format!("{n:06}")),
        1000..1700 => doc! { "a": n }.into(),
        _ => bson::DateTime::from_millis(n.into()).into(),
    };
    let theirs = (0..2400).map(|n| doc! { "_id": id(n), "n": n });
    found.insert_many(theirs).await.unwrap();
    let mut import = begun(&failing, &of, ImportMode::EachBatch).await;
    import.insert(rows(&of, 2400..7000)).await.unwrap();
    import.commit().await.unwrap();
    let data = doc! { "failCommands": ["getMore"], "errorCode": CURSOR_NOT_FOUND };
    failing.fail("alwaysOn", data);
    let seen = exported(&failing.store, &of).await;
    assert_eq!(seen, numbered(0..7000));
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_the_server_does_not_take_are_refused_alone() {
    let (fresh, store) = fresh().await;
    let of = things();
    let create = doc! { "create": "things", "validator": { "n": { "$lt": 5 } } };
    fresh.0.run_command(create).await.unwrap();
    prepare(&store, &of).await.unwrap();
    let mut import = store.import(&of, ImportMode::EachBatch).await.unwrap();
    let mut batch = rows(&of, 3..7);
    let large = "Ada".repeat(6 << 20);
    batch[0].attributes.insert("large".to_owned(), large.into());
    let outcomes = import.insert(batch).await.unwrap();
    let texts = outcomes.iter().map(|outcome| match outcome {
        Ok(()) => "stored".to_owned(),
        Err(Refusal::Invalid(violations)) => violations[0].message.clone(),
        Err(other) => panic!("{other}"),
    });
    let texts: Vec<String> = texts.collect();
    assert!(texts[0].contains("16 MiB"), "{texts:?}");
    assert_eq!(texts[1], "stored");
    assert!(texts[2].contains("validator"), "{texts:?}");
    assert!(texts[3].contains("validator"), "{texts:?}");
    import.commit().await.unwrap();
    assert_eq!(exported(&store, &of).await, numbered([4]));
    let row = rows(&of, 9..10).remove(0);
    let error = written(&store, Write::insert(&of, row.id, row.attributes)).await;
    let refused = matches!(
        error,
        Err(WriteError::Refused {
            index: 0,
            refusal: Refusal::Invalid(_)
        })
    );
    assert!(refused, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_the_server_does_not_take_ends_an_import_of_all_or_nothing() {
    let (fresh, store) = fresh().await;
    let of = things();
    let create = doc! { "create": "things", "validator": { "n": { "$lt": 5 } } };
    fresh.0.run_command(create).await.unwrap();
    prepare(&store, &of).await.unwrap();
    let mut import = store.import(&of, ImportMode::AllOrNothing).await.unwrap();
    let outcomes = import.insert(rows(&of, 3..7)).await.unwrap();
    assert_eq!(outcomes[..2], [Ok(()), Ok(())]);
    assert!(
        matches!(outcomes[2..], [Err(Refusal::Invalid(_))]),
        "{outcomes:?}"
    );
    assert!(import.insert(rows(&of, 0..1)).await.is_err());
    assert!(import.commit().await.is_err());
    assert_eq!(exported(&store, &of).await, Vec::<String>::new());
}
