//! Why an operation was not done.

use super::IdPlace;
use crate::repository::{Refusal, RepositoryError, WriteError};
use crate::schema::{Id, InvalidId, Violation};

/// Why an operation was not done; nothing has changed, unless the store says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The text cannot be an id of this type.
    #[error("{invalid}")]
    InvalidId {
        /// What is wrong with it.
        invalid: InvalidId,
        /// Where it was given.
        place: IdPlace,
    },
    /// There is no such resource.
    #[error("there is no resource with the id '{0}'")]
    NotFound(Id),
    /// The client chose an id, but ids of this type are the server's to choose.
    #[error("the server chooses the ids of this type")]
    IdNotAllowed {
        /// Where it was given.
        place: IdPlace,
    },
    /// The client chose no id, but has to.
    #[error("the client chooses the ids of this type")]
    IdMissing,
    /// The body names another resource than it should.
    #[error("the {from} says '{expected}' but the body says '{named}'")]
    IdDiffers {
        /// The id that it should name.
        expected: Id,
        /// What says so.
        from: &'static str,
        /// The id that it names.
        named: Id,
        /// Where it names it.
        place: IdPlace,
    },
    /// The id that the client chose is there already.
    #[error("the id '{0}' is taken already")]
    IdTaken(Id),
    /// Another resource has the same values in these attributes.
    #[error("another resource has the same {0}")]
    NotUnique(String),
    /// The attributes are not as the type wants them.
    #[error("{} attributes are not valid", .0.len())]
    Invalid(Vec<Violation>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepositoryError),
}

impl From<Vec<Violation>> for Failure {
    fn from(violations: Vec<Violation>) -> Self {
        Self::Invalid(violations)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Absent(id) => Self::NotFound(id),
            Refusal::IdTaken(id) => Self::IdTaken(id),
            Refusal::NotUnique(attributes) => Self::NotUnique(attributes),
            Refusal::Invalid(violations) => Self::Invalid(violations),
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Refused { refusal, .. } => refusal.into(),
            WriteError::Store(error) => Self::Store(error),
        }
    }
}
