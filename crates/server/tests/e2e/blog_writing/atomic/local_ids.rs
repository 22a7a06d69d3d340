//! Local ids of every kind of ids that the server makes.

use serde_json::json;

use super::done;
use crate::harness::{Setup, folder_with};

#[tokio::test]
async fn a_local_id_names_a_resource_whatever_its_ids_are() {
    let kinds = ["objectId", "uuid", "integer"];
    let definitions = kinds.map(|kind| {
        let related = "relationships: {next: {type: TYPE}, all: {type: TYPE, kind: many}}\n";
        let name = kind.to_lowercase();
        let text = format!("type: {name}\nid: {kind}\nattributes: {{type: object}}\n{related}");
        (format!("{name}.yaml"), text.replace("TYPE", &name))
    });
    let files: Vec<_> = definitions
        .iter()
        .map(|(file, text)| (&**file, &**text))
        .collect();
    let folder = folder_with(&files);
    let server = Setup::fresh().definitions(folder.path()).start().await;
    for kind in kinds {
        let name = &kind.to_lowercase();
        let lid = |lid: &str| json!({"type": name, "lid": lid});
        let results = done(&server, json!([
            {"op": "add", "data": {"type": name, "lid": "a", "attributes": {"n": 1}}},
            {"op": "add", "data": {"type": name, "lid": "b",
                "relationships": {"next": {"data": lid("a")}, "all": {"data": [lid("a"), lid("b")]}}}},
            {"op": "update", "data": {"type": name, "lid": "a",
                "relationships": {"next": {"data": lid("b")}}}},
            {"op": "add", "ref": {"type": name, "lid": "a", "relationship": "all"}, "data": [lid("b")]},
            {"op": "add", "data": {"type": name, "lid": "gone"}},
            {"op": "remove", "ref": lid("gone")},
        ]))
        .await;
        let id = |place: usize| results[place]["data"]["id"].clone();
        let (first, second) = (id(0), id(1));
        assert_ne!(first, second);
        let is_of_its_kind = |id: &str| match kind {
            "objectId" => id.len() == 24,
            "uuid" => id.len() == 36,
            _ => id.parse::<u64>().is_ok(),
        };
        assert!(is_of_its_kind(first.as_str().unwrap()), "{kind}: {first}");
        let identifier = |id: &serde_json::Value| json!({"type": name, "id": id});
        for (id, next, all) in [
            (&first, &second, json!([identifier(&second)])),
            (
                &second,
                &first,
                json!([identifier(&first), identifier(&second)]),
            ),
        ] {
            let stored = server
                .get(&format!("/{name}/{}", id.as_str().unwrap()))
                .await;
            let linkage = &stored.data(200)["relationships"];
            assert_eq!(linkage["next"]["data"], identifier(next), "{kind}");
            assert_eq!(linkage["all"]["data"], all, "{kind}");
        }
        let list = server.get(&format!("/{name}")).await.document(200);
        assert_eq!(list["meta"]["total"], 2, "{kind}");
    }
}
