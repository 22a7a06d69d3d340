//! The rows of a file into a collection.

use std::sync::Arc;

use super::{Row, Rows};
use crate::controller::{Draft, Failure};
use crate::repository::{Import, ImportMode, NewResource, Repository, RepositoryError};
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
    pub async fn run(mut self, rows: Rows<'_>) -> Result<Summary, ImportError> {
        let mode = match self.on_error {
            OnError::Stop => ImportMode::AllOrNothing,
            OnError::Skip => ImportMode::EachBatch,
        };
        let mut import = self.repository.import(self.of, mode).await?;
        let mut summary = Summary::default();
        let broken_off = match self.fill(&mut import, rows, &mut summary).await {
            Ok(broken_off) => broken_off,
            Err(error) => {
                import.abandon().await;
                return Err(error.into());
            }
        };
        if self.must_stop(summary) || (broken_off.is_some() && self.on_error == OnError::Stop) {
            import.abandon().await;
            summary.stored = 0;
        } else {
            import.commit().await?;
        }
        match broken_off {
            Some(reason) => Err(ImportError::File { reason, summary }),
            None => Ok(summary),
        }
    }

    /// Hands the rows to the store, up to where the import must stop. The answer is why the file
    /// could not be read to its end, if that is so.
    async fn fill(
        &mut self,
        import: &mut Import,
        rows: Rows<'_>,
        summary: &mut Summary,
    ) -> Result<Option<String>, RepositoryError> {
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
            match new_resource(self.of, row) {
                Ok(new) => batch.push(line, bytes, new),
                Err(reason) => self.reject(line, &reason, summary),
            }
            if batch.is_full() {
                self.store(import, std::mem::take(&mut batch), summary)
                    .await?;
            }
            if self.must_stop(*summary) {
                return Ok(None);
            }
        }
        if broken_off.is_none() || self.on_error == OnError::Skip {
            self.store(import, batch, summary).await?;
        }
        Ok(broken_off)
    }

    fn must_stop(&self, summary: Summary) -> bool {
        self.on_error == OnError::Stop && summary.rejected > 0
    }

    async fn store(
        &mut self,
        import: &mut Import,
        batch: Batch,
        summary: &mut Summary,
    ) -> Result<(), RepositoryError> {
        if batch.rows.is_empty() {
            return Ok(());
        }
        let outcomes = import.insert(batch.rows).await?;
        for (line, outcome) in batch.lines.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => summary.stored += 1,
                Err(refusal) => {
                    self.reject(line, &refusal.to_string(), summary);
                    if self.must_stop(*summary) {
                        break;
                    }
                }
            }
        }
        (self.progress)(summary.stored + summary.rejected);
        Ok(())
    }

    fn reject(&mut self, line: u64, reason: &str, summary: &mut Summary) {
        summary.rejected += 1;
        (self.rejected)(line, reason);
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
