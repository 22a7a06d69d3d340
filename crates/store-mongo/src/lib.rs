//! The store over MongoDB: any deployment that the official driver reaches.
//!
//! `docs/mongodb.md` has the settings, the JSON form of BSON's types and the advice for
//! operators; `docs/decisions/` has what was weighed.

#![forbid(unsafe_code)]

mod settings;
mod connection;
mod calls;
mod circuit;
mod patience;
mod find;
mod list;
mod rest;
mod related;
mod pages;
mod scan;
mod changes;
mod cursor;
mod selection;
mod request;
mod filter;
mod sorting;
mod joins;
mod subject;
mod scalar;
mod json;
mod kinds;
mod links;
mod elements;
mod unit;
mod write;
mod transaction;
mod keys;
mod document;
mod extended;
mod ids;
mod counter;
mod import;
mod unprepared;
mod preparation;
mod indexes;
mod declared_indexes;
mod duplicates;
mod registry;
mod explain;
mod infer;
mod failure;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use resources::query::{Filter, Query};
use resources::schema::{Id, IdKind, Relationship, ResourceType};
use resources::store::{
    Duplicates, Import, ImportMode, Key, KeyRefusal, Page, Plan, Point, Reachability, Resource,
    Scan, Store, StoreError, Unit, WatchError, Watching, WriteError, Written, fresh_ids,
};
use tokio::sync::watch;
use tracing::Instrument;

use self::connection::Connection;
use self::failure::{Intent, of_read};
use self::selection::Selection;

pub use indexes::{IndexState, Standing};
pub use infer::{Kind, Sample, Seen};
pub use settings::{MongoSettings, masked};

/// A server that does not answer must not hold up the end of a process.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The store over MongoDB.
pub struct MongoStore {
    connection: Arc<Connection>,
}

impl MongoStore {
    /// Makes the store. Nothing is asked of the server yet, which may be away.
    ///
    /// # Errors
    /// `Unusable` when the connection string or what it names, such as a file, cannot be used;
    /// `Unavailable` when the name of a `mongodb+srv` address cannot be resolved.
    pub async fn connect(settings: MongoSettings) -> Result<Self, StoreError> {
        let connection = Arc::new(Connection::new(&settings).await?);
        Ok(Self { connection })
    }

    /// The indexes of a type's collection, as they stand against its definition.
    ///
    /// # Errors
    /// `Unavailable` when the server is away.
    pub async fn indexes(
        &self,
        resource_type: &Arc<ResourceType>,
    ) -> Result<Vec<IndexState>, StoreError> {
        let (store, resource_type) = (self.connection.clone(), resource_type.clone());
        let work = async move { indexes::states(&store, &resource_type).await };
        self.connection.calls.run(Intent::Read, work).await
    }

    /// Makes the missing indexes of a type, drops the outdated ones, and waits for them, however
    /// long MongoDB takes.
    ///
    /// # Errors
    /// As [`Store::prepare`], and `Unavailable` when the server is away.
    pub async fn apply_indexes(&self, resource_type: &Arc<ResourceType>) -> Result<(), StoreError> {
        let (store, resource_type) = (self.connection.clone(), resource_type.clone());
        // A task, because the driver's futures must run to their end.
        let task = tokio::spawn(async move { indexes::prepare(&store, &resource_type).await });
        task.await
            .map_err(|panic| StoreError::Internal(panic.to_string()))?
    }

    /// How the server answers a request for one resource: the reply to `explain` as relaxed
    /// Extended JSON.
    ///
    /// # Errors
    /// `Unavailable` when the server is away; `Unusable` when the plan of a change depends on the
    /// resource and there is none.
    pub async fn explain_one(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &Id,
    ) -> Result<String, StoreError> {
        let (store, resource_type) = (self.connection.clone(), resource_type.clone());
        let id = id.clone();
        let work = async move { explain::of_one(&store, &resource_type, &id).await };
        self.connection.calls.run(Intent::Read, work).await
    }
}

