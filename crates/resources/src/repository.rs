//! The contract of a store, in words. Every store passes the same tests: `contract.rs`.

pub mod mongo;
pub mod sqlite;
mod resources;
mod bulk;
#[cfg(test)]
mod contract;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::query::Query;
use crate::schema::{Attributes, Id, ResourceType, Violation};

pub use bulk::{Import, ImportMode, Outcomes, Pending, Scan};
pub use resources::{ResourceRef, Resources, stored_value};

/// A store of resources, for all types at once, so that one unit of work can span types.
///
/// Absence is not an error of a read. An acknowledged write is durable. A future that is dropped
/// before it is ready leaves a write either wholly done or wholly undone.
#[async_trait]
pub trait Repository: Send + Sync + 'static {
    /// What the store is called in health reports: `mongodb`, `sqlite`.
    fn name(&self) -> &'static str;

    /// Where the store is, if clients may know it; an answer that it is unreachable names it.
    fn place(&self) -> Option<&str> {
        None
    }

    /// Makes the store ready for a type: its collection and its indexes. Repeating it changes
    /// nothing; no resource is ever changed or dropped. A store that is away is made ready when it
    /// is back; until then it refuses what the type's unique indexes could forbid.
    ///
    /// # Errors
    /// [`RepositoryError::Unusable`] when the collection holds ids of another kind, or has
    /// resources that a unique index forbids.
    async fn prepare(&self, resource_type: &Arc<ResourceType>) -> Result<(), RepositoryError>;

    /// One page and the size of the whole collection, both of the same moment, in the order of
    /// creation. A page past the end is empty. Of a collection too large to be counted for each
    /// page the size may be an estimate.
    async fn list(&self, of: &Arc<ResourceType>, query: &Query) -> Result<Page, RepositoryError>;

    /// The resource with this id, if there is one.
    async fn find(
        &self,
        of: &Arc<ResourceType>,
        id: &Id,
    ) -> Result<Option<Resource>, RepositoryError>;

    /// A unit of work: the writes are done in their order, each seeing those before it, and all
    /// of them or none. The answer has what each of them left behind.
    ///
    /// # Errors
    /// [`WriteError::Refused`] names the first write that cannot be done, and nothing is done.
    async fn write(&self, unit: Vec<Write>) -> Result<Vec<Written>, WriteError>;

    /// The whole collection in the order of creation. Each resource that is there throughout is
    /// in it once; one that is created or changed meanwhile may or may not be seen so.
    async fn scan(&self, of: &Arc<ResourceType>) -> Result<Scan, RepositoryError>;

    /// Starts to store many resources; see [`Import`].
    async fn import(
        &self,
        of: &Arc<ResourceType>,
        mode: ImportMode,
    ) -> Result<Import, RepositoryError>;

    /// The cheapest request that proves that the store answers and is ready for every type that
    /// it was to be prepared for.
    async fn ping(&self) -> Result<(), RepositoryError>;

    /// Ends what is still open at the server, in a bounded time. Nothing is asked of the store
    /// afterwards.
    async fn close(&self) {}
}

/// A stored resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its id.
    pub id: Id,
    /// The text of a JSON object, without the id; members in the order in which they were given.
    pub attributes: String,
}

/// A resource that is to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewResource {
    /// `None` where the store chooses the id ([`crate::schema::IdKind::Integer`]).
    pub id: Option<Id>,
    /// Valid attributes.
    pub attributes: Attributes,
}

/// A part of a collection.
#[derive(Debug)]
pub struct Page {
    /// The resources of the page, or the first of them.
    pub resources: Arc<Resources>,
    /// Where the page is too large to be held at once: the others, batch by batch.
    pub rest: Option<Scan>,
    /// Resources in the whole collection.
    pub total: u64,
}

/// Looks at a resource's attributes before and after a change, inside the unit of work.
pub type Check = Box<dyn Fn(&Value, &Value) -> Result<(), Vec<Violation>> + Send + Sync>;

/// One change of one resource.
pub struct Write {
    /// The type of the resource.
    pub of: Arc<ResourceType>,
    /// What is to be done.
    pub operation: Operation,
}

/// What a [`Write`] does.
pub enum Operation {
    /// Stores a new resource. Refused with [`Refusal::IdTaken`] if its id is there.
    Insert(NewResource),
    /// Sets the named attributes and leaves the others as they are. An attribute that exists
    /// keeps its position, a new one stands at the end. Refused if there is no such resource or
    /// the check fails.
    Update {
        /// Which resource.
        id: Id,
        /// The named attributes; null is a value like any other.
        changes: Attributes,
        /// Decides whether the result is valid.
        check: Check,
    },
    /// Puts these attributes in the place of all that were there; the position in the order of
    /// creation stays. Refused if there is no such resource.
    Replace {
        /// Which resource.
        id: Id,
        /// All attributes.
        attributes: Attributes,
    },
    /// Removes a resource. Refused if there is no such resource.
    Delete {
        /// Which resource.
        id: Id,
    },
}

/// What a [`Write`] left behind.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// The resource as it is now stored.
    Stored(Resource),
    /// It is gone.
    Deleted,
}

/// Why a write cannot be done. The store and the other resources are fine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no resource with this id.
    #[error("there is no resource with the id '{0}'")]
    Absent(Id),
    /// There is a resource with this id already.
    #[error("the id '{0}' is taken already")]
    IdTaken(Id),
    /// Another resource has the same values in a unique index over these attributes.
    #[error("another resource has the same {0}")]
    NotUnique(String),
    /// The attributes would not be valid.
    #[error("{} attributes would not be valid", .0.len())]
    Invalid(Vec<Violation>),
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
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepositoryError),
}

/// The store failed. The texts are for operators and may name files and hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryError {
    /// It cannot be reached; the same request will succeed when it is back.
    #[error("the datastore is unavailable: {0}")]
    Unavailable(String),
    /// It answers, but has no room or no time for this now, and has done nothing; the same
    /// request may succeed later.
    #[error("the datastore is busy: {0}")]
    Busy(String),
    /// It answers, but has not been prepared for this type yet, and has done nothing; see
    /// [`Repository::prepare`].
    #[error("the datastore is not prepared: {0}")]
    Unprepared(String),
    /// A write was sent and not answered: it may have been done. Only what is the same when it
    /// is done twice may be sent again without a look.
    #[error("the datastore did not say whether the write was done: {0}")]
    OutcomeUnknown(String),
    /// What is stored cannot be read.
    #[error("the datastore is damaged: {0}")]
    Corrupt(String),
    /// The store works, but cannot be used with these settings or definitions.
    #[error("the datastore cannot be used: {0}")]
    Unusable(String),
    /// Anything else; an error of the program.
    #[error("the datastore failed: {0}")]
    Internal(String),
}
