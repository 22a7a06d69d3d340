//! Where a server under test keeps its resources.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;

/// Where a server keeps its resources. Clones are the same store, which is gone with the last.
///
/// A further kind of store is a further variant, and an arm in [`Store::configure`].
#[derive(Clone)]
pub(crate) enum Store {
    /// The embedded store in a data directory.
    Embedded(Arc<TempDir>),
}

impl Store {
    /// An empty store of its own.
    pub(crate) fn fresh() -> Self {
        Self::Embedded(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// Makes a child process use this store.
    pub(super) fn configure(&self, command: &mut Command) {
        match self {
            Self::Embedded(_) => command.arg("--data-dir").arg(self.data_dir()),
        };
    }

    /// A directory that the server makes itself.
    pub(crate) fn data_dir(&self) -> PathBuf {
        match self {
            Self::Embedded(folder) => folder.path().join("data"),
        }
    }

    /// The file of the embedded store.
    pub(crate) fn file(&self) -> PathBuf {
        self.data_dir().join("monocoque.sqlite")
    }
}
