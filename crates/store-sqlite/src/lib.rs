//! The embedded store: one SQLite file in the data directory.
//!
//! One thread writes and commits what is waiting together; readers run beside it (WAL). A write
//! is acknowledged after `fsync` (`synchronous=FULL`), so it survives `kill -9` and power loss.

#![forbid(unsafe_code)]

mod settings;
mod lock;
mod file;
mod migrations;
mod watch;
mod reserve;
mod readers;
mod list;
mod selection;
mod filter;
mod order;
mod sql;
mod functions;
mod explain;
mod collection;
mod table;
mod indexes;
mod duplicates;
mod registry;
mod changes;
mod page;
mod checksum;
mod id;
mod session;
mod writer;
mod large;
mod unit;
mod keys;
mod sweep;
mod import;
mod preparation;
mod snapshot;
mod check;
mod backup;
mod restore;
mod failure;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use resources::query::{Filter, Query};
use resources::schema::{Id, IdKind, Relationship, ResourceType};
use resources::store::{
    Duplicates, Import, ImportMode, Key, KeyRefusal, Page, Plan, Point, Resource, Scan, Store,
    StoreError, Unit, WatchError, Watching, WriteError, Written, fresh_ids,
};

use self::large::Turns;
use self::list::Listing;
use self::lock::Lock;
use self::page::Pages;
use self::readers::Readers;
use self::table::Collection;
use self::watch::Watch;
use self::writer::Writer;

pub use self::backup::{BackupProgress, BackupSettings, back_up};
pub use self::check::Report;
pub use self::restore::restore;
pub use self::settings::SqliteSettings;
pub use self::snapshot::Snapshot;

/// The store over an embedded SQLite file.
pub struct SqliteStore {
    // Declared in the order in which they must go: the last connection folds the log into the
    // file, and the lock is released after that.
    readers: Arc<Readers>,
    writer: Writer,
    turns: Turns,
    pages: Pages,
    watch: Arc<Watch>,
}

impl SqliteStore {
    /// Whether a data directory has a store.
    #[must_use]
    pub fn exists(data_dir: &Path) -> bool {
        data_dir.join(file::NAME).exists()
    }

    /// Whether a process uses the store of a data directory now.
    #[must_use]
    pub fn is_in_use(data_dir: &Path) -> bool {
        lock::is_held(data_dir)
    }

    /// Opens the store of a data directory; makes the directory and the file where absent.
    ///
    /// Blocks for as long as the check of the file takes.
    ///
    /// # Errors
    /// `Unusable` when the directory cannot be written or another process uses it, or the file
    /// belongs to another program or a newer version of this one; `Corrupt` when the file is
    /// damaged. Nothing is changed then.
    pub fn open(data_dir: &Path, settings: &SqliteSettings) -> Result<Self, StoreError> {
        reserve::release_on_full_disk(data_dir);
        let lock = Lock::acquire(data_dir, settings.files_mode)?;
        let path = data_dir.join(file::NAME);
        let (connection, token) = file::open(&path, &lock)?;
        let watch = Arc::new(Watch::start(&path, token, lock)?);
        reserve::keep(data_dir, settings.files_mode);
        Ok(Self {
            readers: Arc::new(Readers::new(&path, watch.clone())?),
            pages: Pages::new(settings.page_bytes_max, settings.page_streams_bytes_max),
            writer: Writer::start(connection, watch.clone(), settings.changes_kept)?,
            turns: Turns::default(),
            watch,
        })
    }

