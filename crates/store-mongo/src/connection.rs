//! What all operations of the store share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bson::RawDocumentBuf;
use mongodb::options::{
    ClientOptions, CollectionOptions, ReadConcern, ReadPreference, SelectionCriteria,
};
use mongodb::{Client, ClientSession, Collection, Database};
use resources::schema::ResourceType;
use resources::store::StoreError;

use crate::calls::Calls;
use crate::circuit::Circuit;
use crate::counter::Counters;
use crate::failure::{self, of_read};
use crate::keys::Keys;
use crate::pages::Pages;
use crate::settings::{self, MongoSettings};
use crate::unprepared::Unprepared;

/// More change streams than anybody opens; the driver wants a bound.
const STREAMS_MAX: u32 = 100_000;

pub(crate) struct Connection {
    pub(crate) client: Client,
    /// What change streams are opened with, and by whom, once there is one.
    options: ClientOptions,
    watching: OnceLock<Client>,
    pub(crate) database: Database,
    pub(crate) calls: Calls,
    pub(crate) circuit: Arc<Circuit>,
    pub(crate) unprepared: Unprepared,
    pub(crate) counters: Counters,
    pub(crate) keys: Keys,
    pub(crate) pages: Pages,
    /// Whether the server can read as of one moment: yes, until it says otherwise.
    snapshots: AtomicBool,
    /// The hosts, if clients may know them.
    pub(crate) hosts: Option<String>,
}

impl Connection {
    /// Asks nothing of the server yet.
    pub(crate) async fn new(settings: &MongoSettings) -> Result<Self, StoreError> {
        let (options, database) = settings.options().await?;
        let mut watching = options.clone();
        watching.max_pool_size = Some(STREAMS_MAX);
        watching.min_pool_size = None;
        let pool_size = options.max_pool_size.unwrap_or_default();
        let hosts = settings.shows_hosts.then(|| settings::hosts(&options));
        let client = Client::with_options(options)
            .map_err(|error| StoreError::Unusable(failure::text(&error)))?;
        let circuit = Circuit::new(client.clone());
        let database = client.database(&database);
        Ok(Self {
            counters: Counters::new(&database),
            keys: Keys::new(&database),
            pages: Pages::new(settings.page_bytes_max, settings.page_streams_bytes_max),
            database,
            client,
            options: watching,
            watching: OnceLock::new(),
            calls: Calls::new(circuit.clone(), pool_size, settings.operation_timeout),
            circuit,
            unprepared: Unprepared::default(),
            snapshots: AtomicBool::new(true),
            hosts,
        })
    }

    /// The client of change streams. Who asks for them sees to it that they are few.
    pub(crate) fn watching(&self) -> Result<&Client, StoreError> {
        if let Some(client) = self.watching.get() {
            return Ok(client);
        }
        let client = Client::with_options(self.options.clone());
        let client = client.map_err(|error| StoreError::Unusable(failure::text(&error)))?;
        Ok(self.watching.get_or_init(|| client))
    }

    /// Ends what is still open at the server.
    pub(crate) async fn close(&self) {
        let clients = [Some(&self.client), self.watching.get()];
        for client in clients.into_iter().flatten() {
            client.clone().shutdown().immediate(true).await;
        }
    }

    pub(crate) fn collection(&self, resource_type: &ResourceType) -> Collection<RawDocumentBuf> {
        self.database.collection(&resource_type.collection)
    }

    /// The same, read from the primary whatever the connection string prefers: a write must not
    /// rest on stale data.
    pub(crate) fn primary_collection(
        &self,
        resource_type: &ResourceType,
    ) -> Collection<RawDocumentBuf> {
        let options = CollectionOptions::builder().selection_criteria(primary());
        let collection = &resource_type.collection;
        self.database
            .collection_with_options(collection, options.build())
    }

    /// A session whose reads are of one moment, as far as the server can, and the read concern
    /// that they need: set explicitly, or that of the connection string wins.
    pub(crate) async fn moment(&self) -> Result<(ClientSession, Option<ReadConcern>), StoreError> {
        let has_snapshots = self.snapshots.load(Ordering::Relaxed);
        let session = self.client.start_session();
        let session = if has_snapshots {
            session.snapshot(true).await
        } else {
            session.await
        };
        let concern = has_snapshots.then(ReadConcern::snapshot);
        Ok((session.map_err(of_read)?, concern))
    }

    pub(crate) fn forget_snapshots(&self) {
        tracing::warn!(
            "the server has no snapshot reads: a page and its total may differ by a write"
        );
        self.snapshots.store(false, Ordering::Relaxed);
    }
}

pub(crate) fn primary() -> SelectionCriteria {
    SelectionCriteria::ReadPreference(ReadPreference::Primary)
}