#[async_trait]
impl Store for MongoStore {
    fn name(&self) -> &'static str {
        "mongodb"
    }

    fn hosts(&self) -> Option<&str> {
        self.connection.hosts.as_deref()
    }

    fn reachability(&self) -> Option<watch::Receiver<Reachability>> {
        Some(self.connection.circuit.watch())
    }

    /// While the server is away, or as long as an index takes, this goes on in the background.
    async fn prepare(&self, types: &[Arc<ResourceType>]) -> Result<(), StoreError> {
        preparation::prepare(&self.connection, types).await
    }

    async fn collections(&self) -> Result<Vec<String>, StoreError> {
        registry::collections(&self.connection).await
    }

    /// However long that takes.
    async fn duplicates(
        &self,
        resource_type: &Arc<ResourceType>,
        limit: usize,
    ) -> Result<Vec<Duplicates>, StoreError> {
        duplicates::find(&self.connection, resource_type, limit).await
    }

    async fn noted_definition(
        &self,
        resource_type: &Arc<ResourceType>,
    ) -> Result<Option<String>, StoreError> {
        registry::definition(&self.connection, resource_type).await
    }

    async fn note_definition(
        &self,
        resource_type: &Arc<ResourceType>,
        fingerprint: &str,
    ) -> Result<(), StoreError> {
        registry::note_definition(&self.connection, resource_type, fingerprint).await
    }

    async fn next_ids(
        &self,
        resource_type: &Arc<ResourceType>,
        count: usize,
    ) -> Result<Vec<Id>, StoreError> {
        if resource_type.id == IdKind::Integer && count > 0 {
            self.connection.unprepared.admit(resource_type)?;
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let (store, resource_type) = (self.connection.clone(), resource_type.clone());
            let work = async move { store.counters.reserve(&resource_type, count).await };
            return self.connection.calls.run(Intent::Read, work).await;
        }
        fresh_ids(resource_type, count)
    }

    async fn find(
        &self,
        resource_type: &Arc<ResourceType>,
        ids: &[Id],
        scope: &Filter,
    ) -> Result<Vec<Option<Resource>>, StoreError> {
        find::find(&self.connection, resource_type, ids, scope).await
    }

    async fn list(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Page, StoreError> {
        list::list(&self.connection, resource_type, query).await
    }

    async fn related(
        &self,
        resource_type: &Arc<ResourceType>,
        relationship: &Arc<Relationship>,
        ids: &[Id],
        query: &Query,
    ) -> Result<Vec<Page>, StoreError> {
        related::related(&self.connection, resource_type, relationship, ids, query).await
    }

    /// The server's plan as relaxed Extended JSON.
    async fn explain(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Plan, StoreError> {
        let request = Selection::new(resource_type, query)?.request(query.skip, query.limit.max(1));
        let (store, resource_type) = (self.connection.clone(), resource_type.clone());
        let is_filtered = query.filter != Filter::Everything;
        let work =
            async move { explain::of_request(&store, &resource_type, &request, is_filtered).await };
        self.connection.calls.run(Intent::Read, work).await
    }

    async fn write(&self, unit: Unit) -> Result<Vec<Written>, WriteError> {
        unit::write(&self.connection, unit).await
    }

    async fn recall(&self, key: &Key) -> Result<Option<KeyRefusal>, StoreError> {
        let (store, key) = (self.connection.clone(), key.clone());
        let work = async move { store.keys.recall(&key).await };
        self.connection.calls.run(Intent::Read, work).await
    }

    async fn scan(&self, resource_type: &Arc<ResourceType>) -> Result<Scan, StoreError> {
        self.connection.circuit.admit()?;
        let (batches, found) = Scan::channel();
        let store = self.connection.clone();
        let scan = scan::run(store, resource_type.clone(), batches);
        tokio::spawn(scan.in_current_span());
        Ok(found)
    }

    async fn import(
        &self,
        resource_type: &Arc<ResourceType>,
        mode: ImportMode,
    ) -> Result<Import, StoreError> {
        self.connection.circuit.admit()?;
        self.connection.unprepared.admit(resource_type)?;
        let (steps, import) = Import::channel();
        let store = self.connection.clone();
        let running = import::run(store, resource_type.clone(), mode, steps);
        tokio::spawn(running.in_current_span());
        Ok(import)
    }

    async fn watch(
        &self,
        resource_type: &Arc<ResourceType>,
        after: Option<&Point>,
    ) -> Result<Watching, WatchError> {
        changes::watching(&self.connection, resource_type, after).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let store = self.connection.clone();
        let work = async move {
            let ping = store.database.run_command(doc! { "ping": 1 }).await;
            ping.map(|_: Document| ()).map_err(of_read)
        };
        self.connection.calls.run(Intent::Read, work).await?;
        self.connection.unprepared.admit_all()
    }

    /// Left to itself the driver ends its sessions in a task, which panics where the end of the
    /// runtime overtakes it.
    async fn close(&self) {
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.connection.close()).await;
    }
}

#[cfg(feature = "testing")]
pub mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod round_trip;
