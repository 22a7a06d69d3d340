//! A server that is no replica set.

use test_servers::Unreplicated;

use super::{process_on, works};
use crate::harness::Invocation;

#[tokio::test(flavor = "multi_thread")]
async fn a_standalone_server_is_enough_for_all_but_imports_of_all_or_nothing() {
    let mongodb = Unreplicated::started().await;
    let uri = format!("mongodb://{}/shop?directConnection=true", mongodb.address());
    works(&process_on(&uri).await).await;
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
