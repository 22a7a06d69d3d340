//! What queries ask of the server.

use resources::query::{Comparison, Filter, MemberPath, Scalar, Test};
use resources::schema::{Kinds, Stored};

use super::*;

fn equals(name: &str, value: &str) -> Filter {
    let path = MemberPath {
        names: vec![name.to_owned()],
        kinds: Kinds::TEXT,
        stored: None,
    };
    let scalar = Scalar::Text(value.to_owned());
    Filter::member(path, Test::Compare(Comparison::Equal, scalar))
}

fn filtered(filter: Filter) -> Query {
    Query {
        filter,
        ..Query::first(5)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_equality_uses_the_index_over_its_member() {
    let (_fresh, store) = fresh().await;
    let text = "type: things\nattributes: {type: object}\nindexes: [{attributes: [a]}]\n";
    let of_things = declared(text);
    prepare(&store, &of_things).await.unwrap();
    let plan = async |name| {
        let query = filtered(equals(name, "x"));
        store.explain(&of_things, &query).await.unwrap()
    };
    let (with, without) = (plan("a").await.text, plan("b").await);
    assert!(
        with.contains("IXSCAN") && !with.contains("COLLSCAN"),
        "{with}"
    );
    assert!(without.is_costly, "{}", without.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_over_what_is_stored_otherwise_is_used() {
    let (_fresh, store) = fresh().await;
    let text = "type: things\nattributes: {type: object, properties: {cost: {type: object, \
                properties: {amount: {type: string, stored: decimal}}}}}\n\
                indexes: [{attributes: [cost.amount]}]\n";
    let of_things = declared(text);
    prepare(&store, &of_things).await.unwrap();
    let path = MemberPath {
        names: vec!["cost".to_owned(), "amount".to_owned()],
        kinds: Kinds::TEXT,
        stored: Some(Stored::Decimal),
    };
    let least = Scalar::Stored(Stored::Decimal, "1.50".to_owned());
    let is_enough = Test::Compare(Comparison::GreaterOrEqual, least);
    let filter = Filter::member(path, is_enough);
    let plan = store.explain(&of_things, &filtered(filter)).await.unwrap();
    assert!(plan.text.contains("IXSCAN"), "{}", plan.text);
    assert!(!plan.text.contains("COLLSCAN"), "{}", plan.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_at_names_that_are_operators_or_the_store_s_own() {
    let (fresh, store) = fresh().await;
    let texts = declared("type: texts\nid: string\nattributes: {type: object}\n");
    let found = fresh.0.collection::<Document>("texts");
    found
        .insert_one(doc! { "_id": "x", "_position": "x" })
        .await
        .unwrap();
    for name in ["_id", "_position", "$where", "$expr", "", "a.b", "a\0"] {
        let page = store
            .list(&texts, &filtered(equals(name, "x")))
            .await
            .unwrap();
        assert!(page.resources.is_empty(), "{name:?}");
        let missing = MemberPath {
            names: vec![name.to_owned()],
            kinds: Kinds::ANY,
            stored: None,
        };
        let missing = Filter::member(missing, Test::Missing);
        let page = store.list(&texts, &filtered(missing)).await.unwrap();
        assert_eq!(page.resources.len(), 1, "{name:?}");
    }
}
