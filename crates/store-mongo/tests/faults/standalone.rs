//! A server that is no replica set does what needs no transaction, and refuses the rest clearly.

use mongodb::bson::doc;
use mongodb::bson::oid::ObjectId;
use resources::query::{Pagination, Query};
use resources::schema::{Attributes, Id};
use resources::store::{
    ImportMode, NewResource, Operation, Store, StoreError, Write, WriteError, Written,
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
        id: Some(Id::ObjectId(ObjectId::new().bytes())),
        attributes,
    }
}

fn write(store: &TestStore, operation: Operation) -> Write {
    Write {
        of: store.of.clone(),
        operation,
    }
}

async fn total(store: &TestStore) -> u64 {
    let page = Pagination {
        number: 1,
        size: 10,
    };
    let query = Query { page };
    store
        .repository
        .list(&store.of, &query)
        .await
        .unwrap()
        .total
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
    let id = only.id.clone().unwrap();
    let mut changes = Attributes::new();
    changes.insert("m".to_owned(), 2.into());
    let check = Box::new(|_: &_, _: &_| Ok(()));
    let attributes = new(3).attributes;
    for (operation, after) in [
        (Operation::Insert(only), r#"{"n":1}"#),
        (
            Operation::Update {
                id: id.clone(),
                changes,
                check,
            },
            r#"{"n":1,"m":2}"#,
        ),
        (
            Operation::Replace {
                id: id.clone(),
                attributes,
            },
            r#"{"n":3}"#,
        ),
    ] {
        let written = store.repository.write(vec![write(&store, operation)]).await;
        let found = store
            .repository
            .find(&store.of, &id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(written.unwrap(), [Written::Stored(found.clone())]);
        assert_eq!(found.attributes, after);
        assert_eq!(total(&store).await, 1);
    }
    let delete = write(&store, Operation::Delete { id });
    let deleted = store.repository.write(vec![delete]).await.unwrap();
    assert_eq!(deleted, [Written::Deleted]);
    assert_eq!(total(&store).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_writes_together_are_refused_by_a_standalone_server_and_none_is_done() {
    let (_server, store) = standalone().await;
    let unit = [new(1), new(2)].map(|new| write(&store, Operation::Insert(new)));
    match store.repository.write(unit.into()).await.unwrap_err() {
        WriteError::Store(error) => says_what_is_needed(&error),
        refused @ WriteError::Refused { .. } => panic!("{refused}"),
    }
    assert_eq!(total(&store).await, 0);
    // It is not taken to be away.
    let alone = write(&store, Operation::Insert(new(3)));
    store.repository.write(vec![alone]).await.unwrap();
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
