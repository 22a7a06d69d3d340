//! The contract of a store, in words. Every store passes the same tests: `store/contract.rs`.

mod write;
mod guard;
mod key;
mod resources;
mod members;
mod bulk;
mod failure;
mod duplicates;
mod watching;
mod fresh_ids;
mod rounds;
#[cfg(feature = "testing")]
pub mod contract;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::query::{Filter, Query, Total};
use crate::schema::{Id, Relationship, ResourceType};

pub use bulk::{Batch, Import, ImportMode, NewResource, Outcomes, Pending, Scan, Step};
pub use duplicates::Duplicates;
pub use failure::{Refusal, StoreError, WriteError, WriteFailure};
pub use fresh_ids::fresh_ids;
pub use guard::{After, admit};
pub use key::{KeptAnswer, Key, KeyLimits, KeyRefusal, now};
pub use members::for_each_member;
pub use resources::{ResourceRef, Resources, stored_value};
pub use rounds::Rounds;
pub(crate) use watching::BATCHES_WATCHED_MAX;
pub use watching::{Event, EventKind, Events, Point, WatchError, Watching};
pub use write::{Absence, Change, Guard, Presence, Unit, Version, Write, Written};

/// A store of resources, for all types at once, so that one unit of work can span types.
///
/// Absence is not an error of a read. An acknowledged write is durable, and every later read sees
/// it. A future that is dropped before it is ready leaves a write either wholly done or wholly
/// undone.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// What the store is called in health reports: `mongodb`, `sqlite`.
    fn name(&self) -> &'static str;

    /// The hosts of the store, if clients may know them: an answer that it is unreachable names
    /// them.
    fn hosts(&self) -> Option<&str> {
        None
    }

    /// A number that is another one after each write that any read may have seen, and before the
    /// write is acknowledged: what was read while it was the same is still true. `None` where others
    /// may write too, or where nobody can say. Default: none.
    fn changes(&self) -> Option<u64> {
        None
    }

    /// Tells of every change from now on, if the store has a server that can be away. While the
    /// receiver exists, the store leaves it to the receiver's owner to log an outage. Default:
    /// none.
    fn reachability(&self) -> Option<watch::Receiver<Reachability>> {
        None
    }

    /// Makes the store ready for these types: their collections and indexes. Repeating it changes
    /// nothing; no resource is ever changed or dropped. An index that is no longer declared is
    /// dropped if the store made it for an earlier definition. A store that is away is made ready
    /// when it is back; until then it refuses what the types' unique indexes could forbid.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when a collection holds ids of another kind, or has resources that
    /// a unique index forbids.
    async fn prepare(&self, types: &[Arc<ResourceType>]) -> Result<(), StoreError>;

    /// The names of the collections that have resources, declared or not, in their order; the
    /// store's own are left out. Default: none.
    async fn collections(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    /// The values that a unique index of this type forbids and several resources have, at most
    /// `limit` of them. The type need not be prepared. Default: none.
    async fn duplicates(
        &self,
        _resource_type: &Arc<ResourceType>,
        _limit: usize,
    ) -> Result<Vec<Duplicates>, StoreError> {
        Ok(Vec::new())
    }

    /// What was last noted of a collection by [`Self::note_definition`]. Default: nothing.
    async fn noted_definition(
        &self,
        _resource_type: &Arc<ResourceType>,
    ) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    /// Notes, for later processes, with which definition the stored resources were compared; see
    /// [`ResourceType::fingerprint`]. Default: forgets it.
    async fn note_definition(
        &self,
        _resource_type: &Arc<ResourceType>,
        _fingerprint: &str,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    /// So many ids that no resource of this type has or had. Ids that are not used leave gaps.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when integers have run out; [`StoreError::Internal`] for a type
    /// whose ids the client chooses ([`crate::schema::IdKind::String`]).
    async fn next_ids(
        &self,
        resource_type: &Arc<ResourceType>,
        count: usize,
    ) -> Result<Vec<Id>, StoreError>;

    /// For each of these ids, in their order, the resource that has it and passes `scope`, if
    /// there is one.
    async fn find(
        &self,
        resource_type: &Arc<ResourceType>,
        ids: &[Id],
        scope: &Filter,
    ) -> Result<Vec<Option<Resource>>, StoreError>;

    /// A part of a collection as a query describes it and, where the query asks for it, the number
    /// of all resources that pass the filter, both of the same moment.
    /// [`Filter::matches`] and [`crate::query::Order::compare`] say what is in it.
    ///
    /// What comes in [`Page::rest`] may be of later moments. It has each resource that stays in
    /// its place until it is read, once and in the order that it had at the beginning, as it is then; never more than the
    /// query asks for.
    async fn list(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Page, StoreError>;

    /// For each of these resources, the first of those that an inverse relationship leads to and
    /// that pass the query's filter, in its order, at most `limit` of them. They are of
    /// `resource_type`, the relationship is that of the resources with the ids. The query has no
    /// bounds and skips nothing; each page is whole and has its own total. All are of one moment,
    /// asked for with one request.
    async fn related(
        &self,
        resource_type: &Arc<ResourceType>,
        relationship: &Arc<Relationship>,
        ids: &[Id],
        query: &Query,
    ) -> Result<Vec<Page>, StoreError>;

    /// What the store would do for [`Self::list`].
    async fn explain(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Plan, StoreError>;

    /// Does the writes of a unit in their order, each seeing those before it: all of them or none.
    /// The answer has what each of them left behind.
    ///
    /// # Errors
    /// [`WriteError::Refused`] names the first write that cannot be done, and nothing is done. An
    /// [`Absence`] that does not hold is [`Refusal::Referenced`], at the position of the last
    /// write. [`WriteError::Key`] says that a unit with the key of this one was done or is being
    /// done, or that nothing more can be kept: nothing is done then.
    async fn write(&self, unit: Unit) -> Result<Vec<Written>, WriteError>;

    /// What stands against a unit with this key: a unit that was done under the same name and has
    /// not expired. A unit that is not done leaves its key as it was.
    async fn recall(&self, key: &Key) -> Result<Option<KeyRefusal>, StoreError>;

    /// The whole collection in the order of creation. Each resource that is there throughout is
    /// in it once; one that is created or changed meanwhile may or may not be seen so.
    async fn scan(&self, resource_type: &Arc<ResourceType>) -> Result<Scan, StoreError>;

    /// Starts to store many resources; see [`Import`].
    async fn import(
        &self,
        resource_type: &Arc<ResourceType>,
        mode: ImportMode,
    ) -> Result<Import, StoreError>;

    /// The changes of a collection behind a place, or from now on: each committed change once,
    /// those of one resource in their order, those of one unit one behind the other. A change is
    /// told soon after it is acknowledged. One that leaves a resource as it was may be left out.
    ///
    /// # Errors
    /// [`WatchError::Gone`] when the store does not know any more what came behind the place;
    /// [`WatchError::Unsupported`] where it never knows. Default: that.
    async fn watch(
        &self,
        resource_type: &Arc<ResourceType>,
        after: Option<&Point>,
    ) -> Result<Watching, WatchError> {
        let _ = (resource_type, after);
        let text = format!("'{}' keeps no history", self.name());
        Err(WatchError::Unsupported(text))
    }

    /// The cheapest request that proves that the store answers and is ready for every type that
    /// it was to be prepared for.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Ends what is still open at the server, in a bounded time. Nothing is asked of the store
    /// afterwards.
    async fn close(&self) {}
}

/// Whether the latest requests reached the server of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reachability {
    /// Requests are sent.
    Reachable,
    /// Requests fail at once, for this reason. It is for operators and may name hosts.
    Away(String),
}

/// A stored resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its id.
    pub id: Id,
    /// The text of a JSON object: all members but the id, in the order in which they were given.
    pub text: String,
}

/// A part of a collection.
#[derive(Debug)]
pub struct Page {
    /// The resources of the page, or the first of them.
    pub resources: Arc<Resources>,
    /// Where the page is too large to be held at once: the others, batch by batch.
    pub rest: Option<Scan>,
    /// Whether there are resources beyond the page: behind it, or before it where the query is one
    /// from the end.
    pub more: bool,
    /// How many resources pass the filter, if the query asked.
    pub total: Option<Total>,
}

/// What a store would do for a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The store's own words, as a JSON text.
    pub text: String,
    /// Whether it would read the whole collection, or sort more than it gives.
    pub is_costly: bool,
}
