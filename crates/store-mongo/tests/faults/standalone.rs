//! A server that is no replica set does what needs no transaction, and refuses the rest clearly.

use std::collections::BTreeSet;

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, doc};
use resources::query::Query;
use resources::schema::{Attributes, Id};
use resources::store::{
    ImportMode, NewResource, Refusal, Store, StoreError, Unit, Write, WriteError, Written,
};
use test_servers::{ConnectionString, Operator, TestStore, Unreplicated};

fn place(server: &Unreplicated) -> ConnectionString {
    let address = server.address();
    ConnectionString::from(format!("mongodb://{address}/?directConnection=true"))
}

async fn standalone() -> (Unreplicated, TestStore) {
    let server = Unreplicated::started().await;
    let store = TestStore::prepared(&place(&server)).await;
    (server, store)
}

fn fresh_id() -> Id {
    Id::ObjectId(ObjectId::new().bytes())
}

fn members(number: i32) -> Attributes {
    Attributes::from_iter([("n".to_owned(), number.into())])
}

fn rows() -> Vec<NewResource> {
    let row = |number| NewResource {
        id: fresh_id(),
        attributes: members(number),
    };
    vec![row(1), row(2)]
}

fn insertion(store: &TestStore, number: i32) -> Write {
    Write::insert(&store.things, fresh_id(), members(number))
}

async fn total(store: &TestStore) -> u64 {
    let page = store.mongo.list(&store.things, &Query::first(10)).await;
    page.unwrap().total.unwrap().number()
}

/// The names of all collections of the store's database.
fn collections(server: &Unreplicated, store: &TestStore) -> BTreeSet<String> {
    let listing = doc! { "listCollections": 1, "nameOnly": true };
    let listed = Operator::new(&place(server)).run(&store.database, listing);
    let listed = listed.unwrap();
    let batch = listed.get_document("cursor").unwrap();
    let batch = batch.get_array("firstBatch").unwrap().iter();
    let name = |one: &Bson| {
        one.as_document()
            .unwrap()
            .get_str("name")
            .unwrap()
            .to_owned()
    };
    batch.map(name).collect()
}

#[track_caller]
fn says_what_is_needed(error: &StoreError) {
    let StoreError::Unsupported(text) = error else {
        panic!("{error:?}")
    };
    assert!(
        text.contains("replica set (one member is enough)"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn single_writes_reads_and_lists_work_on_a_standalone_server() {
    let (_server, store) = standalone().await;
    let (of, id) = (&store.things, fresh_id());
    let change = Attributes::from_iter([("m".to_owned(), 2.into())]);
    for (write, after) in [
        (Write::insert(of, id.clone(), members(1)), r#"{"n":1}"#),
        (Write::update(of, id.clone(), change), r#"{"n":1,"m":2}"#),
        (Write::replace(of, id.clone(), members(3)), r#"{"n":3}"#),
    ] {
        let written = store.mongo.write(Unit::new(vec![write])).await;
        let found = store.find(&id).await.unwrap().unwrap();
        assert_eq!(found.text, after);
        assert_eq!(written.unwrap(), [Written::Stored(found)]);
        assert_eq!(total(&store).await, 1);
    }
    let deletion = Unit::new(vec![Write::delete(of, id)]);
    let deleted = store.mongo.write(deletion).await.unwrap();
    assert_eq!(deleted, [Written::Deleted]);
    assert_eq!(total(&store).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_writes_together_are_refused_by_a_standalone_server_and_none_is_done() {
    let (_server, store) = standalone().await;
    let unit = Unit::new(vec![insertion(&store, 1), insertion(&store, 2)]);
    match store.mongo.write(unit).await.unwrap_err() {
        WriteError::Store(error) => says_what_is_needed(&error),
        refused => panic!("{refused}"),
    }
    assert_eq!(total(&store).await, 0);
    // It is not taken to be away.
    let alone = Unit::new(vec![insertion(&store, 3)]);
    store.mongo.write(alone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standalone_server_takes_imports_by_batches_and_refuses_those_of_all_or_nothing() {
    let (server, store) = standalone().await;
    let before = collections(&server, &store);
    let begin = |mode| store.mongo.import(&store.things, mode);
    let mut import = begin(ImportMode::AllOrNothing).await.unwrap();
    let mut refused = import.insert(rows()).await.map(drop);
    if refused.is_ok() {
        refused = import.commit().await;
    }
    says_what_is_needed(&refused.unwrap_err());
    assert_eq!(total(&store).await, 0);
    assert_eq!(collections(&server, &store), before);

    let mut import = begin(ImportMode::EachBatch).await.unwrap();
    import.insert(rows()).await.unwrap();
    import.commit().await.unwrap();
    assert_eq!(total(&store).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_a_standalone_server_cannot_do_safely_is_refused_with_what_is_needed() {
    let (_server, store) = standalone().await;
    let (of, id) = (&store.things, fresh_id());
    let large = Attributes::from_iter([("text".to_owned(), "x".repeat(8 << 20).into())]);
    let unit = |write| Unit::new(vec![write]);
    let insertion = Write::insert(of, id.clone(), large);
    store.mongo.write(unit(insertion)).await.unwrap();
    let change = Write::update(of, id.clone(), members(1));
    let refused = store.mongo.write(unit(change)).await.unwrap_err();
    let WriteError::Refused {
        refusal: Refusal::Invalid(violations),
        ..
    } = refused
    else {
        panic!("{refused:?}")
    };
    let text = &violations[0].message;
    assert!(
        text.contains("replica set (one member is enough)"),
        "{text}"
    );
    // What needs no comparison is done.
    let replacement = Write::replace(of, id, members(2));
    store.mongo.write(unit(replacement)).await.unwrap();
}
