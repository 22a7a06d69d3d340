//! A resource as a client or a file gives it.

mod fields;
mod links;

use std::sync::Arc;

use serde_json::Value;

use super::{Failure, Reason};
use crate::schema::{Attributes, Id, IdKind, Relationship, ResourceType, Violation};

pub use self::links::GivenLinks;
pub(crate) use self::links::LinkTarget;

/// A resource before anything about it was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Every id that it names: none, one, or the same one twice.
    pub ids: Vec<GivenId>,
    /// The attributes without the id.
    pub attributes: Attributes,
    /// The relationships that it names.
    pub relationships: Vec<GivenLinks>,
    /// Where its parts stand.
    pub pointers: Pointers,
}

/// An id as it was given.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenId {
    /// A text, or an integer without quotes, as people write it.
    pub value: Value,
    /// Where it stands, as a JSON pointer.
    pub pointer: String,
}

/// Where the parts of a draft stand in what the client sent, as JSON pointers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointers {
    /// The resource.
    pub resource: String,
    /// The attributes, or what should hold them.
    pub attributes: String,
    /// The id, if there is one.
    pub id: Option<String>,
}

/// Who may choose the id of a new resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdRule {
    /// A client: where the kind of the ids allows it.
    Client,
    /// A file: always, since what was exported keeps its ids.
    File,
}

impl Draft {
    /// A draft from one plain object, which holds the id among the attributes (under the
    /// `idAttribute`, [`ResourceType::plain_id_member`], under `id`, or under both), and the
    /// relationships by their names.
    #[must_use]
    pub fn plain(resource_type: &ResourceType, mut object: Attributes) -> Self {
        let pointer = |name: &str| format!("/{}", jsonapi::pointer_token(name));
        let own = resource_type.id_attribute.iter().map(String::as_str);
        let mut ids = Vec::new();
        for name in own.chain(["id"]) {
            let pointer = pointer(name);
            let value = object.shift_remove(name);
            ids.extend(value.map(|value| GivenId { value, pointer }));
        }
        let links = |relationship: &Arc<Relationship>| {
            Some(GivenLinks {
                relationship: relationship.clone(),
                value: object.shift_remove(&relationship.name)?,
                pointer: pointer(&relationship.name),
            })
        };
        let relationships = resource_type.relationships.iter().filter_map(links);
        let relationships = relationships.collect();
        Self {
            relationships,
            ..Self::new(ids, object, String::new(), String::new())
        }
    }

    /// A draft of these parts without relationships; `resource` and `attributes` are JSON pointers.
    #[must_use]
    pub fn new(
        ids: Vec<GivenId>,
        attributes: Attributes,
        resource: String,
        attributes_pointer: String,
    ) -> Self {
        let id = ids.first().map(|id| id.pointer.clone());
        Self {
            ids,
            attributes,
            relationships: Vec::new(),
            pointers: Pointers {
                resource,
                attributes: attributes_pointer,
                id,
            },
        }
    }

    /// The id for a new resource; `None` where the server chooses it.
    ///
    /// # Errors
    /// An id that is none, that the rule forbids, or that is missing where nobody else chooses it.
    pub fn new_id(
        &self,
        resource_type: &Arc<ResourceType>,
        rule: IdRule,
    ) -> Result<Option<Id>, Failure> {
        // Whatever it is: what a client may not choose need not be one.
        if let Some(given) = self.ids.first()
            && rule == IdRule::Client
            && !resource_type.id.client_may_choose()
        {
            return Err(Failure::new(resource_type, Reason::IdNotAllowed).at(&given.pointer));
        }
        match self.id(resource_type)? {
            None if resource_type.id == IdKind::String => {
                Err(Failure::new(resource_type, Reason::IdMissing).at(&self.pointers.resource))
            }
            id => Ok(id.map(|(id, _)| id)),
        }
    }

