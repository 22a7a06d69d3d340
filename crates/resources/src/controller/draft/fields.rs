//! Which fields a draft may name, and which resources it links to.

use std::sync::Arc;

use serde_json::Value;

use super::{Draft, GivenLinks, LinkTarget, id_text};
use crate::controller::{Failure, Reason};
use crate::schema::{ResourceType, Violation, Writing};

impl Draft {
    /// Refuses a draft that names fields which clients may not set, where it makes a resource, or
    /// may not change, where it changes one.
    ///
    /// # Errors
    /// Each such field.
    pub fn must_be_writable(
        &self,
        resource_type: &Arc<ResourceType>,
        is_new: bool,
    ) -> Result<(), Failure> {
        let is_writable = |writing: Writing| {
            if is_new {
                writing.settable
            } else {
                writing.changeable
            }
        };
        let attributes = self.attributes.keys();
        let attributes = attributes.filter(|name| !is_writable(resource_type.writing(name)));
        let attributes = attributes.map(|name| {
            let verb = if is_new { "set" } else { "changed" };
            Violation {
                pointer: format!(
                    "{}/{}",
                    self.pointers.attributes,
                    jsonapi::pointer_token(name)
                ),
                keyword: "readOnly".to_owned(),
                message: format!("'{name}' cannot be {verb} by clients"),
            }
        });
        let links = self.relationships.iter().filter(|given| {
            !given.relationship.writable || !is_writable(given.relationship.writing)
        });
        let fixed: Vec<_> = attributes
            .chain(links.map(GivenLinks::not_writable))
            .collect();
        if fixed.is_empty() {
            return Ok(());
        }
        Err(Failure::new(resource_type, Reason::Forbidden(fixed)))
    }

    /// Every resource to which the relationships are to lead.
    ///
    /// # Errors
    /// An id that none of them can have.
    pub(in crate::controller) fn targets(
        &self,
        resource_type: &Arc<ResourceType>,
    ) -> Result<Vec<LinkTarget>, Failure> {
        let mut targets = Vec::new();
        for given in &self.relationships {
            let target = &given.relationship.target;
            let texts: Vec<(Option<String>, String)> = match &given.value {
                Value::Array(ids) => {
                    let pointer = |index| format!("{}/{index}", given.pointer);
                    let ids = ids.iter().enumerate();
                    ids.map(|(index, id)| (id_text(id), pointer(index)))
                        .collect()
                }
                id => vec![(id_text(id), given.pointer.clone())],
            };
            for (text, pointer) in texts {
                let Some(text) = text else {
                    continue;
                };
                let id = target.id.parse(&text).map_err(|_| {
                    let reason = Reason::RelatedNotFound {
                        resource_type: target.name.clone(),
                        id: text.chars().take(80).collect(),
                    };
                    Failure::new(resource_type, reason).at(&pointer)
                })?;
                targets.push(LinkTarget {
                    relationship: given.relationship.clone(),
                    id,
                    pointer,
                });
            }
        }
        Ok(targets)
    }
}
