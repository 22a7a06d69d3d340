//! Documents of any origin, one by one and by pages.

use super::*;
use resources::store::{ResourceRef, Resources};

#[tokio::test(flavor = "multi_thread")]
async fn found_documents_are_served_as_they_are() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    let id = bson::oid::ObjectId::new();
    let born = bson::DateTime::from_millis(0);
    let document = doc! { "born": born, "_id": id, "type": 1.0, "tags": ["a", { "b": id }] };
    found.insert_one(document).await.unwrap();
    let of = things();
    repository.prepare(&of).await.unwrap();
    let resource = repository
        .find(&of, &Id::ObjectId(id.bytes()))
        .await
        .unwrap()
        .unwrap();
    let text = format!(
        r#"{{"born":{{"$date":"1970-01-01T00:00:00Z"}},"type":1.0,"tags":["a",{{"b":{{"$oid":"{id}"}}}}]}}"#
    );
    assert_eq!(resource.attributes, text);
    // What another program wrote later may have ids of other kinds: lists go on.
    found.insert_one(doc! { "_id": born }).await.unwrap();
    let page = page(&repository, &of, 1).await;
    let mut ids = page.resources.iter().map(|one| one.id.to_string());
    assert!(ids.any(|id| id == r#"{"$date":"1970-01-01T00:00:00Z"}"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_knows_the_total() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    for (stored, number, total) in [
        (0, 1, 0),
        (3, 1, 3),
        (3, 2, 3),
        (4, 1, 4),
        (4, 2, 4),
        (4, 9, 4),
    ] {
        found.delete_many(doc! {}).await.unwrap();
        let documents: Vec<Document> = (0..stored).map(|n| doc! { "n": n }).collect();
        if stored > 0 {
            found.insert_many(documents).await.unwrap();
        }
        let page = page(&repository, &things(), number).await;
        assert_eq!(page.total, total, "{stored} stored, page {number}");
        let first = 3 * usize::try_from(number - 1).unwrap();
        let expected = usize::try_from(stored)
            .unwrap()
            .saturating_sub(first)
            .min(3);
        assert_eq!(
            page.resources.len(),
            expected,
            "{stored} stored, page {number}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_resources_than_are_counted_have_the_total_that_the_server_gives() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    found.insert_many(vec![doc! {}; 10]).await.unwrap();
    for bound in [0, 1, 9, 10, 11] {
        let session = repository.store.client.start_session().await;
        let mut session = session.unwrap();
        let counted = pages::count(&repository.store, &things(), &mut session, None, bound).await;
        assert_eq!(counted.unwrap(), 10, "counted up to {bound}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_larger_than_a_reply_of_the_server_comes_in_batches() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    // A reply has 16 MB at most.
    let padding = "x".repeat(1 << 20);
    for n in 0..40 {
        let document = doc! { "n": n, "padding": &padding };
        found.insert_one(document).await.unwrap();
    }
    let of = things();
    let page = resources::query::Pagination {
        number: 1,
        size: 35,
    };
    let query = Query { page };
    // What is still on its way can be given to one reader only.
    let (one, other) = tokio::join!(repository.list(&of, &query), repository.list(&of, &query));
    for page in [one.unwrap(), other.unwrap()] {
        assert_eq!(page.total, 40);
        let mut batches = vec![page.resources.as_ref().clone()];
        let mut rest = page.rest.expect("it fits one reply");
        while let Some(batch) = rest.next().await.unwrap() {
            assert!(batch.bytes() <= 17 << 20, "{} bytes", batch.bytes());
            batches.push(batch);
        }
        assert!(batches.len() > 2, "{} batches", batches.len());
        let numbered = |one: ResourceRef<'_>| {
            let value: serde_json::Value = serde_json::from_str(one.attributes).unwrap();
            assert_eq!(value["padding"].as_str(), Some(padding.as_str()));
            value["n"].as_i64()
        };
        let seen: Vec<_> = batches
            .iter()
            .flat_map(Resources::iter)
            .map(numbered)
            .collect();
        assert_eq!(seen, (0..35).map(Some).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_the_server_alone_takes_for_the_same_is_found_among_others() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<Document>("orders");
    let five: bson::Decimal128 = "5".parse().unwrap();
    let documents = [doc! { "_id": five, "n": 5 }, doc! { "_id": 6.0, "n": 6 }];
    found.insert_many(documents).await.unwrap();
    let of = declared("type: orders\nid: integer\nattributes: {type: object}\n");
    let (five, six, seven) = (Id::Integer(5), Id::Integer(6), Id::Integer(7));
    let alone = repository.find(&of, &five).await.unwrap();
    assert!(alone.is_some());
    let (five, six, seven) = tokio::join!(
        repository.find(&of, &five),
        repository.find(&of, &six),
        repository.find(&of, &seven),
    );
    assert_eq!(five.unwrap(), alone);
    assert_eq!(six.unwrap().unwrap().attributes, r#"{"n":6}"#);
    assert_eq!(seven.unwrap(), None);
}
