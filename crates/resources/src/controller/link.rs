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
