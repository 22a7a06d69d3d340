//! Changing a relationship by itself.

use std::sync::Arc;

use super::draft::{LinkTarget, Pointers};
use super::write::Versions;
use super::{Controller, Failure, Reason, id_of_url};
use crate::schema::{Attributes, Id, Link, Relationship, ResourceType, Violation};
use crate::store::{Change, Resource, Write};

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

impl Controller {
    /// Changes the linkage of a relationship that clients may change.
    pub async fn link(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &str,
        relationship: &Arc<Relationship>,
        change: LinkChange,
        versions: Versions,
    ) -> Result<Resource, Failure> {
        let id = id_of_url(resource_type, id)?;
        let member = writable_member(resource_type, relationship)?;
        let ids = |targets: &[LinkTarget]| -> Vec<Id> {
            targets.iter().map(|target| target.id.clone()).collect()
        };
        let members = |ids: &[Id]| ids.iter().map(Id::to_member).collect();
        let (add, remove, targets) = match change {
            LinkChange::Replace(targets) => {
                let value = relationship.member_value(&ids(&targets));
                let members = Attributes::from_iter([(member, value)]);
                let mut write = Write::update(resource_type, id, members);
                write.guard.validated = false;
                write.guard.versions = versions;
                return self.store_one(&Pointers::none(), write, targets).await;
            }
            LinkChange::Add(targets) => (members(&ids(&targets)), Vec::new(), targets),
            LinkChange::Remove(ids) => (Vec::new(), members(&ids), Vec::new()),
        };
        let mut write = Write::update(resource_type, id, Attributes::new());
        write.guard.validated = false;
        write.guard.versions = versions;
        write.change = Change::Link {
            relationship: member,
            add,
            remove,
        };
        self.store_one(&Pointers::none(), write, targets).await
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
