//! The embedded store: one SQLite file in the data directory.
//!
//! One thread writes and commits what is waiting together; readers run beside it (WAL). A write
//! is acknowledged after `fsync` (`synchronous=FULL`), so it survives `kill -9` and power loss.

#![forbid(unsafe_code)]

mod file;
mod readers;
mod collection;
mod id;
mod writer;
mod large;
mod unit;
mod import;
mod preparation;
mod backup;
mod failure;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use resources::query::{Filter, Query};
use resources::schema::{Id, ResourceType};
use resources::store::{
    Import, ImportMode, Page, Resource, Scan, Store, StoreError, Unit, WriteError, Written,
};

pub use self::backup::back_up;
use self::collection::Collection;
use self::readers::Readers;
use self::writer::Writer;

/// The store over an embedded SQLite file.
pub struct SqliteStore {
    // Declared in the order in which they must go: the last connection folds the log into the
    // file, and the lock is released after that.
    readers: Readers,
    writer: Writer,
    _lock: file::Lock,
}

impl SqliteStore {
    /// Whether a data directory has a store.
    #[must_use]
    pub fn exists(data_dir: &Path) -> bool {
        data_dir.join(file::NAME).exists()
    }

    /// Opens the store of a data directory; makes the directory and the file where absent.
    ///
    /// Blocks for as long as the check of the file takes.
    ///
    /// # Errors
    /// `Unusable` when the directory cannot be written or another process uses it, or the file
    /// belongs to another program or a newer version of this one; `Corrupt` when the file is
    /// damaged. Nothing is changed then.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let lock = file::Lock::acquire(data_dir)?;
        let path = data_dir.join(file::NAME);
        let connection = file::open(&path)?;
        let readers = Readers::new(&path)?;
        Ok(Self {
            readers,
            writer: Writer::start(connection)?,
            _lock: lock,
        })
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    async fn prepare(&self, types: &[Arc<ResourceType>]) -> Result<(), StoreError> {
        self.writer.prepare(types.to_vec()).await
    }

    async fn next_ids(
        &self,
        resource_type: &Arc<ResourceType>,
        count: usize,
    ) -> Result<Vec<Id>, StoreError> {
        match (0..count).map(|_| resource_type.id.generate()).collect() {
            Some(ids) => Ok(ids),
            None => self.writer.next_integers(resource_type, count),
        }
    }

    async fn find(
        &self,
        resource_type: &Arc<ResourceType>,
        ids: &[Id],
        scope: &Filter,
    ) -> Result<Vec<Option<Resource>>, StoreError> {
        let Filter::Everything = scope;
        let (collection, ids) = (Collection::new(resource_type), ids.to_vec());
        self.readers
            .run(move |connection| collection.find(connection, ids))
            .await
    }

    async fn list(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Page, StoreError> {
        let (collection, query) = (Collection::new(resource_type), query.clone());
        self.readers
            .run(move |connection| collection.list(connection, &query))
            .await
    }

    async fn write(&self, unit: Unit) -> Result<Vec<Written>, WriteError> {
        large::write(&self.writer, unit).await
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

    async fn ping(&self) -> Result<(), StoreError> {
        self.readers
            .run(|connection| {
                connection.query_one("SELECT count(*) FROM collections", [], |_| Ok(()))
            })
            .await
    }
}

#[cfg(test)]
mod tests;
