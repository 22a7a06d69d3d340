//! What a collection must be like, and what its indexes are used for.

use super::failing::Failing;
use super::*;

/// Makes indexes as another program would: documents with key, name and options.
async fn found(fresh: &Fresh, indexes: &[Document]) {
    for index in indexes {
        let command = doc! { "createIndexes": "things", "indexes": [index] };
        fresh.0.run_command(command).await.unwrap();
    }
}

fn indexed(indexes: &str) -> Arc<ResourceType> {
    declared(&format!(
        "type: things\nattributes: {{type: object}}\nindexes: [{indexes}]\n"
    ))
}

/// The lines of `monocoque indexes`.
async fn lines(store: &MongoStore, of: &Arc<ResourceType>) -> Vec<String> {
    let states = store.indexes(of).await.unwrap();
    states.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_are_told_apart_from_their_definition() {
    let (fresh, store) = fresh().await;
    let of = indexed("{attributes: [a]}, {attributes: [b], unique: true}");
    let others = [
        doc! { "key": { "z": 1 }, "name": "a_1" },
        doc! { "key": { "y": 1 }, "name": "mine" },
    ];
    found(&fresh, &others).await;
    let expected = |unique| {
        [
            concat!(
                r#"a_1 { "z": 1 }: different from its declaration: it is not unique over "#,
                r#"{ "z": 1 }, declared is not unique over { "a": 1 }"#
            )
            .to_owned(),
            format!(r#"unique_b_1 {{ "b": 1 }}: {unique}"#),
            r#"mine { "y": 1 }: not declared"#.to_owned(),
        ]
    };
    assert_eq!(lines(&store, &of).await, expected("missing"));
    // The one that is different is left as it is and keeps nothing else from being made.
    prepare(&store, &of).await.unwrap();
    assert_eq!(lines(&store, &of).await, expected("present"));
    let things = fresh.0.collection::<Document>("things");
    things.drop_index("a_1").await.unwrap();
    prepare(&store, &of).await.unwrap();
    let first = &store.indexes(&of).await.unwrap()[0];
    assert_eq!(
        (first.name.as_str(), &first.standing),
        ("a_1", &Standing::Present)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_under_another_name_is_present() {
    let (fresh, store) = fresh().await;
    let of = indexed("{attributes: [n]}, {attributes: [n], unique: true}");
    prepare(&store, &of).await.unwrap();
    let listed = store
        .connection
        .database
        .run_cursor_command(doc! { "listIndexes": "things" });
    let listed: Vec<Document> = futures_util::TryStreamExt::try_collect(listed.await.unwrap())
        .await
        .unwrap();
    let things = fresh.0.collection::<Document>("things");
    things.drop_indexes().await.unwrap();
    for (number, mut index) in listed.into_iter().skip(1).enumerate() {
        index.insert("name", format!("mine_{number}"));
        found(&fresh, &[index]).await;
    }
    prepare(&store, &of).await.unwrap();
    let keys = r#"{ "n": 1 }: present"#;
    let expected = [format!("mine_0 {keys}"), format!("mine_1 {keys}")];
    assert_eq!(lines(&store, &of).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_with_other_options_is_left_and_what_is_different_is_said() {
    let (fresh, store) = fresh().await;
    let others = [
        doc! { "key": { "a": 1 }, "name": "mine", "sparse": true },
        doc! { "key": { "b": 1 }, "name": "b_1", "expireAfterSeconds": 3600 },
        doc! { "key": { "c": 1 }, "name": "c_1", "collation": { "locale": "de" } },
        doc! { "key": { "d": 1 }, "name": "d_1", "unique": true },
    ];
    found(&fresh, &others).await;
    let of = indexed(
        "{attributes: [a]}, {attributes: [b]}, {attributes: [c]}, {attributes: [d], unique: true}",
    );
    prepare(&store, &of).await.unwrap();
    let lines = lines(&store, &of).await;
    let expected = [
        ("mine", r#"with { "sparse": true }"#),
        ("b_1", r#"with { "expireAfterSeconds": 3600 }"#),
        ("c_1", r#""locale": "de""#),
        ("unique_d_1", ": present"),
        ("d_1", ": not declared"),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, (name, shown)) in lines.iter().zip(expected) {
        assert!(line.starts_with(&format!("{name} ")), "{line}");
        assert!(line.contains(shown), "{line}");
    }
    let insertion = || {
        let members = attributes(serde_json::json!({"d": 1}));
        Write::insert(&of, of.id.generate().unwrap(), members)
    };
    written(&store, insertion()).await.unwrap();
    let error = written(&store, insertion()).await.unwrap_err();
    let attributes = of.indexes[3].attribute_names();
    assert!(error.to_string().ends_with(&attributes), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collation_of_a_collection_is_no_difference() {
    let (fresh, store) = fresh().await;
    let create = doc! { "create": "things", "collation": { "locale": "de" } };
    fresh.0.run_command(create).await.unwrap();
    let of = indexed("{attributes: [a]}");
    prepare(&store, &of).await.unwrap();
    let lines = lines(&store, &of).await;
    assert!(lines[0].ends_with(": present"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_index_that_is_different_is_an_error() {
    let (fresh, store) = fresh().await;
    let weaker = doc! { "key": { "a": 1 }, "name": "unique_a_1" };
    found(&fresh, &[weaker]).await;
    let of = indexed("{attributes: [a], unique: true}");
    let error = prepare(&store, &of).await.unwrap_err();
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
    assert!(error.to_string().contains("unique_a_1 "), "{error}");
    assert!(
        error.to_string().contains("it is not unique over"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_index_is_made_beside_one_that_does_not_do_its_work() {
    let (fresh, store) = fresh().await;
    let weaker = doc! { "key": { "a": 1 }, "name": "mine" };
    found(&fresh, &[weaker]).await;
    let of = indexed("{attributes: [a], unique: true}");
    match prepare(&store, &of).await {
        Ok(()) => {
            let lines = lines(&store, &of).await;
            assert!(lines[0].starts_with("unique_a_1 "), "{lines:?}");
            assert!(lines[0].ends_with(": present"), "{lines:?}");
        }
        // Servers before 5.0 have one index over the same keys.
        Err(error) => {
            assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
            assert!(error.to_string().contains("mine"), "{error}");
        }
    }
}

/// What comes of preparing while these commands fail.
async fn prepared_without(
    failing: &Failing,
    commands: &[&str],
    code: i32,
    of: &Arc<ResourceType>,
) -> Result<(), StoreError> {
    let data = doc! { "failCommands": commands, "errorCode": code };
    failing.fail("alwaysOn", data);
    let outcome = crate::indexes::prepare(&failing.store.connection, of).await;
    failing.stop();
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_operator_must_change_is_final() {
    let failing = Failing::fresh().await;
    failing
        .database()
        .create_collection("things")
        .await
        .unwrap();
    let of = indexed("{attributes: [a]}");
    let outcome = async |code| prepared_without(&failing, &["createIndexes"], code, &of).await;
    for code in [133, 202, 246, 26, 14031, 112, 50, 8] {
        let error = outcome(code).await.unwrap_err();
        let passes = matches!(error, StoreError::Unavailable(_) | StoreError::Busy(_));
        assert!(passes, "{code}: {error:?}");
    }
    for code in [13, 67, 85, 86] {
        let error = outcome(code).await.unwrap_err();
        let is_final = matches!(error, StoreError::Unusable(_));
        assert!(is_final, "{code}: {error:?}");
        assert!(error.to_string().contains("'things'"), "{code}: {error}");
    }
    crate::indexes::prepare(&failing.store.connection, &of)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_is_there_is_not_made_again() {
    const UNAUTHORIZED: i32 = 13;
    let failing = Failing::fresh().await;
    failing
        .database()
        .create_collection("things")
        .await
        .unwrap();
    // Whoever may only read and write cannot look at indexes or collections either.
    let all = ["create", "createIndexes", "listCollections", "listIndexes"];
    for (forbidden, of) in [
        (&all[..], things()),
        (&["create", "listCollections"], indexed("{attributes: [a]}")),
    ] {
        let outcome = prepared_without(&failing, forbidden, UNAUTHORIZED, &of).await;
        assert!(outcome.is_ok(), "{forbidden:?}: {outcome:?}");
    }
    let of = indexed("{attributes: [b]}");
    let error = prepared_without(&failing, &["listIndexes"], UNAUTHORIZED, &of).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("indexes cannot be listed"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_that_a_unique_index_forbids_are_reported() {
    let (fresh, store) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    found
        .insert_many([doc! { "a": 1 }, doc! { "a": 1 }])
        .await
        .unwrap();
    let definition = "type: things\nattributes: {type: object}\n\
                      indexes: [{attributes: [a], unique: true}]\n";
    let error = store.prepare(&[declared(definition)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_by_id_and_for_pages_use_indexes() {
    let (_fresh, store) = fresh().await;
    let texts = declared("type: texts\nid: string\nattributes: {type: object}\n");
    for (of, id) in [
        (things(), Some(Id::ObjectId([1; 12]))),
        (things(), None),
        (texts.clone(), Some(Id::String("a".into()))),
        (texts, None),
    ] {
        prepare(&store, &of).await.unwrap();
        let plan = match &id {
            Some(id) => store.explain_one(&of, id).await.unwrap(),
            None => store.explain(&of, &Query::first(9)).await.unwrap().text,
        };
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
    let (fresh, store) = fresh().await;
    let found = fresh.0.collection::<Document>("things");
    found.insert_one(doc! { "_id": "text" }).await.unwrap();
    let error = store.prepare(&[things()]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
    assert!(error.to_string().contains("has the id 'text'"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_of_others_are_left_when_they_are_not_declared() {
    let (fresh, store) = fresh().await;
    let of = indexed("{attributes: [a], unique: true}, {attributes: [b]}");
    store.prepare(&[of]).await.unwrap();
    let theirs = doc! { "key": { "c": 1 }, "name": "unique_c_1", "unique": true };
    found(&fresh, &[theirs]).await;
    let without = things();
    let outdated = r#"unique_a_1 { "a": 1 }: no longer declared, dropped at the next start"#;
    assert!(lines(&store, &without).await.contains(&outdated.to_owned()));
    prepare(&store, &without).await.unwrap();
    let mut left = lines(&store, &without).await;
    left.sort_unstable();
    let expected = [
        r#"b_1 { "b": 1 }: not declared"#,
        r#"unique_c_1 { "c": 1 }: not declared"#,
    ];
    assert_eq!(left, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_not_drop_an_outdated_index_can_start() {
    const UNAUTHORIZED: i32 = 13;
    let failing = Failing::fresh().await;
    let of = indexed("{attributes: [a], unique: true}");
    failing.store.prepare(&[of]).await.unwrap();
    let outcome = prepared_without(&failing, &["dropIndexes"], UNAUTHORIZED, &things()).await;
    assert!(outcome.is_ok(), "{outcome:?}");
}
