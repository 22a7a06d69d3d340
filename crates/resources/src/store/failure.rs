//! Why a store did not do what it was asked.

use super::{KeyRefusal, Version};
use crate::schema::{Id, Violation};

/// Why a write cannot be done. The store and the other resources are fine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no resource with this id.
    #[error("there is no resource with the id '{0}'")]
    Absent(Id),
    /// There is a resource with this id already.
    #[error("the id '{0}' is taken already")]
    IdTaken(Id),
    /// The resource has another version than the write asks for.
    #[error("the resource with the id '{id}' has the version {version}")]
    Changed {
        /// Which resource.
        id: Id,
        /// The version that it has.
        version: Version,
    },
    /// Resources of this type still name one that the unit deletes.
    #[error("resources of '{0}' still name the resource")]
    Referenced(String),
    /// Another resource has the same values in a unique index over these attributes.
    #[error("another resource has the same {0}")]
    NotUnique(String),
    /// The attributes would not be valid.
    #[error("{} attributes would not be valid", .0.len())]
    Invalid(Vec<Violation>),
}

/// Why one write was not done.
#[derive(Debug, thiserror::Error)]
pub enum WriteFailure {
    /// It cannot be done.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WriteFailure {
    /// The same of the write at this position of a unit, from 0.
    #[must_use]
    pub fn at(self, index: usize) -> WriteError {
        match self {
            Self::Refused(refusal) => WriteError::Refused { index, refusal },
            Self::Store(error) => WriteError::Store(error),
        }
    }
}

/// Why a unit of work was not done.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// One of the writes cannot be done, so none is.
    #[error("write {index} of the unit was refused: {refusal}")]
    Refused {
        /// Its position in the unit, from 0.
        index: usize,
        /// The reason.
        refusal: Refusal,
    },
    /// The key of the unit stands against it.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store failed. The texts are for operators and may name files and hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached; the same request will succeed when it is back.
    #[error("the datastore is unavailable: {0}")]
    Unavailable(String),
    /// It answers, but has no room or no time for this now, and has done nothing; the same
    /// request may succeed later.
    #[error("the datastore is busy: {0}")]
    Busy(String),
    /// It answers, but has not been prepared for this type yet, and has done nothing; see
    /// [`super::Store::prepare`].
    #[error("the datastore is not prepared: {0}")]
    Unprepared(String),
    /// A write was sent and not answered: it may have been done. Only what is the same when it
    /// is done twice may be sent again without a look.
    #[error("the datastore did not say whether the write was done: {0}")]
    OutcomeUnknown(String),
    /// What it had was taken away or changed by others while it was in use. Nothing is read or
    /// written any more before an operator has restored it and started the process anew.
    #[error("the datastore is lost: {0}")]
    Lost(String),
    /// What is stored cannot be read.
    #[error("the datastore is damaged: {0}")]
    Corrupt(String),
    /// The store works, but cannot be used with these settings or definitions.
    #[error("the datastore cannot be used: {0}")]
    Unusable(String),
    /// The deployment of the store cannot do this at all, though it does other things: several
    /// writes together on a server without transactions.
    #[error("the datastore cannot do this: {0}")]
    Unsupported(String),
    /// Anything else; an error of the program.
    #[error("the datastore failed: {0}")]
    Internal(String),
}
