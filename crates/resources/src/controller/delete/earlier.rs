//! What the earlier writes of a unit do to resources: a plan is made before any of them is done.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use crate::schema::{Id, ResourceType};
use crate::store::{Change, Write};

/// The earlier writes of a unit, by their resources.
pub(super) struct Earlier<'w> {
    writes: HashMap<(&'w str, &'w Id), Vec<&'w Write>>,
    count: usize,
}

impl<'w> Earlier<'w> {
    pub(super) fn new(all: &'w [Write]) -> Self {
        let mut writes: HashMap<_, Vec<&Write>> = HashMap::new();
        for write in all {
            let key = (write.resource_type.name.as_str(), &write.id);
            writes.entry(key).or_default().push(write);
        }
        let count = all.len();
        Self { writes, count }
    }

    /// How many writes there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The ids of the resources whose member names `gone` after these writes, if `stored` are
    /// those that do before.
    pub(super) fn naming(
        &self,
        resource_type: &Arc<ResourceType>,
        member: &str,
        gone: &Id,
        stored: &[Id],
    ) -> Vec<Id> {
        let wanted = gone.to_member();
        let is_of_type = |name: &str| name == resource_type.name;
        let named: HashSet<&Id> = stored.iter().collect();
        let mut changed: HashMap<&Id, bool> = HashMap::new();
        for ((_, id), writes) in self.writes.iter().filter(|((name, _), _)| is_of_type(name)) {
            let before = named.contains(id);
            let after = |before, write: &&Write| names(write, member, &wanted, before);
            changed.insert(id, writes.iter().fold(before, after));
        }
        let untouched = stored.iter().filter(|id| !changed.contains_key(id));
        let naming = changed.iter().filter(|(_, names)| **names);
        let naming = naming.map(|(id, _)| *id);
        untouched.chain(naming).cloned().collect()
    }

    /// Whether a resource is there after these writes, if it was so before.
    pub(super) fn is_there(&self, resource_type: &ResourceType, id: &Id, before: bool) -> bool {
        let writes = self.writes.get(&(resource_type.name.as_str(), id));
        let writes = writes.into_iter().flatten();
        writes.fold(before, |before, write| match &write.change {
            Change::Delete => false,
            Change::Replace(_) => true,
            Change::Update(_) | Change::Link { .. } | Change::Nothing => before,
        })
    }
}

/// Whether a member names an id after a write.
fn names(write: &Write, member: &str, wanted: &Value, before: bool) -> bool {
    let has = |value: Option<&Value>| match value {
        Some(Value::Array(ids)) => ids.contains(wanted),
        value => value == Some(wanted),
    };
    match &write.change {
        Change::Delete => false,
        Change::Replace(members) => {
            has(members.get(member)) || before && write.kept.iter().any(|kept| kept == member)
        }
        Change::Update(members) if members.contains_key(member) => has(members.get(member)),
        Change::Link {
            relationship,
            add,
            remove,
        } if relationship == member => add.contains(wanted) || before && !remove.contains(wanted),
        Change::Update(_) | Change::Link { .. } | Change::Nothing => before,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::{Attributes, parse};

    fn members(value: Value) -> Attributes {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn each_kind_of_write_decides_whom_a_resource_names() {
        let text = "type: things\nid: integer\nattributes: {type: object}\n";
        let things = Arc::new(parse(text).unwrap());
        let id = Id::Integer(1);
        let update = |value| Write::update(&things, id.clone(), members(value));
        let link = |add: Value, remove: Value| {
            let list = |value: Value| value.as_array().cloned().unwrap_or_default();
            let mut link = update(json!({}));
            link.change = Change::Link {
                relationship: "m".to_owned(),
                add: list(add),
                remove: list(remove),
            };
            link
        };
        let replace = |value| Write::replace(&things, id.clone(), members(value));
        let mut keeping = replace(json!({}));
        keeping.kept = vec!["m".to_owned()];
        for (write, before, after) in [
            (update(json!({"m": 9})), false, true),
            (update(json!({"m": [8, 9]})), false, true),
            (update(json!({"m": null})), true, false),
            (update(json!({"other": 1})), true, true),
            (replace(json!({"m": 9})), false, true),
            (replace(json!({})), true, false),
            (keeping, true, true),
            (link(json!([9]), json!([])), false, true),
            (link(json!([]), json!([9])), true, false),
            (link(json!([7]), json!([8])), true, true),
            (Write::delete(&things, id.clone()), true, false),
            (Write::exists(&things, id.clone()), true, true),
        ] {
            let earlier = [write];
            let stored = if before { vec![id.clone()] } else { Vec::new() };
            let found = Earlier::new(&earlier).naming(&things, "m", &Id::Integer(9), &stored);
            assert_eq!(found.len(), usize::from(after), "{:?}", earlier[0]);
        }
    }
}