    /// Refuses a draft that names another resource than this one.
    ///
    /// # Errors
    /// An id that is none or differs.
    pub fn must_name(&self, resource_type: &Arc<ResourceType>, id: &Id) -> Result<(), Failure> {
        match self.id(resource_type)? {
            Some((named, given)) if named != *id => {
                let expected = id.clone();
                let reason = Reason::IdDiffers {
                    expected,
                    from: "URL",
                    named,
                };
                Err(Failure::new(resource_type, reason).at(&given.pointer))
            }
            _ => Ok(()),
        }
    }

    /// The members of the stored object: the attributes, then what holds the relationships.
    /// Nothing is checked against the schema of the attributes.
    ///
    /// # Errors
    /// Attributes with names of relationships, and linkage that is none.
    pub fn into_members(
        self,
        resource_type: &Arc<ResourceType>,
    ) -> Result<(Attributes, Pointers), Failure> {
        let Self {
            attributes: mut members,
            relationships,
            pointers,
            ..
        } = self;
        let misplaced = resource_type.attributes.misplaced(&members);
        if !misplaced.is_empty() {
            let failure = Failure::new(resource_type, Reason::Invalid(misplaced));
            return Err(pointers.place(failure));
        }
        let mut violations = Vec::new();
        for given in &relationships {
            match given.member() {
                Ok((name, value)) => {
                    members.insert(name.to_owned(), value);
                }
                Err(violation) => violations.push(violation),
            }
        }
        refuse_links(resource_type, violations)?;
        Ok((members, pointers))
    }

    /// The id that all of the given ones name.
    fn id(&self, resource_type: &Arc<ResourceType>) -> Result<Option<(Id, &GivenId)>, Failure> {
        let mut known: Option<(Id, &GivenId)> = None;
        for given in &self.ids {
            let named = Self::parse(resource_type, given)?;
            match known {
                Some((expected, _)) if expected != named => {
                    let reason = Reason::IdDiffers {
                        expected,
                        from: "resource object",
                        named,
                    };
                    return Err(Failure::new(resource_type, reason).at(&given.pointer));
                }
                Some(_) => {}
                None => known = Some((named, given)),
            }
        }
        Ok(known)
    }

    fn parse(resource_type: &Arc<ResourceType>, given: &GivenId) -> Result<Id, Failure> {
        let Some(text) = id_text(&given.value) else {
            let (base, name) = given.pointer.rsplit_once('/').unwrap_or_default();
            let violation = Violation {
                pointer: format!("/{name}"),
                keyword: "type".to_owned(),
                message: "an id is a string".to_owned(),
            };
            let reason = Reason::Invalid(vec![violation]);
            return Err(Failure::new(resource_type, reason).at(base));
        };
        resource_type.id.parse(&text).map_err(|invalid| {
            Failure::new(resource_type, Reason::InvalidId(invalid)).at(&given.pointer)
        })
    }
}

/// Violations of relationships have whole pointers.
fn refuse_links(
    resource_type: &Arc<ResourceType>,
    violations: Vec<Violation>,
) -> Result<(), Failure> {
    if violations.is_empty() {
        return Ok(());
    }
    Err(Failure::new(resource_type, Reason::Invalid(violations)).at(""))
}

impl Pointers {
    /// Those of a request without a resource object.
    pub(super) fn none() -> Self {
        Self {
            resource: String::new(),
            attributes: String::new(),
            id: None,
        }
    }

    /// Says where in the draft the cause of a failure stands.
    #[must_use]
    pub fn place(&self, failure: Failure) -> Failure {
        match &failure.reason {
            Reason::IdTaken(_) => failure.at(self.id.as_ref().unwrap_or(&self.resource)),
            // One attribute has a place of its own; several are somewhere among the attributes.
            Reason::NotUnique(names) if !names.contains(", ") => {
                let path = names
                    .split('.')
                    .map(|name| format!("/{}", jsonapi::pointer_token(name)));
                let pointer = format!("{}{}", self.attributes, path.collect::<String>());
                failure.at(&pointer)
            }
            Reason::Invalid(_) | Reason::NotUnique(_) => failure.at(&self.attributes),
            _ => failure,
        }
    }
}

/// People write integer ids without quotes, though JSON:API has them in quotes.
fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}
