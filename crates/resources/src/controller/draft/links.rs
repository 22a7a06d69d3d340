//! The relationships of a resource as they are given.

use std::sync::Arc;

use serde_json::Value;

use super::id_text;
use crate::schema::{Id, Link, Relationship, Violation};

/// The resources to which a relationship is to lead, as they were given.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenLinks {
    /// Which relationship.
    pub relationship: Arc<Relationship>,
    /// To-one: an id or null. To-many: an array of ids. An id is given as in [`super::GivenId`].
    pub value: Value,
    /// Where the value stands, as a JSON pointer.
    pub pointer: String,
}

/// A resource to which a relationship is to lead.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkTarget {
    /// The relationship.
    pub relationship: Arc<Relationship>,
    /// The id of the resource.
    pub id: Id,
    /// Where it stands, as a JSON pointer.
    pub pointer: String,
}

impl GivenLinks {
    /// The member of the stored object and what it holds.
    pub(super) fn member(&self) -> Result<(&str, Value), Violation> {
        let relationship = &self.relationship;
        let Some(member) = relationship.own_member() else {
            return Err(self.not_writable());
        };
        let ids = match &self.value {
            Value::Null if relationship.is_to_one() => Vec::new(),
            Value::Array(ids) if !relationship.is_to_one() => {
                let ids = ids.iter().enumerate();
                let ids = ids.map(|(index, id)| self.id(id, &format!("/{index}")));
                ids.collect::<Result<_, _>>()?
            }
            id if relationship.is_to_one() => vec![self.id(id, "")?],
            _ => {
                return Err(self.violation(
                    "",
                    "type",
                    "a to-many relationship is an array of ids",
                ));
            }
        };
        Ok((member, relationship.member_value(&ids)))
    }

    fn id(&self, value: &Value, step: &str) -> Result<Id, Violation> {
        let target = &self.relationship.target;
        let id = id_text(value).and_then(|text| target.id.parse(&text).ok());
        id.ok_or_else(|| {
            let message = format!(
                "is no id of '{}': its ids are of the kind {}",
                target.name, target.id
            );
            self.violation(step, "format", &message)
        })
    }

    pub(super) fn not_writable(&self) -> Violation {
        let (name, target) = (&self.relationship.name, &self.relationship.target.name);
        let message = match &self.relationship.link {
            Link::Inverse { relationship, .. } => format!(
                "'{name}' is not stored here: set '{relationship}' of the related '{target}'"
            ),
            Link::One { .. } | Link::Many { .. } => {
                format!("'{name}' cannot be changed by clients")
            }
        };
        self.violation("", "readOnly", &message)
    }

    fn violation(&self, step: &str, keyword: &str, message: &str) -> Violation {
        Violation {
            pointer: format!("{}{step}", self.pointer),
            keyword: keyword.to_owned(),
            message: message.to_owned(),
        }
    }
}
