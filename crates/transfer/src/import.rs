//! The rows of a file into a collection.

mod batch;
mod key;
mod row;
mod run;
mod target;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resources::schema::ResourceType;
use resources::store::{Store, StoreError};

use self::run::Run;
use self::target::Target;
use crate::{RowIds, Rows};

pub use batch::BATCH_ROWS;
pub use key::UpsertKey;

/// What becomes of the other rows when one is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Nothing is stored; the others are read for more that is wrong.
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

/// How many rejected rows are reported where nobody says otherwise.
pub const REJECTIONS_MAX: u64 = 100;

/// What an import does that is not needed by every import.
pub struct ImportOptions<'a> {
    /// Rows at the start of the file that are skipped without a check.
    pub skip_rows: u64,
    /// Makes the ids of rows that bring none, instead of the store.
    pub row_ids: Option<RowIds>,
    /// By what a row finds the resource whose place it takes, if it takes one. Each row is stored
    /// by itself then, so that not all can be undone: not with [`OnError::Stop`].
    pub upsert: Option<UpsertKey>,
    /// The import ends with so many rejected rows where it stores nothing any more.
    pub rejections_max: u64,
    /// Ends the import when it is set, after the batch that is being stored.
    pub stop: Option<&'a AtomicBool>,
}

impl Default for ImportOptions<'_> {
    fn default() -> Self {
        Self {
            skip_rows: 0,
            row_ids: None,
            upsert: None,
            rejections_max: REJECTIONS_MAX,
            stop: None,
        }
    }
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
        let upsert = self.options.upsert.clone();
        let target = Target::open(self.store, self.resource_type, self.on_error, upsert).await;
        let target = target.map_err(|error| ImportError::Store {
            error,
            summary: Summary::default(),
        })?;
        let mut run = Run::new(self, target);
        match run.fill(rows).await {
            Ok(end) => run.end(end).await,
            Err(error) => run.fail(error).await,
        }
    }
}

/// Holds the rows against the definition alone and stores nothing. `stored` counts those that
/// are fine; what only a store knows, such as an id that is taken, is not looked at.
///
/// # Errors
/// [`ImportError::File`] when the file cannot be read to its end.
pub fn check(
    resource_type: &Arc<ResourceType>,
    rows: Rows<'_>,
    rejections_max: u64,
    rejected: &mut dyn FnMut(u64, &str),
) -> Result<Summary, ImportError> {
    let mut summary = Summary::default();
    for row in rows {
        let row = row.map_err(|reason| ImportError::File { reason, summary })?;
        summary.settled.row += 1;
        summary.settled.line = row.line;
        match row::check(resource_type, row) {
            Ok(_) => summary.stored += 1,
            Err(reason) => {
                rejected(summary.settled.line, &reason);
                summary.rejected += 1;
            }
        }
        if summary.rejected >= rejections_max {
            break;
        }
    }
    Ok(summary)
}
