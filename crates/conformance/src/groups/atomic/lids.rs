//! Local ids.

use serde_json::json;

use super::{attribute, done, resource};
use crate::exchange::key;
use crate::run::Run;
use crate::verdict::Verdict;

pub(in crate::groups) fn a_lid_is_that_resource(run: &mut Run<'_>) -> Verdict {
    let mut data = resource(run)?;
    data["lid"] = json!("first");
    let main = &run.world.main;
    let name = attribute(run)?;
    let own = json!({"type": main, "lid": "first"});
    let change = json!({"type": main, "lid": "first", "attributes": {name: "by its lid"}});
    let mut operations = vec![
        json!({"op": "add", "data": data}),
        json!({"op": "update", "ref": own, "data": change}),
    ];
    let many = run.main().writable(true);
    if let Some(relationship) = many {
        let target = json!({"type": main, "lid": "first", "relationship": relationship.name});
        let members = run.identifiers(&relationship.target, 1)?;
        operations.push(json!({"op": "add", "ref": target, "data": members}));
    }
    let answer = done(run, &json!(operations))?;
    let created = answer.document["atomic:results"][0]["data"].clone();
    let id = key(&created).1;
    answer.must(!id.is_empty(), "the created resource", &created)?;
    let after = run.get(&run.path_of(&created))?;
    let found = &after.is(&[200])?.data()["attributes"][name];
    after.must(
        found == "by its lid",
        "the change of the second operation",
        found,
    )?;
    // A lid that no earlier operation gave.
    let mut data = resource(run)?;
    data["lid"] = json!("first");
    let unknown = json!({"op": "remove", "ref": {"type": main, "lid": "unknown"}});
    let forward = json!([unknown.clone(), {"op": "add", "data": data}]);
    for operations in [json!([unknown]), forward] {
        run.operate(&operations)?.is(&[400, 404, 422])?;
    }
    Ok(())
}
