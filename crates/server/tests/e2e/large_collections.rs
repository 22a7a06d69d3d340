//! Collections of so many resources that bounds are met. On the embedded store alone: they take a
//! stand-in of MongoDB many minutes.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::harness::{Invocation, Server, Setup, Store, folder_with};

const NODES: &str = "type: nodes
id: integer
page: {maximum: 100000}
attributes: {type: object, properties: {n: {type: integer}}}
relationships:
  parent: {type: nodes, onDelete: clear}
  children: {type: nodes, inverse: parent, page: {maximum: 30000}}
";

/// A server with node 1, and so many more whose parent it is.
async fn nodes(children: usize) -> Server {
    let (store, folder) = (Store::fresh(), folder_with(&[("nodes.yaml", NODES)]));
    let mut rows = "{\"id\":1}\n".to_owned();
    for id in 2..children + 2 {
        writeln!(rows, "{{\"id\":{id},\"parent\":1,\"n\":{}}}", id % 2).unwrap();
    }
    let path = folder.path().to_str().unwrap();
    let import = [
        "import",
        "nodes",
        "-",
        "--format",
        "ndjson",
        "--resources",
        path,
    ];
    let import = Invocation::new(&import).on(&store).input(rows);
    let stored = import.run();
    let expected = format!("{} stored, 0 rejected\n", children + 1);
    assert_eq!(stored.output(), expected);
    Setup::on(&store).definitions(folder.path()).start().await
}

#[tokio::test]
async fn a_deletion_that_would_change_more_than_ten_thousand_resources_is_refused() {
    let server = nodes(10_001).await;
    let refused = server.delete("/nodes/1").await;
    let error = refused.error(409, "too_many_affected");
    assert!(
        error["detail"].as_str().unwrap().contains("10000"),
        "{error}"
    );
    let children = server
        .get("/nodes/1/children?page[size]=1")
        .await
        .document(200);
    assert_eq!(children["meta"]["total"], 10_001);
    // One less, and it goes.
    assert_eq!(server.delete("/nodes/2").await.status, 200);
    assert_eq!(server.delete("/nodes/1").await.status, 200);
    let orphan = server.get("/nodes/3").await.data(200);
    assert_eq!(orphan["relationships"]["parent"]["data"], Value::Null);
}

#[tokio::test]
async fn an_answer_includes_twenty_thousand_resources_and_no_more() {
    let server = nodes(20_001).await;
    let url =
        |size| format!("/nodes/1?include=children&page[children][size]={size}&fields[nodes]=n");
    let included = server.get(&url(20_000)).await.document(200);
    assert_eq!(included["included"].as_array().unwrap().len(), 20_000);
    let refused = server.get(&url(20_001)).await;
    let error = refused.error(400, "too_many_included");
    assert_eq!(error["source"], json!({"parameter": "include"}));
}

#[tokio::test]
async fn a_filtered_list_is_counted_up_to_a_hundred_thousand_and_estimated_beyond() {
    let server = nodes(100_010).await;
    let few = server
        .get("/nodes?filter[n]=1&page[size]=1")
        .await
        .document(200);
    assert_eq!(few["meta"]["total"], 50_005, "{}", few["meta"]);
    assert!(few["links"].get("last").is_some(), "{}", few["links"]);
    let many = server
        .get("/nodes?filter[parent]=1&page[size]=1")
        .await
        .document(200);
    let page = &many["meta"]["page"];
    assert!(
        page["estimatedTotal"].is_object() || page["estimatedTotal"].is_u64(),
        "{page}"
    );
    assert_eq!(many["meta"].get("total"), None, "{page}");
    assert_eq!(many["links"].get("last"), None, "{}", many["links"]);
    let all = server.get("/nodes?page[size]=1").await.document(200);
    assert_eq!(all["meta"]["total"], 100_011);
}
