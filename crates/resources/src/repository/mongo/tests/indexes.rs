//! What a collection must be like, and what its indexes are used for.

use super::*;

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
async fn a_collection_with_ids_of_another_kind_is_not_used() {
    let (fresh, repository) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    found.insert_one(doc! { "_id": "text" }).await.unwrap();
    let error = repository.prepare(&things()).await.unwrap_err();
    assert!(matches!(error, RepositoryError::Unusable(_)), "{error:?}");
    assert!(error.to_string().contains("has the id 'text'"), "{error}");
}
