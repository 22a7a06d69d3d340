//! Why an operation was not done.

use std::fmt;
use std::sync::Arc;

use crate::schema::{Id, InvalidId, ResourceType, Violation};
use crate::store::{KeyRefusal, Refusal, StoreError, Version};

/// Why an operation was not done; nothing has changed, unless the store says otherwise.
#[derive(Debug)]
pub struct Failure {
    /// The type of the resource that the operation was about.
    pub resource_type: Arc<ResourceType>,
    /// The reason.
    pub reason: Reason,
    /// Where in the request its cause stands: a JSON pointer. Violations are relative to it.
    pub pointer: Option<String>,
}

/// The reason of a [`Failure`].
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The text cannot be an id of this type.
    #[error(transparent)]
    InvalidId(#[from] InvalidId),
    /// There is no such resource.
    #[error("there is no resource with the id '{0}'")]
    NotFound(Id),
    /// The resource has no relationship of this name.
    #[error("there is no relationship '{0}'")]
    NoRelationship(String),
    /// More resources would be included than one answer may have.
    #[error("more than {0} resources would be included")]
    TooManyIncluded(usize),
    /// The client chose an id, but ids of this type are the server's to choose.
    #[error("the server chooses the ids of this type")]
    IdNotAllowed,
    /// The client chose no id, but has to.
    #[error("the client chooses the ids of this type")]
    IdMissing,
    /// The body names another resource than it should.
    #[error("the {from} says '{expected}' but the body says '{named}'")]
    IdDiffers {
        /// The id that the body should name.
        expected: Id,
        /// What says so.
        from: &'static str,
        /// The id that the body names.
        named: Id,
    },
    /// The id that the client chose is there already.
    #[error("the id '{0}' is taken already")]
    IdTaken(Id),
    /// There is a resource with this id, but the request wants to be the first.
    #[error("there is a resource with the id '{0}'")]
    Exists(Id),
    /// The relationship leads to one resource: nothing is added to it or taken away.
    #[error("the relationship '{0}' leads to one resource")]
    ToOne(String),
    /// The resource has another version than the request asks for.
    #[error("the resource with the id '{id}' has the version {version}")]
    Changed {
        /// Which resource.
        id: Id,
        /// The version that it has.
        version: Version,
    },
    /// A deletion would delete or change more resources than one does.
    #[error("more than {0} resources would be deleted or changed")]
    TooManyAffected(usize),
    /// Resources of this type name the one that is to be deleted.
    #[error("resources of '{0}' name the resource")]
    Referenced(String),
    /// There is no resource to which a relationship is to lead.
    #[error("there is no resource '{id}' of '{resource_type}'")]
    RelatedNotFound {
        /// The name of its type.
        resource_type: String,
        /// The id, as it was given.
        id: String,
    },
    /// Clients may not set or change these. Pointers are those of the request.
    #[error("{} fields cannot be written", .0.len())]
    Forbidden(Vec<Violation>),
    /// Another resource has the same values in these attributes.
    #[error("another resource has the same {0}")]
    NotUnique(String),
    /// The attributes are not as the type wants them.
    #[error("{} attributes are not valid", .0.len())]
    Invalid(Vec<Violation>),
    /// The key of the request stands against it.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure {
    /// A failure whose cause stands nowhere in the request.
    #[must_use]
    pub fn new(resource_type: &Arc<ResourceType>, reason: Reason) -> Self {
        Self {
            resource_type: resource_type.clone(),
            reason,
            pointer: None,
        }
    }

    /// The same with the place of its cause.
    #[must_use]
    pub fn at(mut self, pointer: &str) -> Self {
        self.pointer = Some(pointer.to_owned());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(formatter)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.reason.source()
    }
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Absent(id) => Self::NotFound(id),
            Refusal::IdTaken(id) => Self::IdTaken(id),
            Refusal::Changed { id, version } => Self::Changed { id, version },
            Refusal::Referenced(by) => Self::Referenced(by),
            Refusal::NotUnique(attributes) => Self::NotUnique(attributes),
            Refusal::Invalid(violations) => Self::Invalid(violations),
        }
    }
}
