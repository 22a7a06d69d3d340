use super::*;
use crate::repository::contract;

/// A database of its own for each test, removed when the test ends.
struct Fresh(Database);

impl Drop for Fresh {
    fn drop(&mut self) {
        let database = self.0.clone();
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async { database.drop().await.ok() })
        });
    }
}

/// The server for the tests; a missing one fails them.
fn uri() -> String {
    #[expect(clippy::disallowed_methods, reason = "the one setting of the tests")]
    let uri = std::env::var("MONOCOQUE_TEST_MONGO_URI");
    uri.expect("no MongoDB server: run the tests as `scripts/mongodb run -- cargo test`")
}

async fn fresh() -> (Fresh, MongoRepository) {
    let mut settings = MongoSettings::new(&uri());
    // Servers under test share a machine with many others.
    settings.operation_timeout = Duration::from_secs(30);
    settings.database = Some(format!("monocoque_test_{}", bson::oid::ObjectId::new()));
    let repository = MongoRepository::connect(settings).await.unwrap();
    (Fresh(repository.store.database.clone()), repository)
}

contract::clauses!(fresh);

fn declared(definition: &str) -> Arc<ResourceType> {
    Arc::new(crate::schema::parse(definition).unwrap())
}

fn things() -> Arc<ResourceType> {
    declared("type: things\nattributes: {type: object}\n")
}

async fn page(repository: &MongoRepository, of: &Arc<ResourceType>, number: u64) -> Page {
    let page = crate::query::Pagination { number, size: 3 };
    repository.list(of, &Query { page }).await.unwrap()
}

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
async fn a_page_larger_than_a_reply_of_the_server_comes_in_batches() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    // A reply has 16 MB at most.
    let padding = "x".repeat(1 << 20);
    for n in 0..40 {
        let document = doc! { "n": n, "padding": &padding };
        found.insert_one(document).await.unwrap();
    }
    let page = crate::query::Pagination {
        number: 1,
        size: 35,
    };
    let page = repository.list(&things(), &Query { page }).await.unwrap();
    assert_eq!(page.total, 40);
    let mut sizes = vec![page.resources.len()];
    let mut rest = page.rest.expect("it fits one reply");
    while let Some(batch) = rest.next().await.unwrap() {
        sizes.push(batch.len());
        assert!(batch.bytes() <= 17 << 20, "{} bytes", batch.bytes());
    }
    assert!(sizes.len() > 2, "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 35);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_with_ids_of_another_kind_is_not_used() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    found.insert_one(doc! { "_id": "text" }).await.unwrap();
    let error = repository.prepare(&things()).await.unwrap_err();
    assert!(matches!(error, RepositoryError::Unusable(_)), "{error:?}");
    assert!(error.to_string().contains("has the id 'text'"), "{error}");
}

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
    let new = crate::repository::NewResource {
        id: None,
        attributes: serde_json::Map::new(),
    };
    let operation = crate::repository::Operation::Insert(new);
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
async fn indexes_are_told_apart_from_their_definition() {
    let (fresh, repository) = fresh().await;
    let definition = "type: things\nattributes: {type: object}\n\
                      indexes: [{attributes: [a]}, {attributes: [b], unique: true}]\n";
    let of = declared(definition);
    let found = fresh.0.collection::<Document>("things");
    let other = |keys, name: &str| {
        let options = mongodb::options::IndexOptions::builder()
            .name(name.to_owned())
            .build();
        mongodb::IndexModel::builder()
            .keys(keys)
            .options(options)
            .build()
    };
    found
        .create_index(other(doc! { "z": 1 }, "a_1"))
        .await
        .unwrap();
    found
        .create_index(other(doc! { "y": 1 }, "mine"))
        .await
        .unwrap();
    let standings = async || {
        let states = repository.indexes(&of).await.unwrap();
        states
            .into_iter()
            .map(|state| (state.name, state.standing))
            .collect::<Vec<_>>()
    };
    let expected = |unique| {
        [
            ("a_1".to_owned(), Standing::Different),
            ("unique_b_1".to_owned(), unique),
            ("mine".to_owned(), Standing::Undeclared),
        ]
    };
    assert_eq!(standings().await, expected(Standing::Missing));
    // The one that is different is left as it is and keeps nothing else from being made.
    repository.prepare(&of).await.unwrap();
    assert_eq!(standings().await, expected(Standing::Present));
    found.drop_index("a_1").await.unwrap();
    repository.prepare(&of).await.unwrap();
    assert_eq!(standings().await[0], ("a_1".to_owned(), Standing::Present));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_index_that_is_different_is_an_error() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    let options = mongodb::options::IndexOptions::builder()
        .name("unique_a_1".to_owned())
        .build();
    let weaker = mongodb::IndexModel::builder()
        .keys(doc! { "a": 1 })
        .options(options)
        .build();
    found.create_index(weaker).await.unwrap();
    let definition = "type: things\nattributes: {type: object}\n\
                      indexes: [{attributes: [a], unique: true}]\n";
    let error = repository.prepare(&declared(definition)).await.unwrap_err();
    assert!(matches!(error, RepositoryError::Unusable(_)), "{error:?}");
    assert!(error.to_string().contains("'unique_a_1'"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_that_a_unique_index_forbids_are_reported() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    found
        .insert_many([doc! { "a": 1 }, doc! { "a": 1 }])
        .await
        .unwrap();
    let definition = "type: things\nattributes: {type: object}\n\
                      indexes: [{attributes: [a], unique: true}]\n";
    let error = repository.prepare(&declared(definition)).await.unwrap_err();
    assert!(matches!(error, RepositoryError::Unusable(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_by_id_and_for_pages_use_indexes() {
    let (_fresh, repository) = fresh().await;
    let texts = declared("type: texts\nid: string\nattributes: {type: object}\n");
    for (of, id) in [
        (things(), Some(Id::ObjectId([1; 12]))),
        (things(), None),
        (texts.clone(), Some(Id::String("a".into()))),
        (texts, None),
    ] {
        repository.prepare(&of).await.unwrap();
        let plan = repository.explain(&of, id.as_ref()).await.unwrap();
        // The Python stand-in explains a sort by `_id`, which MongoDB always has an index for, as
        // a scan and a sort (docs/decisions/0007-test-servers.md).
        if plan.contains(r#""sortPattern":{"_id":1}"#) && plan.contains(r#""host":"secantus""#) {
            continue;
        }
        assert!(!plan.contains("COLLSCAN"), "{plan}");
        assert!(!plan.contains("\"SORT\""), "{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_to_a_sharded_type_name_its_shard_key() {
    use crate::repository::Operation;
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