    /// Reads everything in a data directory that no process uses, and says what is damaged or was
    /// lost. Changes nothing but the lock file, which has the number of this process then. Blocks
    /// for as long as that takes.
    ///
    /// # Errors
    /// As [`Self::open`], when there is no way to read the file at all, or no file.
    pub fn check(data_dir: &Path, settings: &SqliteSettings) -> Result<Report, StoreError> {
        check::check(data_dir, settings.files_mode)
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn changes(&self) -> Option<u64> {
        self.watch.changes()
    }

    async fn prepare(&self, types: &[Arc<ResourceType>]) -> Result<(), StoreError> {
        self.writer.prepare(types.to_vec()).await
    }

    async fn collections(&self) -> Result<Vec<String>, StoreError> {
        self.readers
            .run(|connection| registry::collections(connection))
            .await
    }

    async fn duplicates(
        &self,
        resource_type: &Arc<ResourceType>,
        limit: usize,
    ) -> Result<Vec<Duplicates>, StoreError> {
        let of = resource_type.clone();
        self.readers
            .run(move |connection| duplicates::find(connection, &of, limit))
            .await
    }

    async fn noted_definition(
        &self,
        resource_type: &Arc<ResourceType>,
    ) -> Result<Option<String>, StoreError> {
        let of = resource_type.clone();
        self.readers
            .run(move |connection| registry::definition(connection, &of))
            .await
    }

    async fn note_definition(
        &self,
        resource_type: &Arc<ResourceType>,
        fingerprint: &str,
    ) -> Result<(), StoreError> {
        let of = resource_type.clone();
        self.writer.note(of, fingerprint.to_owned()).await
    }

    async fn next_ids(
        &self,
        resource_type: &Arc<ResourceType>,
        count: usize,
    ) -> Result<Vec<Id>, StoreError> {
        match resource_type.id {
            IdKind::Integer => self.writer.next_integers(resource_type, count),
            IdKind::ObjectId | IdKind::Uuid | IdKind::String => fresh_ids(resource_type, count),
        }
    }

    async fn find(
        &self,
        resource_type: &Arc<ResourceType>,
        ids: &[Id],
        scope: &Filter,
    ) -> Result<Vec<Option<Resource>>, StoreError> {
        let (resource_type, ids, scope) = (resource_type.clone(), ids.to_vec(), scope.clone());
        self.readers
            .run(move |connection| {
                if ids.len() == 1 {
                    return Collection::find(connection, &resource_type, ids, &scope);
                }
                let moment = connection.transaction()?;
                Collection::find(&moment, &resource_type, ids, &scope)
            })
            .await
    }

    async fn list(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Page, StoreError> {
        let collection = Collection::new(resource_type);
        let (resource_type, query) = (resource_type.clone(), query.clone());
        let bytes = self.pages.batch_bytes;
        let read = self.readers.run(move |connection| {
            let moment = connection.transaction()?;
            Listing::new(&resource_type, &query).read(&moment, bytes)
        });
        self.pages.page(read.await?, collection, &self.readers)
    }

    async fn related(
        &self,
        resource_type: &Arc<ResourceType>,
        relationship: &Arc<Relationship>,
        ids: &[Id],
        query: &Query,
    ) -> Result<Vec<Page>, StoreError> {
        let related = list::Related::new(resource_type, relationship, ids, query)?;
        self.readers
            .run(move |connection| {
                let moment = connection.transaction()?;
                related.read(&moment)
            })
            .await
    }

    async fn explain(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Plan, StoreError> {
        let (resource_type, query) = (resource_type.clone(), query.clone());
        self.readers
            .run(move |connection| Listing::new(&resource_type, &query).explain(connection))
            .await
    }

    async fn write(&self, unit: Unit) -> Result<Vec<Written>, WriteError> {
        large::write(&self.writer, &self.turns, unit).await
    }

    async fn recall(&self, key: &Key) -> Result<Option<KeyRefusal>, StoreError> {
        let key = key.clone();
        let met = move |connection: &mut _| keys::met(connection, &key);
        self.readers.run(met).await
    }

    async fn scan(&self, resource_type: &Arc<ResourceType>) -> Result<Scan, StoreError> {
        let (collection, connection) = (Collection::new(resource_type), self.readers.connect()?);
        let (batches, scan) = Scan::channel();
        tokio::task::spawn_blocking(move || collection.scan(&connection, &batches));
        Ok(scan)
    }

    async fn import(
        &self,
        resource_type: &Arc<ResourceType>,
        mode: ImportMode,
    ) -> Result<Import, StoreError> {
        let (steps, import) = Import::channel();
        self.writer
            .import(resource_type.clone(), mode, steps)
            .await?;
        Ok(import)
    }

    async fn watch(
        &self,
        resource_type: &Arc<ResourceType>,
        after: Option<&Point>,
    ) -> Result<Watching, WatchError> {
        let commits = self.watch.commits();
        changes::watching(&self.readers, commits, resource_type, after).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.watch.check()?;
        self.writer.check()?;
        self.readers
            .run(|connection| {
                connection.query_one("SELECT count(*) FROM collections", [], |_| Ok(()))
            })
            .await
    }
}

#[cfg(test)]
mod tests;
