//! An import while it runs.

use std::sync::atomic::Ordering;

use resources::Reason;
use resources::store::{Import, Pending, StoreError};

use super::batch::Batch;
use super::row::{CheckedRow, check, in_one_line};
use super::{ImportError, Importer, OnError, RowPosition, Summary};
use crate::{Row, Rows};

/// One batch is stored while the next one is read and checked.
pub(super) struct Run<'a> {
    importer: Importer<'a>,
    import: Import,
    /// Rows of the file so far.
    read: u64,
    /// The batch that is being stored, and the positions of its rows.
    underway: Option<(Vec<RowPosition>, Pending)>,
    summary: Summary,
}

/// Why there are no more rows.
pub(super) enum End {
    OfFile,
    AtRejection,
    Stopped,
    Unreadable(String),
}

impl<'a> Run<'a> {
    pub(super) fn new(importer: Importer<'a>, import: Import) -> Self {
        Self {
            importer,
            import,
            read: 0,
            underway: None,
            summary: Summary::default(),
        }
    }

    /// Hands the rows to the store, up to where the import must end.
    pub(super) async fn fill(&mut self, rows: Rows<'_>) -> Result<End, StoreError> {
        let mut batch = Batch::default();
        let mut end = End::OfFile;
        for row in rows {
            match row {
                Ok(row) => self.take(row, &mut batch).await?,
                Err(reason) => {
                    end = End::Unreadable(reason);
                    break;
                }
            }
            if batch.is_full() {
                self.store(std::mem::take(&mut batch)).await?;
            }
            if self.must_stop() {
                return Ok(End::AtRejection);
            }
            if self.is_told_to_stop() {
                end = End::Stopped;
                break;
            }
        }
        if matches!(end, End::OfFile) || !self.is_all_or_nothing() {
            self.store(batch).await?;
        }
        self.settle().await?;
        let skipped = self.importer.options.skip_rows;
        Ok(match end {
            End::OfFile if self.read < skipped => {
                let rows = self.read;
                End::Unreadable(format!(
                    "it has only {rows} rows, and {skipped} were to be skipped"
                ))
            }
            // The last batch may have had the first row that is rejected.
            End::OfFile if self.must_stop() => End::AtRejection,
            // The program that sends the file may have been stopped too, and have cut it short.
            _ if self.is_told_to_stop() => End::Stopped,
            end => end,
        })
    }

    /// Puts a row into the batch, if it can be stored.
    async fn take(&mut self, row: Row, batch: &mut Batch) -> Result<(), StoreError> {
        self.read += 1;
        let position = RowPosition {
            row: self.read,
            line: row.line,
        };
        if position.row <= self.importer.options.skip_rows {
            self.summary.settled = position;
            return Ok(());
        }
        let bytes = row.bytes;
        match self.check(row) {
            Ok(row) => batch.push(position, bytes, row),
            Err(reason) => {
                if self.importer.on_error == OnError::Halt {
                    self.store(std::mem::take(batch)).await?;
                }
                // The refusals of the batch before are reported first.
                self.settle().await?;
                if !self.must_stop() {
                    self.reject(position.line, &reason);
                    if batch.is_empty() {
                        self.summary.settled = position;
                    }
                }
            }
        }
        Ok(())
    }

    /// The resource of the row that was just read.
    fn check(&self, row: Row) -> Result<CheckedRow, String> {
        let resource_type = self.importer.resource_type;
        let mut row = check(resource_type, row)?;
        if let (None, Some(row_ids)) = (&row.id, &self.importer.options.row_ids) {
            let id = row_ids.id(resource_type.id, self.read);
            row.id = Some(id.ok_or_else(|| in_one_line(&Reason::IdMissing))?);
        }
        Ok(row)
    }

    pub(super) async fn end(mut self, end: End) -> Result<Summary, ImportError> {
        if self.is_all_or_nothing() && !matches!(end, End::OfFile) {
            self.import.abandon().await;
            self.summary.stored = 0;
        } else if let Err(error) = self.import.commit().await {
            let mut summary = self.summary;
            if self.importer.on_error == OnError::Stop {
                summary.stored = 0;
            }
            return Err(ImportError::Store { error, summary });
        }
        let summary = self.summary;
        match end {
            End::OfFile | End::AtRejection => Ok(summary),
            End::Stopped => Err(ImportError::Stopped { summary }),
            End::Unreadable(reason) => Err(ImportError::File { reason, summary }),
        }
    }

    pub(super) async fn fail(mut self, error: StoreError) -> Result<Summary, ImportError> {
        let error = match error {
            // Nothing was committed, so the outcome of the batch does not matter.
            StoreError::OutcomeUnknown(text) if self.is_all_or_nothing() => {
                StoreError::Unavailable(text)
            }
            error => error,
        };
        if self.is_all_or_nothing() {
            self.summary.stored = 0;
        }
        let summary = self.summary;
        self.import.abandon().await;
        Err(ImportError::Store { error, summary })
    }

    fn is_all_or_nothing(&self) -> bool {
        self.importer.on_error == OnError::Stop
    }

    fn must_stop(&self) -> bool {
        self.importer.on_error != OnError::Skip && self.summary.rejected > 0
    }

    fn is_told_to_stop(&self) -> bool {
        let stop = self.importer.options.stop;
        stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Begins to store a batch, after the one before it.
    async fn store(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.settle().await?;
        if !batch.is_empty() && !self.must_stop() {
            let Importer {
                store,
                resource_type,
                ..
            } = self.importer;
            let (positions, rows) = batch.with_ids(store, resource_type).await?;
            self.underway = Some((positions, self.import.begin(rows).await?));
        }
        Ok(())
    }

    /// Waits for the batch that is being stored.
    async fn settle(&mut self) -> Result<(), StoreError> {
        let Some((positions, pending)) = self.underway.take() else {
            return Ok(());
        };
        for (position, outcome) in positions.into_iter().zip(pending.outcomes().await?) {
            self.summary.settled = position;
            match outcome {
                Ok(()) => self.summary.stored += 1,
                Err(refusal) => {
                    self.reject(position.line, &in_one_line(&refusal.into()));
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
