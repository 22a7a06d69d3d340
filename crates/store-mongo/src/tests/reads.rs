//! Documents of any origin, one by one and by pages.

use super::*;
use resources::query::{Count, Total};
use resources::store::{ResourceRef, Resources};

#[tokio::test(flavor = "multi_thread")]
async fn found_documents_are_served_as_they_are() {
    let (fresh, store) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    let id = bson::oid::ObjectId::new();
    let born = bson::DateTime::from_millis(0);
    let document = doc! { "born": born, "_id": id, "type": 1.0, "tags": ["a", { "b": id }] };
    found.insert_one(document).await.unwrap();
    let of = things();
    prepare(&store, &of).await.unwrap();
    let resource = look_up(&store, &of, &Id::ObjectId(id.bytes()))
        .await
        .unwrap();
    let text = format!(
        r#"{{"born":{{"$date":"1970-01-01T00:00:00Z"}},"type":1.0,"tags":["a",{{"b":{{"$oid":"{id}"}}}}]}}"#
    );
    assert_eq!(resource.text, text);
    // What another program wrote later may have ids of other kinds: lists go on.
    found.insert_one(doc! { "_id": born }).await.unwrap();
    let page = page(&store, &of, 1).await;
    let mut ids = page.resources.iter().map(|one| one.id.to_string());
    assert!(ids.any(|id| id == r#"{"$date":"1970-01-01T00:00:00Z"}"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_knows_the_total() {
    let (fresh, store) = fresh().await;
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
        let page = page(&store, &things(), number).await;
        assert_eq!(
            page.total.map(Total::number),
            Some(total),
            "{stored} stored, page {number}"
        );
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
async fn a_page_larger_than_its_bound_comes_in_batches() {
    let (fresh, store) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    // Of documents whose size is not known yet, a reply of the server has up to 16 MB.
    let padding = "x".repeat(1 << 19);
    for n in 0..40 {
        let document = doc! { "n": n, "padding": &padding };
        found.insert_one(document).await.unwrap();
    }
    let of = things();
    let query = Query::first(35);
    let store = resources::store::Rounds::new(Arc::new(store));
    // What is still on its way can be given to one reader only.
    let (one, other) = tokio::join!(store.list(&of, &query), store.list(&of, &query));
    for page in [one.unwrap(), other.unwrap()] {
        assert_eq!(page.total.map(Total::number), Some(40));
        let mut batches = vec![page.resources.as_ref().clone()];
        let mut rest = page.rest.expect("it fits one reply");
        while let Some(batch) = rest.next().await.unwrap() {
            assert!(batch.bytes() <= 1 << 20, "{} bytes", batch.bytes());
            batches.push(batch);
        }
        let first = batches[0].bytes();
        assert!(first <= 1 << 20, "the first batch has {first} bytes");
        let numbered = |one: ResourceRef<'_>| {
            let value: serde_json::Value = serde_json::from_str(one.text).unwrap();
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
    let (fresh, store) = fresh().await;
    let found = fresh.0.collection::<Document>("orders");
    let five: bson::Decimal128 = "5".parse().unwrap();
    let documents = [doc! { "_id": five, "n": 5 }, doc! { "_id": 6.0, "n": 6 }];
    found.insert_many(documents).await.unwrap();
    let of = declared("type: orders\nid: integer\nattributes: {type: object}\n");
    let ids = [5, 6, 7, 5].map(Id::Integer);
    let alone = look_up(&store, &of, &ids[0]).await;
    assert!(alone.is_some());
    let all = store.find(&of, &ids, &Filter::Everything).await.unwrap();
    let texts: Vec<_> = all
        .iter()
        .map(|one| one.as_ref().map(|one| one.text.as_str()))
        .collect();
    assert_eq!(
        texts,
        [
            Some(r#"{"n":5}"#),
            Some(r#"{"n":6}"#),
            None,
            Some(r#"{"n":5}"#)
        ]
    );
    assert_eq!(all[0], alone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_none_is_no_page_of_all() {
    let (fresh, store) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    found.insert_many(vec![doc! {}; 3]).await.unwrap();
    for (count, total) in [
        (Count::Never, None),
        (Count::UpTo(9), Some(Total::Exact(3))),
    ] {
        let query = Query {
            count,
            ..Query::first(0)
        };
        let page = store.list(&things(), &query).await.unwrap();
        assert!(page.resources.is_empty());
        assert_eq!(page.total, total);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_is_asked_in_follows_the_size_of_the_documents() {
    let (fresh, store) = fresh().await;
    let (of, query) = (things(), Query::first(100));
    let listed = async || {
        let mut page = store.list(&of, &query).await.unwrap();
        let mut count = page.resources.len();
        if let Some(rest) = &mut page.rest {
            while let Some(batch) = rest.next().await.unwrap() {
                assert!(batch.bytes() <= 1 << 20, "{} bytes", batch.bytes());
                count += batch.len();
            }
        }
        (count, page.rest.is_some())
    };
    let documents = fresh.0.collection::<Document>("things");
    // Small, large and small again: the whole is always there.
    for (size, count, is_streamed) in [(10, 60, false), (300_000, 70, true), (10, 80, true)] {
        let document = doc! { "padding": "x".repeat(size) };
        let added = if count == 60 { 60 } else { 10 };
        documents.insert_many(vec![document; added]).await.unwrap();
        assert_eq!(listed().await, (count, is_streamed));
    }
    let asked = |wanted| store.connection.pages.batch_size(&of, wanted);
    assert!(asked(100) == 100 && asked(1_000_000) < 1_000_000);
    let large = attributes(serde_json::json!({"padding": "x".repeat(600_000)}));
    let id = of.id.generate().unwrap();
    written(&store, Write::insert(&of, id, large))
        .await
        .unwrap();
    assert_eq!(asked(100), 1, "what was just stored is expected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fills_its_batch_still_says_that_there_is_more() {
    let (fresh, _) = fresh().await;
    let mut settings = MongoSettings::new(&uri());
    settings.database = Some(fresh.0.name().to_owned());
    // Three documents fill a batch: {"n":1,"p":"…"} has 1000 bytes.
    settings.page_bytes_max = 3100;
    let store = MongoStore::connect(settings).await.unwrap();
    let of = things();
    let found = fresh.0.collection::<Document>("things");
    let padding = "x".repeat(1000 - r#"{"n":1,"p":""}"#.len());
    found
        .insert_many((0..5).map(|n| doc! { "n": n, "p": &padding }))
        .await
        .unwrap();
    for count in [Count::Never, Count::UpTo(100)] {
        let query = Query {
            limit: 3,
            count,
            ..Query::default()
        };
        // The first page tells how large documents are.
        for _ in 0..2 {
            let page = store.list(&of, &query).await.unwrap();
            let rest = page.rest.is_some();
            assert!(
                page.more,
                "{count:?}, rest: {rest}, {}",
                page.resources.len()
            );
        }
    }
}
