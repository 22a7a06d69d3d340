//! What a store had at one moment, for commands that only read, also beside a process that uses
//! it: nothing is copied and nothing is written.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use resources::query::{Filter, Query, Total};
use resources::schema::{Id, Relationship, ResourceType};
use resources::store::{
    Duplicates, Import, ImportMode, Key, KeyRefusal, Page, Plan, Resource, Resources, Scan, Store,
    StoreError, Unit, WriteError, Written,
};
use rusqlite::Connection;

use super::failure::failure;
use super::list::Listing;
use super::migrations::MIGRATIONS;
use super::table::Collection;
use super::{duplicates, file, list, lock, registry};

/// A store that is only read: everything in it is of the moment at which it was opened. What was
/// written meanwhile makes the log grow until it is dropped.
pub struct Snapshot {
    connection: Arc<Mutex<Connection>>,
}

impl Snapshot {
    /// Opens the store of a data directory, which no process need to use. Blocks for as long as the
    /// check of the file takes.
    ///
    /// # Errors
    /// `Unusable` when there is no store, or one of another version or program; `Corrupt` when the
    /// file is damaged, or a part of it is missing.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join(file::NAME);
        if !path.exists() {
            return Err(file::no_store(data_dir));
        }
        file::missing(&path, &lock::known(data_dir))?;
        let connection = opened(&path)?;
        // The transaction sees the same until it ends: <https://www.sqlite.org/isolation.html>.
        let begun = connection.execute_batch("BEGIN; SELECT count(*) FROM collections;");
        begun.map_err(failure)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        run(self.connection.clone(), read).await
    }
}

/// Opens the file for reads by a command, after it has been found whole, ours and of this version.
/// The file of a process that uses it may be opened, but not within that process: what closes a
/// file there takes its locks away.
fn opened(path: &Path) -> Result<Connection, StoreError> {
    let named = |error| file::name_file(error, path);
    let connection = file::open_to_look(path)?;
    file::check(&connection, path).map_err(named)?;
    let version: usize = file::pragma(&connection, "user_version").map_err(failure)?;
    if version < MIGRATIONS.len() {
        return Err(named(StoreError::Unusable(format!(
            "the file has schema version {version}, this program reads {}: start the process once, \
             which brings it there",
            MIGRATIONS.len()
        ))));
    }
    let opened = connection.busy_timeout(file::BUSY_TIMEOUT);
    opened.map_err(failure).map_err(named)?;
    connection.set_prepared_statement_cache_capacity(file::STATEMENTS_KEPT);
    Ok(connection)
}

async fn run<T: Send + 'static>(
    connection: Arc<Mutex<Connection>>,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let work = move || {
        let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        read(&connection).map_err(failure)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Internal(error.to_string()))?
}

fn read_only() -> StoreError {
    StoreError::Unusable("it was opened to be read".to_owned())
}

#[async_trait]
impl Store for Snapshot {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    /// Nothing: the types are read as they were prepared by others.
    async fn prepare(&self, _types: &[Arc<ResourceType>]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn collections(&self) -> Result<Vec<String>, StoreError> {
        self.run(registry::collections).await
    }

    async fn duplicates(
        &self,
        resource_type: &Arc<ResourceType>,
        limit: usize,
    ) -> Result<Vec<Duplicates>, StoreError> {
        let of = resource_type.clone();
        self.run(move |connection| duplicates::find(connection, &of, limit))
            .await
    }

    async fn next_ids(&self, _: &Arc<ResourceType>, _: usize) -> Result<Vec<Id>, StoreError> {
        Err(read_only())
    }

    async fn find(
        &self,
        resource_type: &Arc<ResourceType>,
        ids: &[Id],
        scope: &Filter,
    ) -> Result<Vec<Option<Resource>>, StoreError> {
        let (of, ids, scope) = (resource_type.clone(), ids.to_vec(), scope.clone());
        let find = move |connection: &Connection| {
            if Collection::new(&of).is_there(connection)? {
                return Collection::find(connection, &of, ids, &scope);
            }
            Ok(vec![None; ids.len()])
        };
        self.run(find).await
    }

    /// The page as a whole, however large it is.
    async fn list(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Page, StoreError> {
        let (of, query) = (resource_type.clone(), query.clone());
        let list = move |connection: &Connection| {
            if Collection::new(&of).is_there(connection)? {
                let found = Listing::new(&of, &query).read(connection, usize::MAX)?;
                return Ok(found.whole());
            }
            Ok(Page {
                resources: Arc::default(),
                rest: None,
                more: false,
                total: Some(Total::Exact(0)),
            })
        };
        self.run(list).await
    }

    async fn related(
        &self,
        resource_type: &Arc<ResourceType>,
        relationship: &Arc<Relationship>,
        ids: &[Id],
        query: &Query,
    ) -> Result<Vec<Page>, StoreError> {
        let related = list::Related::new(resource_type, relationship, ids, query)?;
        self.run(move |connection| related.read(connection)).await
    }

    async fn explain(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Plan, StoreError> {
        let (of, query) = (resource_type.clone(), query.clone());
        let explain = move |connection: &Connection| {
            let is_there = Collection::new(&of).is_there(connection)?;
            let explain = || Listing::new(&of, &query).explain(connection);
            is_there.then(explain).transpose()
        };
        let plan = self.run(explain).await?;
        let collection = &resource_type.collection;
        plan.ok_or_else(|| {
            StoreError::Unusable(format!(
                "there is no collection '{collection}' yet: a start of the process makes it"
            ))
        })
    }

    async fn write(&self, _: Unit) -> Result<Vec<Written>, WriteError> {
        Err(read_only().into())
    }

    async fn recall(&self, _: &Key) -> Result<Option<KeyRefusal>, StoreError> {
        Err(read_only())
    }

    /// Part by part, so that others can be asked for between two of them.
    async fn scan(&self, resource_type: &Arc<ResourceType>) -> Result<Scan, StoreError> {
        let (batches, scan) = Scan::channel();
        let (connection, of) = (self.connection.clone(), resource_type.clone());
        tokio::spawn(async move {
            let mut after = 0;
            loop {
                let of = of.clone();
                let part = run(connection.clone(), move |connection| {
                    let collection = Collection::new(&of);
                    if collection.is_there(connection)? {
                        return collection.part(connection, after);
                    }
                    Ok((Resources::default(), after))
                });
                match part.await {
                    Ok((part, _)) if part.is_empty() => return,
                    Ok((part, last)) => {
                        after = last;
                        if batches.send(Ok(part)).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => {
                        let _ = batches.send(Err(error)).await;
                        return;
                    }
                }
            }
        });
        Ok(scan)
    }

    async fn import(&self, _: &Arc<ResourceType>, _: ImportMode) -> Result<Import, StoreError> {
        Err(read_only())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.run(|connection| connection.query_one("SELECT 1", [], |_| Ok(())))
            .await
    }
}
