//! Atomic operations.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::parameters::Parameters;
use super::reading::resource;
use super::writing::{add, change, document, relink, remove};
use super::{Answer, Asked, Refusal, Relationship, Store, answered, known, number};

/// How many operations may come at once.
const OPERATIONS_MAX: usize = 100;

type Lids = BTreeMap<String, String>;

pub(super) fn operate(store: &mut Store, asked: &Asked) -> Answer {
    let body = document(asked)?;
    let strange = ["data", "included", "atomic:results"];
    if strange.iter().any(|name| body.get(name).is_some()) {
        return Err(Refusal::at(400, ""));
    }
    let operations = body["atomic:operations"]
        .as_array()
        .filter(|all| !all.is_empty());
    let operations = operations.ok_or_else(|| Refusal::at(400, ""))?;
    if operations.len() > OPERATIONS_MAX {
        return Err(Refusal::at(413, "/atomic:operations"));
    }
    let mut lids = Lids::new();
    let mut results = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        let done = one(store, &mut lids, operation);
        results
            .push(done.map_err(|refusal| refusal.below(&format!("/atomic:operations/{index}")))?);
    }
    Ok(answered(200, json!({"atomic:results": results})))
}

/// What an operation is about.
struct Target {
    kind: String,
    /// Absent for a collection.
    id: Option<u64>,
    relationship: Option<&'static Relationship>,
}

/// The target that `ref` or `href` names; none if there is neither.
fn target(store: &Store, lids: &Lids, operation: &Value) -> Result<Option<Target>, Refusal> {
    let malformed = || Refusal::at(400, "");
    match (operation.get("ref"), operation.get("href")) {
        (Some(_), Some(_)) => Err(malformed()),
        (None, None) => Ok(None),
        (Some(reference), None) => {
            let kind = reference["type"].as_str().ok_or_else(malformed)?;
            if !store.contains_key(kind) {
                return Err(Refusal::at(404, ""));
            }
            let id = match (reference["id"].as_str(), reference["lid"].as_str()) {
                (Some(id), None) => id,
                (None, Some(lid)) => lids.get(lid).ok_or_else(|| Refusal::at(404, ""))?,
                _ => return Err(malformed()),
            };
            let relationship = reference["relationship"].as_str();
            Ok(Some(Target {
                id: Some(number(store, kind, id)?),
                relationship: relationship.map(|name| known(kind, name)).transpose()?,
                kind: kind.to_owned(),
            }))
        }
        (None, Some(href)) => {
            let path = href.as_str().ok_or_else(malformed)?.trim_matches('/');
            let parts: Vec<&str> = path.split('/').collect();
            let missing = || Refusal::at(404, "");
            let kind = store.get_key_value(parts[0]).ok_or_else(missing)?.0.clone();
            let id = parts
                .get(1)
                .map(|id| number(store, &kind, id))
                .transpose()?;
            let relationship = match parts.as_slice() {
                [_] | [_, _] => None,
                [_, _, "relationships", name] => Some(known(&kind, name)?),
                _ => return Err(missing()),
            };
            Ok(Some(Target {
                kind,
                id,
                relationship,
            }))
        }
    }
}

fn one(store: &mut Store, lids: &mut Lids, operation: &Value) -> Result<Value, Refusal> {
    let malformed = || Refusal::at(400, "");
    let op = operation["op"].as_str().ok_or_else(malformed)?.to_owned();
    let way = match op.as_str() {
        "add" => "POST",
        "update" => "PATCH",
        "remove" => "DELETE",
        _ => return Err(Refusal::at(400, "/op")),
    };
    let target = target(store, lids, operation)?;
    if let Some(Target {
        id: Some(id),
        relationship: Some(relationship),
        ..
    }) = &target
    {
        relink(store, relationship, *id, way, operation.get("data"))?;
        return Ok(json!({}));
    }
    if op == "remove" {
        let target = target.ok_or_else(malformed)?;
        remove(store, &target.kind, target.id.ok_or_else(malformed)?);
        return Ok(json!({}));
    }
    let mut data = operation
        .get("data")
        .filter(|it| it.is_object())
        .ok_or_else(malformed)?
        .clone();
    let kind = data["type"].as_str().ok_or_else(malformed)?.to_owned();
    if !store.contains_key(&kind) {
        return Err(Refusal::at(404, "/data/type"));
    }
    let lid = data.as_object_mut().and_then(|it| it.remove("lid"));
    let id = if op == "add" {
        let id = add(store, &kind, &data).map_err(|refusal| refusal.below("/data"))?;
        lids.extend(
            lid.as_ref()
                .and_then(Value::as_str)
                .map(|lid| (lid.to_owned(), id.to_string())),
        );
        id
    } else {
        if let Some(known) = lid
            .as_ref()
            .and_then(Value::as_str)
            .and_then(|lid| lids.get(lid))
        {
            data["id"] = json!(known);
        }
        let own = data["id"].as_str().ok_or_else(malformed)?;
        let own = number(store, &kind, own)?;
        let id = target.and_then(|target| target.id).unwrap_or(own);
        change(store, &kind, id, &data).map_err(|refusal| refusal.below("/data"))?;
        id
    };
    Ok(json!({"data": resource(store, &kind, id, &Parameters::default())}))
}
