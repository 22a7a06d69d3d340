//! The store over MongoDB: any deployment that the official driver reaches.
//!
//! `docs/mongodb.md` has the settings, the JSON form of BSON's types and the advice for
//! operators; `docs/decisions/` has what was weighed.

mod settings;
mod calls;
mod circuit;
mod rounds;
mod finds;
mod pages;
mod interruptions;
mod scan;
mod cursor;
mod json;
mod elements;
mod unit;
mod writes;
mod document;
mod extended;
mod ids;
mod import;
mod preparation;
mod indexes;
mod explain;
mod failure;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bson::RawDocumentBuf;
use mongodb::bson::{Document, doc};
use mongodb::options::CollectionOptions;
use mongodb::{Client, Collection, Database};

use self::calls::{Calls, Kind};
use self::circuit::Circuit;
use self::finds::Finds;
use self::pages::Pages;
use self::preparation::Unprepared;
use self::rounds::Rounds;
use super::{
    Import, ImportMode, Page, Resource, Scan, Store, StoreError, Write, WriteError, Written,
};
use resources::query::Query;
use resources::schema::{Id, ResourceType};

pub use indexes::{IndexState, Standing};
pub use settings::{MongoSettings, masked};

/// A server that does not answer must not hold up the end of a process.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The repository over MongoDB.
pub struct MongoStore {
    store: Arc<Connection>,
}

/// What all operations share.
struct Connection {
    client: Client,
    database: Database,
    calls: Calls,
    circuit: Arc<Circuit>,
    finds: Arc<Finds>,
    pages: Arc<Pages>,
    unprepared: Unprepared,
    /// Whether the server can read as of one moment; taken to be so until it says otherwise.
    snapshots: AtomicBool,
    /// The hosts, if clients may know them.
    place: Option<String>,
}

impl MongoStore {
    /// Makes the store. Nothing is asked of the server yet, which may be away.
    ///
    /// # Errors
    /// `Unusable` when the connection string or what it names, such as a file, cannot be used;
    /// `Unavailable` when the name of a `mongodb+srv` address cannot be resolved.
    pub async fn connect(settings: MongoSettings) -> Result<Self, StoreError> {
        let (options, database) = settings.options().await?;
        let pool_size = options.max_pool_size.unwrap_or_default();
        let client = Client::with_options(options)
            .map_err(|error| StoreError::Unusable(failure::text(&error)))?;
        let circuit = Circuit::new(client.clone());
        let store = Connection {
            database: client.database(&database),
            client,
            calls: Calls::new(circuit.clone(), pool_size, settings.operation_timeout),
            circuit,
            finds: Rounds::new(),
            pages: Rounds::new(),
            unprepared: Unprepared::default(),
            snapshots: AtomicBool::new(true),
            place: settings.shows_hosts.then(|| settings.hosts()),
        };
        Ok(Self {
            store: Arc::new(store),
        })
    }

    /// The indexes of a type's collection, as they stand against its definition.
    ///
    /// # Errors
    /// `Unavailable` when the server is away.
    pub async fn indexes(&self, of: &Arc<ResourceType>) -> Result<Vec<IndexState>, StoreError> {
        let (store, of) = (self.store.clone(), of.clone());
        let work = async move { indexes::states(&store, &of).await };
        self.store.calls.run(Kind::Read, work).await
    }

    /// How the server answers a request for one resource, or, without an id, for a page: the
    /// reply to `explain` as relaxed Extended JSON.
    ///
    /// # Errors
    /// `Unavailable` when the server is away.
    pub async fn explain(
        &self,
        of: &Arc<ResourceType>,
        id: Option<&Id>,
    ) -> Result<String, StoreError> {
        let (store, of, id) = (self.store.clone(), of.clone(), id.cloned());
        let work = async move { explain::explain(&store, &of, id.as_ref()).await };
        self.store.calls.run(Kind::Read, work).await
    }
}

impl Connection {
    fn collection(&self, of: &ResourceType) -> Collection<RawDocumentBuf> {
        self.database.collection(&of.collection)
    }

    /// The same, read from the primary whatever the connection string prefers: what is written
    /// must not rest on what is stale.
    fn primary_collection(&self, of: &ResourceType) -> Collection<RawDocumentBuf> {
        self.on_primary(&of.collection)
    }

    fn on_primary(&self, collection: &str) -> Collection<RawDocumentBuf> {
        let options = CollectionOptions::builder().selection_criteria(unit::primary());
        let options = options.build();
        self.database.collection_with_options(collection, options)
    }

    fn has_snapshots(&self) -> bool {
        self.snapshots.load(Ordering::Relaxed)
    }

    fn forget_snapshots(&self) {
        tracing::warn!(
            "the server has no snapshot reads: a page and its total may differ by a write"
        );
        self.snapshots.store(false, Ordering::Relaxed);
    }
}

#[async_trait]
impl Store for MongoStore {
    fn name(&self) -> &'static str {
        "mongodb"
    }

    fn place(&self) -> Option<&str> {
        self.store.place.as_deref()
    }

    /// While the server is away, or as long as an index takes, this goes on in the background.
    async fn prepare(&self, resource_type: &Arc<ResourceType>) -> Result<(), StoreError> {
        preparation::prepare(&self.store, resource_type).await
    }

    async fn list(&self, of: &Arc<ResourceType>, query: &Query) -> Result<Page, StoreError> {
        pages::list(&self.store, of, *query).await
    }

    async fn find(&self, of: &Arc<ResourceType>, id: &Id) -> Result<Option<Resource>, StoreError> {
        finds::find(&self.store, of, id).await
    }

    async fn write(&self, unit: Vec<Write>) -> Result<Vec<Written>, WriteError> {
        for write in &unit {
            self.store.unprepared.admit(&write.of)?;
        }
        let (store, deadline) = (self.store.clone(), self.store.calls.deadline());
        let work = async move { unit::write(&store, &unit, deadline).await };
        self.store.calls.run(Kind::Write, work).await
    }

    async fn scan(&self, of: &Arc<ResourceType>) -> Result<Scan, StoreError> {
        self.store.circuit.admit()?;
        let (batches, found) = Scan::channel();
        tokio::spawn(scan::run(self.store.clone(), of.clone(), batches));
        Ok(found)
    }

    async fn import(&self, of: &Arc<ResourceType>, mode: ImportMode) -> Result<Import, StoreError> {
        self.store.circuit.admit()?;
        self.store.unprepared.admit(of)?;
        let (steps, import) = Import::channel();
        tokio::spawn(import::run(self.store.clone(), of.clone(), mode, steps));
        Ok(import)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let store = self.store.clone();
        let work = async move {
            let ping = store.database.run_command(doc! { "ping": 1 }).await;
            ping.map(|_: Document| ())
                .map_err(|error| failure::of_read(&error))
        };
        self.store.calls.run(Kind::Read, work).await?;
        self.store.unprepared.admit_all()
    }

    /// Left to itself the driver ends its sessions in a task, which panics where the end of the
    /// runtime overtakes it.
    async fn close(&self) {
        let closing = self.store.client.clone().shutdown().immediate(true);
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, closing).await;
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod round_trip;
