//! Changing a relationship by itself.

use std::sync::Arc;

use serde_json::Value;

use super::draft::{LinkTarget, Pointers};
use super::unit::Prepared;
use super::write::Versions;
use super::{Controller, Done, Failure, Reason, id_of_url};
use crate::schema::{Attributes, Id, Link, Relationship, ResourceType, Violation};
use crate::store::{Change, Key, Resource, Write};

/// What becomes of the linkage of a relationship.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkChange {
    /// These take the place of all that were there.
    Replace(Vec<LinkTarget>),
    /// These join, unless they are there.
    Add(Vec<LinkTarget>),
    /// These leave, if they are there.
    Remove(Vec<Id>),
}

/// A change of a relationship that is made for some versions of its resource.
#[derive(Debug)]
pub struct Linking {
    /// Which relationship.
    pub relationship: Arc<Relationship>,
    /// What becomes of its linkage.
    pub change: LinkChange,
    /// The versions of which the resource must have one.
    pub versions: Versions,
}

impl Controller {
    /// Changes the linkage of a relationship that clients may change.
    pub async fn link(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &str,
        linking: Linking,
        key: Option<&Key>,
    ) -> Result<Done<Resource>, Failure> {
        let id = id_of_url(resource_type, id)?;
        self.store_one(relinked(resource_type, id, linking)?, key)
            .await
    }
}

/// Other linkage of a relationship.
pub(super) fn relinked(
    resource_type: &Arc<ResourceType>,
    id: Id,
    linking: Linking,
) -> Result<Prepared, Failure> {
    let Linking {
        relationship,
        change,
        versions,
    } = linking;
    let member = writable_member(resource_type, &relationship)?;
    let ids = |targets: &[LinkTarget]| -> Vec<Id> {
        targets.iter().map(|target| target.id.clone()).collect()
    };
    let members = |ids: &[Id]| ids.iter().map(Id::to_member).collect();
    let (change, targets) = match change {
        LinkChange::Replace(targets) => {
            let value = relationship.member_value(&ids(&targets));
            let members = Attributes::from_iter([(member, value)]);
            (Change::Update(members), targets)
        }
        LinkChange::Add(_) | LinkChange::Remove(_) if relationship.is_to_one() => {
            let reason = Reason::ToOne(relationship.name.clone());
            return Err(Failure::new(resource_type, reason));
        }
        LinkChange::Add(targets) => {
            let add = members(&ids(&targets));
            (linked(member, add, Vec::new()), targets)
        }
        LinkChange::Remove(ids) => (linked(member, Vec::new(), members(&ids)), Vec::new()),
    };
    let mut write = Write::update(resource_type, id, Attributes::new());
    write.guard.validated = false;
    write.guard.versions = versions;
    write.change = change;
    Ok(Prepared {
        write,
        pointers: Pointers::none(),
        targets,
    })
}

fn linked(relationship: String, add: Vec<Value>, remove: Vec<Value>) -> Change {
    Change::Link {
        relationship,
        add,
        remove,
    }
}

fn writable_member(
    resource_type: &Arc<ResourceType>,
    relationship: &Relationship,
) -> Result<String, Failure> {
    let name = &relationship.name;
    let message = match &relationship.link {
        Link::Inverse { relationship, .. } => {
            format!("'{name}' is not stored here: change '{relationship}' of the related resources")
        }
        Link::One { .. } | Link::Many { .. }
            if !relationship.writable || !relationship.writing.changeable =>
        {
            format!("'{name}' cannot be changed by clients")
        }
        Link::One { member } | Link::Many { member } => return Ok(member.clone()),
    };
    let violation = Violation {
        pointer: String::new(),
        keyword: "readOnly".to_owned(),
        message,
    };
    Err(Failure::new(
        resource_type,
        Reason::Forbidden(vec![violation]),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema;

    fn notes() -> Arc<ResourceType> {
        let text = "type: notes\nid: integer\nattributes: {type: object}\nrelationships:\n  \
                    next: {type: notes, member: nextId}\n  \
                    seen: {type: notes, kind: many, member: seenIds}\n  \
                    origin: {type: notes, changeable: false}\n  \
                    before: {type: notes, inverse: next}\n";
        let types = schema::parse_all(&[text]).unwrap();
        types[0].clone()
    }

    fn linked(of: &Arc<ResourceType>, name: &str, change: &str) -> Result<Prepared, Failure> {
        let relationship = of.relationship(name).unwrap();
        let target = |number| LinkTarget {
            relationship: relationship.clone(),
            id: Id::Integer(number),
            pointer: format!("/data/{number}"),
        };
        let change = match change {
            "replace" => LinkChange::Replace(vec![target(7)]),
            "clear" => LinkChange::Replace(Vec::new()),
            "add" => LinkChange::Add(vec![target(7), target(8)]),
            _ => LinkChange::Remove(vec![Id::Integer(7)]),
        };
        let linking = Linking {
            relationship: relationship.clone(),
            change,
            versions: None,
        };
        relinked(of, Id::Integer(1), linking)
    }

    #[test]
    fn other_linkage_is_a_change_of_the_member_that_holds_it() {
        let of = notes();
        for (name, change, member, value) in [
            ("next", "replace", "nextId", json!(7)),
            ("next", "clear", "nextId", json!(null)),
            ("seen", "replace", "seenIds", json!([7])),
            ("seen", "clear", "seenIds", json!([])),
        ] {
            let prepared = linked(&of, name, change).ok().unwrap();
            let Change::Update(members) = &prepared.write.change else {
                panic!("{:?}", prepared.write)
            };
            let expected = Attributes::from_iter([(member.to_owned(), value)]);
            assert_eq!(*members, expected, "{name} {change}");
            let demanded = usize::from(change == "replace");
            assert_eq!(prepared.targets.len(), demanded);
        }
    }

    #[test]
    fn what_joins_must_be_there_and_what_leaves_need_not() {
        let of = notes();
        for (change, joining, leaving, demanded) in [
            ("add", vec![json!(7), json!(8)], vec![], 2),
            ("remove", vec![], vec![json!(7)], 0),
        ] {
            let prepared = linked(&of, "seen", change).ok().unwrap();
            let Change::Link {
                relationship,
                add,
                remove,
            } = &prepared.write.change
            else {
                panic!("{:?}", prepared.write)
            };
            assert_eq!(
                (relationship.as_str(), add, remove),
                ("seenIds", &joining, &leaving)
            );
            assert_eq!(prepared.targets.len(), demanded);
        }
    }

    #[test]
    fn what_a_relationship_does_not_allow_is_refused() {
        let of = notes();
        for (name, change, is_to_one) in [
            ("next", "add", true),
            ("next", "remove", true),
            ("origin", "replace", false),
            ("before", "replace", false),
            ("before", "add", false),
        ] {
            let refused = linked(&of, name, change).err().unwrap().reason;
            match refused {
                Reason::ToOne(named) if is_to_one => assert_eq!(named, name),
                Reason::Forbidden(fields) if !is_to_one => {
                    assert!(fields[0].message.contains(name), "{fields:?}");
                }
                other => panic!("{name} {change}: {other}"),
            }
        }
    }
}
