//! Requests that take longer than anybody waits.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn slow_requests_do_not_keep_others_out() {
    let mut settings = MongoSettings::new(&uri());
    settings.application = format!("patience-{}", bson::oid::ObjectId::new());
    settings.operation_timeout = Duration::from_millis(500);
    settings.database = Some(format!("monocoque_test_{}", bson::oid::ObjectId::new()));
    let point = test_servers::FailPoint::new(&settings.application);
    let store = MongoStore::connect(settings).await.unwrap();
    let fresh = Fresh(store.connection.database.clone());
    let of = things();
    prepare(&store, &of).await.unwrap();
    point.always(doc! { "failCommands": ["find"], "blockConnection": true, "blockTimeMS": 2000 });
    let queries = [1, 2, 3].map(Query::first);
    let slow = queries.iter().map(|query| store.list(&of, query));
    for outcome in futures_util::future::join_all(slow).await {
        assert!(
            matches!(outcome, Err(StoreError::Unavailable(_))),
            "{outcome:?}"
        );
    }
    // The ping that tells why is still on its way, or has been answered.
    for _ in 0..10 {
        store.connection.circuit.admit().unwrap();
        store.ping().await.unwrap();
    }
    drop((point, fresh));
}
