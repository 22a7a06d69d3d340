//! The embedded store: one SQLite file in the data directory.
//!
//! One thread writes and commits what is waiting together; readers run beside it (WAL). A write
//! is acknowledged after `fsync` (`synchronous=FULL`), so it survives `kill -9` and power loss.

mod file;
mod readers;
mod table;
mod writer;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, OptionalExtension};

use self::readers::Readers;
use self::table::Table;
use self::writer::Writer;
use super::{
    Import, ImportMode, Page, Store, StoreError, Resource, Resources, Scan, Write,
    WriteError, Written,
};
use resources::query::Query;
use resources::schema::{Id, ResourceType};

/// Resources in one batch of a scan, at most.
const SCAN_BATCH: usize = 500;

/// Text in one batch of a scan, in bytes; one resource more may be in it.
const SCAN_BATCH_BYTES: usize = 4 << 20;

/// The repository over an embedded SQLite file.
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

    async fn prepare(&self, resource_type: &Arc<ResourceType>) -> Result<(), StoreError> {
        self.writer.prepare(resource_type.clone()).await
    }

    async fn list(&self, of: &Arc<ResourceType>, query: &Query) -> Result<Page, StoreError> {
        let (table, page) = (Table::of(of), query.page);
        self.readers
            .run(move |connection| {
                // One transaction, so that page and total are of the same moment.
                let moment = connection.transaction()?;
                let total = moment
                    .prepare_cached(&table.count())?
                    .query_one([], |row| row.get(0))?;
                let mut statement = moment.prepare_cached(&table.page())?;
                let rows = statement.query([page.size, page.offset()])?;
                Ok(Page {
                    resources: Arc::new(table::collect(rows)?),
                    rest: None,
                    total,
                })
            })
            .await
    }

    async fn find(
        &self,
        of: &Arc<ResourceType>,
        id: &Id,
    ) -> Result<Option<Resource>, StoreError> {
        let (table, id) = (Table::of(of), id.clone());
        self.readers
            .run(move |connection| {
                let mut statement = connection.prepare_cached(&table.find())?;
                let attributes = statement.query_row([&id], |row| row.get(0)).optional()?;
                Ok(attributes.map(|attributes| Resource { id, attributes }))
            })
            .await
    }

    async fn write(&self, unit: Vec<Write>) -> Result<Vec<Written>, WriteError> {
        self.writer.write(unit).await
    }

    async fn scan(&self, of: &Arc<ResourceType>) -> Result<Scan, StoreError> {
        let (table, connection) = (Table::of(of), self.readers.connect()?);
        let (batches, scan) = Scan::channel();
        tokio::task::spawn_blocking(move || {
            let mut batch = Resources::default();
            let outcome = table.for_each(&connection, |id, attributes| {
                batch.push(id, attributes);
                if batch.len() < SCAN_BATCH && batch.bytes() < SCAN_BATCH_BYTES {
                    return true;
                }
                // When nobody listens any more there is nothing left to do.
                batches
                    .blocking_send(Ok(std::mem::take(&mut batch)))
                    .is_ok()
            });
            let last = outcome.map(|()| batch).map_err(failure);
            let _ = batches.blocking_send(last);
        });
        Ok(scan)
    }

    async fn import(
        &self,
        of: &Arc<ResourceType>,
        mode: ImportMode,
    ) -> Result<Import, StoreError> {
        let (steps, import) = Import::channel();
        self.writer.import(of.clone(), mode, steps).await?;
        Ok(import)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.readers
            .run(|connection: &mut Connection| {
                connection.query_one("SELECT count(*) FROM collections", [], |_| Ok(()))
            })
            .await
    }
}

