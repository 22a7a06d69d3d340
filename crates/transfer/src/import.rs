//! The rows of a file into a collection.

mod row;
mod run;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use self::run::Run;
use super::{RowIds, Rows};
use resources::schema::ResourceType;
use resources::store::{ImportMode, Store, StoreError};

/// Rows in one batch, at most.
pub const BATCH_ROWS: usize = 500;

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
    /// Rows that are not.
    pub rejected: u64,
    /// The last row up to which all rows of the file are stored or rejected, with those that
    /// were passed over.
    pub settled: RowPlace,
}

/// Where a row stands in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowPlace {
    /// Its number among the rows, from 1; 0 before the first.
    pub row: u64,
    /// The line on which it starts, from 1; 0 before the first.
    pub line: u64,
}

/// Why an import ended early; what came of it so far is in the summary, where with
/// [`OnError::Stop`] nothing is stored.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The store failed. Unless it is all or nothing, some of the next [`BATCH_ROWS`] rows may be
    /// stored too.
    #[error("{error}")]
    Store {
        /// Why.
        error: StoreError,
        /// What is known.
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

/// What an import can do besides.
#[derive(Default)]
pub struct ImportOptions<'a> {
    /// Rows at the start of the file that are passed over unchecked.
    pub skip_rows: u64,
    /// The id of a row that brings none, instead of a fresh one.
    pub row_ids: Option<RowIds>,
    /// Set, it ends the import as soon as what is underway is settled.
    pub stop: Option<&'a AtomicBool>,
}

/// An import of rows; see [`Importer::run`].
pub struct Importer<'a> {
    /// The store, prepared for the type.
    pub repository: &'a dyn Store,
    /// The type of the rows.
    pub of: &'a Arc<ResourceType>,
    /// What becomes of the others when one is rejected.
    pub on_error: OnError,
    /// What else it does.
    pub options: ImportOptions<'a>,
    /// Hears of each row that is rejected: its line and the reason.
    pub rejected: &'a mut dyn FnMut(u64, &str),
    /// Hears after each batch how many rows were taken so far.
    pub progress: &'a mut dyn FnMut(u64),
}

impl Importer<'_> {
    /// Checks and stores the rows in their order. A row's own id is kept.
    ///
    /// # Errors
    /// When the store fails, the file cannot be read to its end, or it is stopped. A rejected row
    /// is no error: the summary counts it.
    pub async fn run(self, rows: Rows<'_>) -> Result<Summary, ImportError> {
        let mode = match self.on_error {
            OnError::Stop => ImportMode::AllOrNothing,
            OnError::Skip => ImportMode::EachBatch,
            OnError::Halt => ImportMode::InOrder,
        };
        let import = self.repository.import(self.of, mode).await;
        let import = import.map_err(|error| ImportError::Store {
            error,
            summary: Summary::default(),
        })?;
        let mut run = Run::of(self, import);
        match run.fill(rows).await {
            Ok(end) => run.end(end).await,
            Err(error) => run.fail(error).await,
        }
    }
}
