//! The rows of a file into a collection.

mod batch;
mod row;
mod run;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resources::schema::ResourceType;
use resources::store::{ImportMode, Store, StoreError};

use self::run::Run;
use crate::{RowIds, Rows};

pub use batch::BATCH_ROWS;

/// What becomes of the other rows when one is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Nothing is stored.
    Stop,
    /// They are stored.
    Skip,
    /// Those before it are stored, those after it are not.
    Halt,
}

/// What came of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows that are in the collection now.
    pub stored: u64,
    /// Rows that were rejected.
    pub rejected: u64,
    /// The last row up to which every row of the file was stored, rejected or skipped.
    pub settled: RowPosition,
}

/// Where a row stands in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowPosition {
    /// Its number among the rows, from 1; 0 before the first.
    pub row: u64,
    /// The line on which it starts, from 1; 0 before the first.
    pub line: u64,
}

/// Why an import ended early. The summary says what was done before; with [`OnError::Stop`]
/// nothing is stored.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The store failed. With [`OnError::Skip`] and [`OnError::Halt`], some of the next
    /// [`BATCH_ROWS`] rows may be stored too.
    #[error("{error}")]
    Store {
        /// The failure of the store.
        error: StoreError,
        /// The rows whose outcome is known.
        summary: Summary,
    },
    /// The rest of the file cannot be read.
    #[error("{reason}")]
    File {
        /// What is wrong with the file, and where.
        reason: String,
        /// What came of the rows before.
        summary: Summary,
    },
    /// [`ImportOptions::stop`] was set.
    #[error("the import was stopped before its end")]
    Stopped {
        /// What came of the rows before.
        summary: Summary,
    },
}

/// What an import does that is not needed by every import.
#[derive(Default)]
pub struct ImportOptions<'a> {
    /// Rows at the start of the file that are skipped without a check.
    pub skip_rows: u64,
    /// Makes the ids of rows that bring none, instead of the store.
    pub row_ids: Option<RowIds>,
    /// Ends the import when it is set, after the batch that is being stored.
    pub stop: Option<&'a AtomicBool>,
}

/// An import of rows; see [`Importer::run`].
pub struct Importer<'a> {
    /// The store, prepared for the type.
    pub store: &'a dyn Store,
    /// The type of the rows.
    pub resource_type: &'a Arc<ResourceType>,
    /// What becomes of the other rows when one is rejected.
    pub on_error: OnError,
    /// What is not needed by every import.
    pub options: ImportOptions<'a>,
    /// Called with the line of each rejected row and the reason.
    pub rejected: &'a mut dyn FnMut(u64, &str),
    /// Called after each batch with the number of rows that were stored or rejected so far.
    pub progress: &'a mut dyn FnMut(u64),
}

impl Importer<'_> {
    /// Checks and stores the rows in their order. A row that brings an id keeps it.
    ///
    /// # Errors
    /// When the store fails, the file cannot be read to its end, or the import is stopped. A
    /// rejected row is not an error: the summary counts it.
    pub async fn run(self, rows: Rows<'_>) -> Result<Summary, ImportError> {
        let mode = match self.on_error {
            OnError::Stop => ImportMode::AllOrNothing,
            OnError::Skip => ImportMode::EachBatch,
            OnError::Halt => ImportMode::InOrder,
        };
        let import = self.store.import(self.resource_type, mode).await;
        let import = import.map_err(|error| ImportError::Store {
            error,
            summary: Summary::default(),
        })?;
        let mut run = Run::new(self, import);
        match run.fill(rows).await {
            Ok(end) => run.end(end).await,
            Err(error) => run.fail(error).await,
        }
    }
}
