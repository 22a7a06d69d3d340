//! Where a server under test keeps its resources.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use store_mongo::masked;
use tempfile::TempDir;

use super::database::Database;

/// Where a server keeps its resources. Clones are the same store, which is gone with the last.
#[derive(Clone)]
pub(crate) enum Store {
    /// The embedded store in a data directory.
    Embedded(Arc<TempDir>),
    /// A database of the MongoDB server that the tests share.
    MongoDb(Arc<Database>),
}

impl Store {
    /// An empty store of its own, of the kind that this target is about.
    pub(crate) fn fresh() -> Self {
        if crate::ON_MONGODB {
            Self::MongoDb(Arc::new(Database::fresh()))
        } else {
            Self::Embedded(Arc::new(tempfile::tempdir().unwrap()))
        }
    }

    /// Waits until what another process creates comes later in the order of creation: in MongoDB
    /// that of several processes is exact to the second only, see decision 0006.
    pub(crate) fn wait_for_the_next_position(&self) {
        if let Self::MongoDb(_) = self {
            std::thread::sleep(Duration::from_millis(1001));
        }
    }

    /// Makes a child process use this store.
    pub(super) fn configure(&self, command: &mut Command) {
        match self {
            Self::Embedded(_) => command.arg("--data-dir").arg(self.data_dir()),
            // Servers under test share a machine with many others.
            Self::MongoDb(database) => command
                .env("MONGO_URI", database.uri())
                .env("MONOCOQUE_MONGO_OPERATION_TIMEOUT_MS", "10s"),
        };
    }

    /// What readiness calls it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "sqlite",
            Self::MongoDb(_) => "mongodb",
        }
    }

    /// What the first line of the log calls it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Embedded(_) => format!("embedded (SQLite) in {}", self.data_dir().display()),
            Self::MongoDb(database) => format!("MongoDB at {}", masked(database.uri())),
        }
    }

    /// A directory that the server makes itself.
    #[track_caller]
    pub(crate) fn data_dir(&self) -> PathBuf {
        match self {
            Self::Embedded(folder) => folder.path().join("data"),
            Self::MongoDb(_) => panic!("a database has no directory"),
        }
    }
}
