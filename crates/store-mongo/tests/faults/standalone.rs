//! A server that is no replica set does what needs no transaction, and refuses the rest clearly.

use mongodb::bson::doc;
use mongodb::bson::oid::ObjectId;
use resources::query::Query;
use resources::schema::{Attributes, Id};
use resources::store::{
    ImportMode, NewResource, Store, StoreError, Unit, Write, WriteError, Written,
};

use crate::connection_string::ConnectionString;
use crate::operator::Operator;
use crate::server::TestStore;
use crate::unreplicated::Unreplicated;

fn place(server: &Unreplicated) -> ConnectionString {
    let address = server.address();
    ConnectionString::from(format!("mongodb://{address}/?directConnection=true"))
}

async fn standalone() -> (Unreplicated, TestStore) {
    let server = Unreplicated::started().await;
    let store = TestStore::prepared(&place(&server)).await;
    (server, store)
}

fn new(number: i32) -> NewResource {
    let mut attributes = Attributes::new();
    attributes.insert("n".to_owned(), number.into());
    NewResource {
        id: Id::ObjectId(ObjectId::new().bytes()),
        attributes,
    }
}

fn insertion(store: &TestStore, new: NewResource) -> Write {
    Write::insert(&store.of, new.id, new.attributes)
}

async fn total(store: &TestStore) -> u64 {
    let page = store.repository.list(&store.of, &Query::first(10)).await;
    page.unwrap().total.unwrap()
}

#[track_caller]
fn says_what_is_needed(error: &StoreError) {
    let StoreError::Unusable(text) = error else {
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
    let only = new(1);
    let id = only.id.clone();
    let changes = Attributes::from_iter([("m".to_owned(), 2.into())]);
    for (write, after) in [
        (insertion(&store, only), r#"{"n":1}"#),
        (
            Write::update(&store.of, id.clone(), changes),
            r#"{"n":1,"m":2}"#,
        ),
        (
            Write::replace(&store.of, id.clone(), new(3).attributes),
            r#"{"n":3}"#,
        ),
    ] {
        let written = store.repository.write(Unit::new(vec![write])).await;
        let found = store.find(&store.of, &id).await.unwrap().unwrap();
        assert_eq!(written.unwrap(), [Written::Stored(found.clone())]);
        assert_eq!(found.text, after);
        assert_eq!(total(&store).await, 1);
    }
    let delete = Unit::new(vec![Write::delete(&store.of, id)]);
    let deleted = store.repository.write(delete).await.unwrap();
    assert_eq!(deleted, [Written::Deleted]);
    assert_eq!(total(&store).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_writes_together_are_refused_by_a_standalone_server_and_none_is_done() {
    let (_server, store) = standalone().await;
    let unit = [new(1), new(2)].map(|new| insertion(&store, new));
    match store
        .repository
        .write(Unit::new(unit.into()))
        .await
        .unwrap_err()
    {
        WriteError::Store(error) => says_what_is_needed(&error),
        refused @ WriteError::Refused { .. } => panic!("{refused}"),
    }
    assert_eq!(total(&store).await, 0);
    // It is not taken to be away.
    let alone = Unit::new(vec![insertion(&store, new(3))]);
    store.repository.write(alone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standalone_server_takes_imports_by_batches_and_refuses_those_of_all_or_nothing() {
    let (server, store) = standalone().await;
    let begin = |mode| store.repository.import(&store.of, mode);
    let mut import = begin(ImportMode::AllOrNothing).await.unwrap();
    let mut refused = import.insert(vec![new(1), new(2)]).await.map(drop);
    if refused.is_ok() {
        refused = import.commit().await;
    }
    says_what_is_needed(&refused.unwrap_err());
    assert_eq!(total(&store).await, 0);
    let collections = Operator::of(&place(&server))
        .run(&store.database, doc! { "listCollections": 1 })
        .unwrap();
    let batch = collections.get_document("cursor").unwrap();
    let batch = batch.get_array("firstBatch").unwrap();
    let names = batch
        .iter()
        .filter_map(|one| one.as_document()?.get_str("name").ok());
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    assert_eq!(names, ["orders", "things"]);

    let mut import = begin(ImportMode::EachBatch).await.unwrap();
    import.insert(vec![new(1), new(2)]).await.unwrap();
    import.commit().await.unwrap();
    assert_eq!(total(&store).await, 2);
}
