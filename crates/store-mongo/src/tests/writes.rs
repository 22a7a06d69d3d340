//! Writes that look at what others have stored.

use bson::RawDocumentBuf;
use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn integer_ids_go_on_after_those_that_are_found() {
    let (fresh, store) = fresh().await;
    let found = fresh.0.collection::<Document>("orders");
    // The old shell writes integers as doubles.
    found
        .insert_many([doc! { "_id": 41.0 }, doc! { "_id": 7 }])
        .await
        .unwrap();
    let of = declared("type: orders\nid: integer\nattributes: {type: object}\n");
    prepare(&store, &of).await.unwrap();
    let fresh = store.next_ids(&of, 2).await.unwrap();
    assert_eq!(fresh, [Id::Integer(42), Id::Integer(43)]);
    assert!(look_up(&store, &of, &Id::Integer(41)).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn integers_that_have_run_out_are_unusable() {
    let (_fresh, store) = fresh().await;
    let of = declared("type: orders\nid: integer\nattributes: {type: object}\n");
    prepare(&store, &of).await.unwrap();
    let last = Write::insert(&of, Id::Integer(i64::MAX), attributes(json!({})));
    written(&store, last).await.unwrap();
    let error = store.next_ids(&of, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_to_a_sharded_type_name_its_shard_key() {
    let (fresh, store) = fresh().await;
    let of = declared("type: things\nattributes: {type: object}\nshardKey: [city, zip]\n");
    let found = fresh.0.collection::<Document>("things");
    let (a, b) = (bson::oid::ObjectId::new(), bson::oid::ObjectId::new());
    found
        .insert_many([doc! { "_id": a, "city": "x", "zip": 1 }, doc! { "_id": b }])
        .await
        .unwrap();
    for id in [a, b].map(|id| Id::ObjectId(id.bytes())) {
        for write in [
            Write::update(&of, id.clone(), attributes(json!({"n": 1}))),
            Write::replace(&of, id.clone(), attributes(json!({"n": 1}))),
            Write::delete(&of, id),
        ] {
            written(&store, write).await.unwrap();
        }
    }
    assert_eq!(found.count_documents(doc! {}).await.unwrap(), 0);
}

async fn update(
    store: &MongoStore,
    of: &Arc<ResourceType>,
    id: &Id,
) -> Result<Vec<Written>, WriteError> {
    let change = Write::update(of, id.clone(), attributes(json!({"n": 1})));
    written(store, change).await
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_never_equal_themselves_can_be_changed() {
    let (fresh, store) = fresh().await;
    let found = fresh.0.collection::<RawDocumentBuf>("things");
    let id = bson::oid::ObjectId::new();
    let mut twice = bson::rawdoc! { "_id": id, "a": 1 };
    twice.append(bson::cstr!("a"), bson::RawBson::MinKey);
    found.insert_one(twice).await.unwrap();
    let names = |document: &RawDocumentBuf| -> Vec<String> {
        let fields = document.iter().flatten();
        fields.map(|(name, _)| name.to_string()).collect()
    };
    let before = found.find_one(doc! { "_id": id }).await.unwrap().unwrap();
    let written = update(&store, &things(), &Id::ObjectId(id.bytes())).await;
    assert!(written.is_ok(), "{written:?}");
    let stored = found.find_one(doc! { "_id": id }).await.unwrap().unwrap();
    assert_eq!(stored.get_i32("n").unwrap(), 1);
    // Servers keep both fields of one name, stand-ins may not.
    let mut expected = names(&before);
    expected.push("n".to_owned());
    assert_eq!(names(&stored), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_stored_can_be_changed() {
    let (_fresh, store) = fresh().await;
    let of = things();
    prepare(&store, &of).await.unwrap();
    let id = of.id.generate().unwrap();
    let value = attributes(json!({"x": {"$undefined": true}, "y": [{"$undefined": true}]}));
    written(&store, Write::insert(&of, id.clone(), value))
        .await
        .unwrap();
    let written = update(&store, &of, &id).await;
    assert!(written.is_ok(), "{written:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_any_depth_that_mongodb_takes_can_be_changed() {
    let (fresh, store) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    let id = bson::oid::ObjectId::new();
    let mut deep = doc! {};
    for _ in 0..170 {
        deep = doc! { "a": deep };
    }
    deep.insert("_id", id);
    found.insert_one(deep).await.unwrap();
    let written = update(&store, &things(), &Id::ObjectId(id.bytes())).await;
    assert!(written.is_ok(), "{written:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_mongodb_does_not_replace_is_refused_as_invalid() {
    let (fresh, store) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    let id = bson::oid::ObjectId::new();
    let operator = found.insert_one(doc! { "_id": id, "$set": 1 }).await;
    assert!(operator.is_ok(), "{operator:?}");
    let refused = update(&store, &things(), &Id::ObjectId(id.bytes())).await;
    let Err(WriteError::Refused { refusal, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert!(refusal.to_string().contains("not be valid"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_almost_16_mb_can_be_changed_in_part() {
    let (fresh, store) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    let id = bson::oid::ObjectId::new();
    let large = doc! { "_id": id, "padding": "x".repeat(15 << 20) };
    found.insert_one(large).await.unwrap();
    let written = update(&store, &things(), &Id::ObjectId(id.bytes())).await;
    assert!(written.is_ok(), "{:?}", written.err());
    let changed = doc! { "_id": id, "n": 1 };
    assert_eq!(found.count_documents(changed).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_whose_shard_key_others_change_is_not_taken_for_absent() {
    let (fresh, store) = fresh().await;
    let of = declared("type: things\nattributes: {type: object}\nshardKey: [city]\n");
    let found = fresh.0.collection::<Document>("things");
    let id = bson::oid::ObjectId::new();
    found
        .insert_one(doc! { "_id": id, "city": 0 })
        .await
        .unwrap();
    let (others, by_id) = (found.clone(), doc! { "_id": id });
    let others = tokio::spawn(async move {
        for city in 0.. {
            let change = doc! { "$set": { "city": city } };
            others.update_one(by_id.clone(), change).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    for n in 0..100 {
        let members = attributes(json!({ "city": -n }));
        let replacement = Write::replace(&of, Id::ObjectId(id.bytes()), members);
        let written = written(&store, replacement).await;
        assert!(written.is_ok(), "{written:?}");
    }
    others.abort();
    let _ = others.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_a_unit_demands_cannot_leave_before_the_unit_is_done() {
    let (_fresh, store) = fresh().await;
    let of = things();
    prepare(&store, &of).await.unwrap();
    let store = Arc::new(store);
    for n in 0..20 {
        let (author, book) = (of.id.generate().unwrap(), of.id.generate().unwrap());
        let first = Write::insert(&of, author.clone(), attributes(json!({"a": [1], "b": {}})));
        let before = written(&store, first).await.unwrap();
        let book_of_author = Unit::new(vec![
            Write::exists(&of, author.clone()),
            Write::insert(&of, book.clone(), attributes(json!({ "n": n }))),
        ]);
        let (unit, deletion) = tokio::join!(
            store.write(book_of_author),
            written(&store, Write::delete(&of, author.clone()))
        );
        deletion.unwrap();
        match unit {
            Ok(done) => assert_eq!(done[0], Written::Unchanged),
            Err(WriteError::Refused { index: 0, .. }) => {
                assert_eq!(look_up(&store, &of, &book).await, None);
            }
            Err(other) => panic!("{other}"),
        }
        // A unit that only looks leaves the resource as it was.
        let again = Write::insert(&of, author.clone(), attributes(json!({"a": [1], "b": {}})));
        assert_eq!(written(&store, again).await.unwrap(), before);
        let look = || Write::exists(&of, author.clone());
        store.write(Unit::new(vec![look(), look()])).await.unwrap();
        let left = look_up(&store, &of, &author).await.unwrap();
        assert_eq!([Written::Stored(left)], before[..]);
    }
}