/// What a failure of SQLite means to whoever asked.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
fn failure(error: rusqlite::Error) -> StoreError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupt(text)
        }
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::OutOfMemory,
        ) => StoreError::Busy(text),
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly) => {
            StoreError::Unavailable(text)
        }
        _ => StoreError::Internal(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use resources::store::contract;

    fn fresh() -> std::future::Ready<(tempfile::TempDir, SqliteStore)> {
        let folder = tempfile::tempdir().unwrap();
        let repository = SqliteStore::open(folder.path()).unwrap();
        std::future::ready((folder, repository))
    }

    contract::clauses!(fresh);

    #[tokio::test]
    async fn a_collection_with_ids_of_another_kind_is_not_used() {
        let (_folder, repository) = fresh().await;
        let declared = |kind: &str| {
            let text = format!("type: t\nid: {kind}\nattributes: {{type: object}}\n");
            Arc::new(resources::schema::parse(&text).unwrap())
        };
        repository.prepare(&declared("uuid")).await.unwrap();
        let error = repository.prepare(&declared("integer")).await.unwrap_err();
        assert!(
            error.to_string().contains("ids of the kind uuid"),
            "{error}"
        );
    }

    async fn unique_on(repository: &SqliteStore, attributes: &str) -> Arc<ResourceType> {
        let indexes = match attributes {
            "" => String::new(),
            names => format!("indexes: [{{attributes: [{names}], unique: true}}]\n"),
        };
        let text = format!("type: t\nattributes: {{type: object}}\n{indexes}");
        let of = Arc::new(resources::schema::parse(&text).unwrap());
        repository.prepare(&of).await.unwrap();
        of
    }

    async fn insert(
        repository: &SqliteStore,
        of: &Arc<ResourceType>,
        value: serde_json::Value,
    ) -> Result<Vec<Written>, WriteError> {
        let serde_json::Value::Object(attributes) = value else {
            panic!("not an object")
        };
        let new = resources::store::NewResource {
            id: of.id.generate(),
            attributes,
        };
        let operation = resources::store::Operation::Insert(new);
        repository
            .write(vec![Write {
                of: of.clone(),
                operation,
            }])
            .await
    }

    #[tokio::test]
    async fn an_index_that_is_no_longer_declared_refuses_nothing() {
        let (_folder, repository) = fresh().await;
        let of = unique_on(&repository, "x").await;
        insert(&repository, &of, serde_json::json!({"x": 1}))
            .await
            .unwrap();
        assert!(
            insert(&repository, &of, serde_json::json!({"x": 1}))
                .await
                .is_err()
        );
        let of = unique_on(&repository, "").await;
        insert(&repository, &of, serde_json::json!({"x": 1}))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn names_that_differ_in_case_or_commas_stay_apart() {
        let (_folder, repository) = fresh().await;
        let text = "type: t\nattributes: {type: object}\nindexes:\n\
                    - {attributes: [title], unique: true}\n- {attributes: [Title], unique: true}\n";
        let of = Arc::new(resources::schema::parse(text).unwrap());
        repository.prepare(&of).await.unwrap();
        for title in ["title", "Title"] {
            let value = || serde_json::json!({ title: "T" });
            insert(&repository, &of, value()).await.unwrap();
            assert!(insert(&repository, &of, value()).await.is_err(), "{title}");
        }
        let collection = |name: &str, kind: &str| {
            let text =
                format!("type: c\ncollection: {name}\nid: {kind}\nattributes: {{type: object}}\n");
            Arc::new(resources::schema::parse(&text).unwrap())
        };
        repository
            .prepare(&collection("Shared", "objectId"))
            .await
            .unwrap();
        let other = collection("shared", "integer");
        repository.prepare(&other).await.unwrap();
        insert(&repository, &other, serde_json::json!({}))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn values_of_different_kinds_never_clash_and_equal_numbers_do() {
        let (_folder, repository) = fresh().await;
        let of = unique_on(&repository, "x").await;
        for value in [
            serde_json::json!(1),
            true.into(),
            "1".into(),
            "true".into(),
            "[1]".into(),
        ] {
            insert(&repository, &of, serde_json::json!({ "x": value }))
                .await
                .unwrap();
        }
        insert(&repository, &of, serde_json::json!({"x": [1]}))
            .await
            .unwrap();
        assert!(
            insert(&repository, &of, serde_json::json!({"x": 1.0}))
                .await
                .is_err()
        );
    }
}
