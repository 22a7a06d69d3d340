//! A server that is no replica set.

use test_servers::Unreplicated;

use super::{process_on, works};
use crate::harness::Invocation;

#[tokio::test(flavor = "multi_thread")]
async fn a_standalone_server_is_enough_for_all_but_feeds_and_imports_of_all_or_nothing() {
    let mongodb = Unreplicated::started().await;
    let uri = format!("mongodb://{}/shop?directConnection=true", mongodb.address());
    let server = process_on(&uri).await;
    works(&server).await;
    let refused = server.get("/contacts/-/changes").await;
    let error = refused.error(501, "changes_not_supported");
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains("replica set"), "{detail}");
    drop(server);
    let import = |on_error: &str| {
        let options = ["--format", "ndjson", "--on-error", on_error];
        let arguments = [&["import", "contacts", "-"][..], &options].concat();
        let invocation = Invocation::new(&arguments).variable("MONGO_URI", &uri);
        invocation.input("{\"zip\":\"1\"}\n{\"zip\":\"2\"}\n").run()
    };
    import("stop").fails_with(64, &["replica set (one member is enough)"]);
    assert_eq!(import("skip").output(), "2 stored, 0 rejected\n");
    let exported = Invocation::new(&["export", "contacts", "--format", "ndjson"])
        .variable("MONGO_URI", &uri)
        .run();
    assert_eq!(exported.output().lines().count(), 3, "{exported:?}");
}
