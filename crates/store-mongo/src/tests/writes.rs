//! Writes that look at what others have stored.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn integer_ids_go_on_after_those_that_are_found() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<Document>("orders");
    // The old shell writes integers as doubles.
    found
        .insert_many([doc! { "_id": 41.0 }, doc! { "_id": 7 }])
        .await
        .unwrap();
    let of = declared("type: orders\nid: integer\nattributes: {type: object}\n");
    repository.prepare(&of).await.unwrap();
    let new = resources::store::NewResource {
        id: None,
        attributes: serde_json::Map::new(),
    };
    let operation = resources::store::Operation::Insert(new);
    let written = repository
        .write(vec![Write {
            of: of.clone(),
            operation,
        }])
        .await
        .unwrap();
    assert!(matches!(&written[0], Written::Stored(stored) if stored.id == Id::Integer(42)));
    assert!(
        repository
            .find(&of, &Id::Integer(41))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_to_a_sharded_type_name_its_shard_key() {
    use resources::store::Operation;
    let (fresh, repository) = fresh().await;
    let of = declared("type: things\nattributes: {type: object}\nshardKey: [city, zip]\n");
    let found = fresh.0.collection::<Document>("things");
    let (a, b) = (bson::oid::ObjectId::new(), bson::oid::ObjectId::new());
    found
        .insert_many([doc! { "_id": a, "city": "x", "zip": 1 }, doc! { "_id": b }])
        .await
        .unwrap();
    for id in [a, b].map(|id| Id::ObjectId(id.bytes())) {
        let attributes = serde_json::Map::from_iter([("n".to_owned(), 1.into())]);
        for operation in [
            Operation::Update {
                id: id.clone(),
                changes: attributes.clone(),
                check: Box::new(|_, _| Ok(())),
            },
            Operation::Replace {
                id: id.clone(),
                attributes,
            },
            Operation::Delete { id: id.clone() },
        ] {
            repository
                .write(vec![Write {
                    of: of.clone(),
                    operation,
                }])
                .await
                .unwrap();
        }
    }
    assert_eq!(found.count_documents(doc! {}).await.unwrap(), 0);
}

async fn update(
    repository: &MongoStore,
    of: &Arc<ResourceType>,
    id: &Id,
) -> Result<Vec<Written>, WriteError> {
    let operation = resources::store::Operation::Update {
        id: id.clone(),
        changes: serde_json::Map::from_iter([("n".to_owned(), 1.into())]),
        check: Box::new(|_, _| Ok(())),
    };
    let of = of.clone();
    repository.write(vec![Write { of, operation }]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_never_equal_themselves_can_be_changed() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<RawDocumentBuf>("things");
    let id = bson::oid::ObjectId::new();
    let mut twice = bson::rawdoc! { "_id": id, "a": 1 };
    twice.append(bson::cstr!("a"), bson::RawBson::MinKey);
    found.insert_one(twice).await.unwrap();
    let written = update(&repository, &things(), &Id::ObjectId(id.bytes())).await;
    assert!(written.is_ok(), "{written:?}");
    let stored = found.find_one(doc! { "_id": id }).await.unwrap().unwrap();
    assert_eq!(stored.get_i32("n").unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_any_depth_that_mongodb_takes_can_be_changed() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    let id = bson::oid::ObjectId::new();
    let mut deep = doc! {};
    for _ in 0..170 {
        deep = doc! { "a": deep };
    }
    deep.insert("_id", id);
    found.insert_one(deep).await.unwrap();
    let written = update(&repository, &things(), &Id::ObjectId(id.bytes())).await;
    assert!(written.is_ok(), "{written:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_mongodb_does_not_replace_is_refused_as_invalid() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    let id = bson::oid::ObjectId::new();
    let operator = found.insert_one(doc! { "_id": id, "$set": 1 }).await;
    assert!(operator.is_ok(), "{operator:?}");
    let refused = update(&repository, &things(), &Id::ObjectId(id.bytes())).await;
    let Err(WriteError::Refused { refusal, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert!(refusal.to_string().contains("not be valid"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_almost_16_mb_can_be_changed_in_part() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    let id = bson::oid::ObjectId::new();
    let large = doc! { "_id": id, "padding": "x".repeat(15 << 20) };
    found.insert_one(large).await.unwrap();
    let written = update(&repository, &things(), &Id::ObjectId(id.bytes())).await;
    assert!(written.is_ok(), "{:?}", written.err());
    let changed = doc! { "_id": id, "n": 1 };
    assert_eq!(found.count_documents(changed).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_whose_shard_key_others_change_is_not_taken_for_absent() {
    use resources::store::Operation;
    let (fresh, repository) = fresh().await;
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
        let attributes = serde_json::Map::from_iter([("city".to_owned(), (-n).into())]);
        let operation = Operation::Replace {
            id: Id::ObjectId(id.bytes()),
            attributes,
        };
        let of = of.clone();
        let written = repository.write(vec![Write { of, operation }]).await;
        assert!(written.is_ok(), "{written:?}");
    }
    others.abort();
    let _ = others.await;
}
