//! What the stored members of relationships hold.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::{Misfit, elements, pointer};
use crate::query::Filter;
use crate::schema::{Id, Link, Relationship, Types, Violation};
use crate::store::{Store, StoreError};

/// Ids that are looked up with one request.
const LOOKED_UP_AT_ONCE: usize = 1000;

/// A resource that a relationship names.
pub(super) struct Named {
    /// Which resource names it.
    pub(super) by: Id,
    pub(super) relationship: Arc<Relationship>,
    /// Where its id stands.
    pub(super) pointer: String,
    pub(super) target: Id,
}

/// What is wrong with a member that holds a relationship.
pub(super) fn wrong(relationship: &Relationship, value: &Value) -> Vec<Violation> {
    let member = relationship.own_member().unwrap_or_default();
    let violation = |position, message: String| Violation {
        pointer: pointer(member, position),
        keyword: "type".to_owned(),
        message,
    };
    match (&relationship.link, value) {
        (Link::One { .. }, Value::Null) => Vec::new(),
        (Link::One { .. }, Value::Array(_)) => {
            let message = "the relationship is to-one, and an array is stored".to_owned();
            vec![violation(None, message)]
        }
        (Link::Many { .. }, other) if !other.is_array() => {
            let message = "the relationship is to-many, and no array is stored".to_owned();
            vec![violation(None, message)]
        }
        _ => {
            let target = &relationship.target;
            let wrong = elements(value).filter(|(_, id)| target.id.of_member(id).is_none());
            let message = format!("no id of '{}' is of this kind", target.name);
            wrong
                .map(|(position, _)| violation(position, message.clone()))
                .collect()
        }
    }
}

/// The ids in a member that holds a relationship, with their pointers.
pub(super) fn targets(
    relationship: &Relationship,
    value: &Value,
) -> impl Iterator<Item = (String, Id)> {
    let (member, ids) = (relationship.own_member(), relationship.target.id);
    let member = member.unwrap_or_default();
    elements(value).filter_map(move |(position, value)| {
        Some((pointer(member, position), ids.of_member(value)?))
    })
}

/// Adds the relationships that name what is not there; resources that fit in all else come last.
pub(super) async fn add_dangling(
    store: &dyn Store,
    types: &Types,
    named: Vec<Named>,
    misfits: &mut Vec<Misfit>,
) -> Result<(), StoreError> {
    let mut by_type: HashMap<String, Vec<Id>> = HashMap::new();
    let mut seen = HashSet::new();
    for one in &named {
        let target = &one.relationship.target.name;
        if seen.insert((target.clone(), one.target.clone())) {
            let ids = by_type.entry(target.clone()).or_default();
            ids.push(one.target.clone());
        }
    }
    let mut absent: HashSet<(String, Id)> = HashSet::new();
    for (name, ids) in by_type {
        let Some(target) = types.get(&name) else {
            continue;
        };
        for ids in ids.chunks(LOOKED_UP_AT_ONCE) {
            let found = store.find(target, ids, &Filter::Everything).await?;
            let pairs = ids.iter().zip(found);
            let gone = pairs.filter(|(_, found)| found.is_none());
            absent.extend(gone.map(|(id, _)| (name.clone(), id.clone())));
        }
    }
    let mut dangling: Vec<Misfit> = Vec::new();
    for one in named {
        let target = &one.relationship.target.name;
        if !absent.contains(&(target.clone(), one.target.clone())) {
            continue;
        }
        let violation = Violation {
            pointer: one.pointer,
            keyword: "relationship".to_owned(),
            message: format!(
                "there is no resource of '{target}' with the id '{}'",
                one.target
            ),
        };
        if let Some(known) = misfits.iter_mut().find(|known| known.id == one.by) {
            known.violations.push(violation);
        } else if let Some(last) = dangling.last_mut().filter(|last| last.id == one.by) {
            last.violations.push(violation);
        } else {
            let violations = vec![violation];
            dangling.push(Misfit {
                id: one.by,
                violations,
            });
        }
    }
    misfits.extend(dangling);
    Ok(())
}
