//! Full linkage, and no resource twice.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Notes;
use crate::exchange::{Request, key};

type Key = (String, String);

pub(super) fn judge(notes: &mut Notes<'_>, request: &Request, document: &Map<String, Value>) {
    let list = |name: &str| match document.get(name) {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(item) if item.is_object() => vec![item],
        _ => Vec::new(),
    };
    let (primary, included): (Vec<&Value>, Vec<&Value>) = (list("data"), list("included"));
    let identifiers = request.path.contains("/relationships/");
    let resources = primary.iter().filter(|_| !identifiers).chain(&included);
    let mut seen = BTreeMap::<Key, usize>::new();
    for resource in resources {
        *seen.entry(key(resource)).or_default() += 1;
    }
    let twice = seen.iter().find(|(_, count)| **count > 1);
    if !seen.is_empty() {
        notes.note("DS-29", twice.is_none(), || {
            let (kind, id) = twice.map(|(key, _)| key.clone()).unwrap_or_default();
            format!("{kind} {id} stands twice")
        });
    }
    // Linkage that fields hide is the one exception.
    if included.is_empty() || request.path.contains("fields") {
        return;
    }
    let linked = reached(&primary, &included);
    let unlinked = included
        .iter()
        .map(|it| key(it))
        .find(|key| !linked.contains(key));
    notes.note("DS-28", unlinked.is_none(), || {
        let (kind, id) = unlinked.clone().unwrap_or_default();
        format!("{kind} {id} is included and nothing links to it")
    });
}

/// What linkage leads to from the primary data, through the included resources.
fn reached(primary: &[&Value], included: &[&Value]) -> BTreeSet<Key> {
    let by_key: BTreeMap<Key, &Value> = included.iter().map(|it| (key(it), *it)).collect();
    let mut reached: BTreeSet<Key> = primary.iter().map(|it| key(it)).collect();
    let mut open: Vec<&Value> = primary.to_vec();
    open.extend(reached.iter().filter_map(|key| by_key.get(key)));
    while let Some(resource) = open.pop() {
        for linked in linkage(resource) {
            let linked = key(linked);
            if reached.insert(linked.clone()) {
                open.extend(by_key.get(&linked));
            }
        }
    }
    reached
}

fn linkage(resource: &Value) -> Vec<&Value> {
    let relationships = resource["relationships"].as_object();
    let relationships = relationships.into_iter().flat_map(Map::values);
    let data = relationships.filter_map(|relationship| relationship.get("data"));
    data.flat_map(|data| match data {
        Value::Array(items) => items.iter().collect(),
        item => vec![item],
    })
    .collect()
}
