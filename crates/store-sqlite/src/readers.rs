//! Connections that read beside the writer, on threads where waiting for a disk harms nobody.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use resources::store::StoreError;

use super::failure::failure;
use super::file;
use super::watch::Watch;

/// More readers than cores gain nothing while the pages are in memory; on a slow disk a few do.
const READERS_MIN: usize = 4;

pub(super) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    watch: Arc<Watch>,
}

impl Readers {
    pub(super) fn new(path: &Path, watch: Arc<Watch>) -> Result<Self, StoreError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = cores.max(READERS_MIN);
        let idle: Vec<_> = (0..count)
            .map(|_| file::open_reader(path))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            path: path.to_owned(),
            idle: Arc::new(Mutex::new(idle)),
            permits: Arc::new(Semaphore::new(count)),
            watch,
        })
    }

    /// A connection outside of the pool, for reads that take long.
    pub(super) fn connect(&self) -> Result<Connection, StoreError> {
        let connection = file::open_reader(&self.path)?;
        // The file that was opened is the one that is watched.
        self.watch.check_files()?;
        Ok(connection)
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.watch.intact()?;
        let gone = || StoreError::Internal("a reader of the store has gone".to_owned());
        let permit = self
            .permits
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| gone())?;
        let (idle, path, watch) = (self.idle.clone(), self.path.clone(), self.watch.clone());
        tokio::task::spawn_blocking(move || {
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let (mut connection, checked) = match taken {
                Some(connection) => (connection, watch.check_for_read()),
                // One is missing only after a reader panicked, or could not be opened. The file
                // that is opened now must be the one that is watched.
                None => (file::open_reader(&path)?, watch.check_files()),
            };
            let outcome = checked.and_then(|()| read(&mut connection).map_err(failure));
            idle.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
            drop(permit);
            outcome
        })
        .await
        .map_err(|_| gone())?
    }

    #[cfg(test)]
    pub(super) fn idle_count(&self) -> usize {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}
