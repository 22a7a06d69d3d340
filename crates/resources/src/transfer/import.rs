//! The rows of a file into a collection.

use std::sync::Arc;

use super::{Row, Rows};
use crate::controller::{Draft, Failure};
use crate::repository::{Import, ImportMode, NewResource, Pending, Repository, RepositoryError};
use crate::schema::{Attributes, IdKind, ResourceType};

/// Rows in one batch, at most.
const BATCH_ROWS: usize = 500;

/// Text in one batch, in bytes; one row more may be in it.
const BATCH_BYTES: usize = 4 << 20;

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
}

/// Why an import ended early.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepositoryError),
    /// The rest of the file cannot be read; `summary` is what came of it so far.
    #[error("{reason}")]
    File {
        /// What is wrong with the file, and where.
        reason: String,
        /// With [`OnError::Stop`] nothing is stored.
        summary: Summary,
    },
}

/// An import of rows; see [`Importer::run`].
pub struct Importer<'a> {
    /// The store, prepared for the type.
    pub repository: &'a dyn Repository,
    /// The type of the rows.
    pub of: &'a Arc<ResourceType>,
    /// What becomes of the others when one is rejected.
    pub on_error: OnError,
    /// Hears of each row that is rejected: its line and the reason.
    pub rejected: &'a mut dyn FnMut(u64, &str),
    /// Hears after each batch how many rows were taken so far.
    pub progress: &'a mut dyn FnMut(u64),
}

impl Importer<'_> {
    /// Checks and stores the rows in their order. A row's own id is kept.
    ///
    /// # Errors
    /// When the store fails or the file cannot be read to its end. A rejected row is no error:
    /// the summary counts it.
    pub async fn run(self, rows: Rows<'_>) -> Result<Summary, ImportError> {
        let mode = match self.on_error {
            OnError::Stop => ImportMode::AllOrNothing,
            OnError::Skip => ImportMode::EachBatch,
            OnError::Halt => ImportMode::InOrder,
        };
        let import = self.repository.import(self.of, mode).await?;
        let mut run = Run {
            importer: self,
            import,
            underway: None,
            summary: Summary::default(),
        };
        match run.fill(rows).await {
            Ok(broken_off) => run.end(broken_off).await,
            Err(error) => {
                run.import.abandon().await;
                Err(error.into())
            }
        }
    }
}

/// An import while it runs: one batch is stored while the next one is read and checked.
struct Run<'a> {
    importer: Importer<'a>,
    import: Import,
    /// The batch that is being stored, and the lines of its rows.
    underway: Option<(Vec<u64>, Pending)>,
    summary: Summary,
}

impl Run<'_> {
    /// Hands the rows to the store, up to where the import must stop. The answer is why the file
    /// could not be read to its end, if that is so.
    async fn fill(&mut self, rows: Rows<'_>) -> Result<Option<String>, RepositoryError> {
        let mut batch = Batch::default();
        let mut broken_off = None;
        for row in rows {
            let row = match row {
                Ok(row) => row,
                Err(reason) => {
                    broken_off = Some(reason);
                    break;
                }
            };
            let (line, bytes) = (row.line, row.bytes);
            match new_resource(self.importer.of, row) {
                Ok(new) => batch.push(line, bytes, new),
                Err(reason) => {
                    if self.importer.on_error == OnError::Halt {
                        self.store(std::mem::take(&mut batch)).await?;
                    }
                    // What is wrong with the batch before is said first.
                    self.settle().await?;
                    if !self.must_stop() {
                        self.reject(line, &reason);
                    }
                }
            }
            if batch.is_full() {
                self.store(std::mem::take(&mut batch)).await?;
            }
            if self.must_stop() {
                return Ok(None);
            }
        }
        if broken_off.is_none() || self.importer.on_error != OnError::Stop {
            self.store(batch).await?;
        }
        self.settle().await?;
        Ok(broken_off)
    }

    async fn end(mut self, broken_off: Option<String>) -> Result<Summary, ImportError> {
        let all_or_nothing = self.importer.on_error == OnError::Stop;
        if all_or_nothing && (self.must_stop() || broken_off.is_some()) {
            self.import.abandon().await;
            self.summary.stored = 0;
        } else {
            self.import.commit().await?;
        }
        let summary = self.summary;
        match broken_off {
            Some(reason) => Err(ImportError::File { reason, summary }),
            None => Ok(summary),
        }
    }

    fn must_stop(&self) -> bool {
        self.importer.on_error != OnError::Skip && self.summary.rejected > 0
    }

    /// Begins to store a batch, after the one before it.
    async fn store(&mut self, batch: Batch) -> Result<(), RepositoryError> {
        self.settle().await?;
        if !batch.rows.is_empty() && !self.must_stop() {
            self.underway = Some((batch.lines, self.import.begin(batch.rows).await?));
        }
        Ok(())
    }

    /// Waits for the batch that is being stored.
    async fn settle(&mut self) -> Result<(), RepositoryError> {
        let Some((lines, pending)) = self.underway.take() else {
            return Ok(());
        };
        for (line, outcome) in lines.into_iter().zip(pending.outcomes().await?) {
            match outcome {
                Ok(()) => self.summary.stored += 1,
                Err(refusal) => {
                    self.reject(line, &refusal.to_string());
                    if self.must_stop() {
                        break;
                    }
                }
            }
        }
        (self.importer.progress)(self.summary.stored + self.summary.rejected);
        Ok(())
    }

    fn reject(&mut self, line: u64, reason: &str) {
        self.summary.rejected += 1;
        (self.importer.rejected)(line, reason);
    }
}

#[derive(Default)]
struct Batch {
    bytes: usize,
    lines: Vec<u64>,
    rows: Vec<NewResource>,
}

impl Batch {
    fn push(&mut self, line: u64, bytes: usize, row: NewResource) {
        self.bytes += bytes;
        self.lines.push(line);
        self.rows.push(row);
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }
}

fn new_resource(of: &ResourceType, row: Row) -> Result<NewResource, String> {
    checked(of, row.object?).map_err(|failure| reason(&failure))
}

/// Other than clients, files bring their own ids, whatever the kind.
fn checked(of: &ResourceType, object: Attributes) -> Result<NewResource, Failure> {
    let (id, attributes) = Draft::plain(of, object).take_apart(of)?;
    let id = id.map(|(id, _)| id).or_else(|| of.id.generate());
    if id.is_none() && of.id == IdKind::String {
        return Err(Failure::IdMissing);
    }
    Ok(NewResource {
        id,
        attributes: of.attributes.validate(attributes)?,
    })
}

fn reason(failure: &Failure) -> String {
    match failure {
        Failure::Invalid(violations) => {
            let place = |pointer: &str| if pointer.is_empty() { "/" } else { pointer }.to_owned();
            let reasons: Vec<String> = violations
                .iter()
                .map(|violation| format!("{}: {}", place(&violation.pointer), violation.message))
                .collect();
            reasons.join("; ")
        }
        Failure::IdMissing => "the row has no id".to_owned(),
        other => other.to_string(),
    }
}
