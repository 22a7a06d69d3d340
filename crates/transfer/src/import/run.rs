//! An import while it runs.

use std::sync::atomic::Ordering;

use resources::Reason;
use resources::store::StoreError;

use super::batch::{Batch, Entry};
use super::row::{CheckedRow, check, in_one_line};
use super::target::{Target, Underway};
use super::{ImportError, Importer, OnError, RowPosition, Summary};
use crate::{Row, Rows};

/// One batch is stored while the next one is read and checked.
pub(super) struct Run<'a> {
    importer: Importer<'a>,
    target: Target,
    /// Rows of the file so far.
    read: u64,
    /// The batch that is being stored.
    underway: Option<(Vec<Entry>, Underway)>,
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
    pub(super) fn new(importer: Importer<'a>, target: Target) -> Self {
        Self {
            importer,
            target,
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
            if batch.is_full() || (batch.ends_in_rejection() && self.ends_at_rejection()) {
                self.store(std::mem::take(&mut batch)).await?;
            }
            if self.is_over() {
                return Ok(End::AtRejection);
            }
            if self.is_told_to_stop() {
                end = End::Stopped;
                break;
            }
        }
        if matches!(end, End::OfFile) || !self.is_all_or_nothing() {
            self.store(batch).await?;
        } else {
            self.settle().await?;
            self.report(batch.into_entries(), Vec::new());
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
            End::OfFile if self.stores_no_more() => End::AtRejection,
            // The program that sends the file may have been stopped too, and have cut it short.
            _ if self.is_told_to_stop() => End::Stopped,
            end => end,
        })
    }

    /// Puts a row into the batch.
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
            Ok(row) => {
                if self.target.stores_rows_at_once() && batch.has_same(&row) {
                    self.store(std::mem::take(batch)).await?;
                }
                batch.push(position, bytes, row);
            }
            Err(reason) => batch.reject(position, reason),
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
        let key = self.importer.options.upsert.as_ref();
        row.key = key.and_then(|key| key.values(&row.attributes));
        Ok(row)
    }

    pub(super) async fn end(mut self, end: End) -> Result<Summary, ImportError> {
        let is_undone = self.is_all_or_nothing() && !matches!(end, End::OfFile);
        if is_undone {
            self.summary.stored = 0;
        }
        let ended = self.target.end(!is_undone).await;
        let mut summary = self.summary;
        if let Err(error) = ended {
            if self.importer.on_error == OnError::Stop {
                summary.stored = 0;
            }
            return Err(ImportError::Store { error, summary });
        }
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
        // What the end of a failed import says is of no more interest.
        let _ = self.target.end(false).await;
        Err(ImportError::Store { error, summary })
    }

    fn is_all_or_nothing(&self) -> bool {
        self.importer.on_error == OnError::Stop
    }

    fn ends_at_rejection(&self) -> bool {
        self.importer.on_error == OnError::Halt
    }

    /// Whether the rows that are left are only looked at, if at all.
    fn stores_no_more(&self) -> bool {
        self.importer.on_error != OnError::Skip && self.summary.rejected > 0
    }

    /// Whether the rows that are left are not even looked at: where nothing is stored, they may
    /// have more to report.
    fn is_over(&self) -> bool {
        match self.importer.on_error {
            OnError::Skip => false,
            OnError::Halt => self.summary.rejected > 0,
            OnError::Stop => self.summary.rejected >= self.importer.options.rejections_max,
        }
    }

    fn is_told_to_stop(&self) -> bool {
        let stop = self.importer.options.stop;
        stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Begins to store a batch, after the one before it.
    async fn store(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.settle().await?;
        if !batch.has_rows() || self.stores_no_more() {
            self.report(batch.into_entries(), Vec::new());
            return Ok(());
        }
        let Importer {
            store,
            resource_type,
            on_error,
            ..
        } = self.importer;
        let (entries, rows) = batch.with_ids(store, resource_type).await?;
        let begun = self.target.begin(store, resource_type, on_error, rows);
        self.underway = Some((entries, begun.await?));
        Ok(())
    }

    /// Waits for the batch that is being stored.
    async fn settle(&mut self) -> Result<(), StoreError> {
        if let Some((entries, underway)) = self.underway.take() {
            let outcomes = underway.outcomes().await?;
            self.report(entries, outcomes);
        }
        Ok(())
    }

    /// Counts what became of the rows, in their order, and tells of those that are rejected. There
    /// is no outcome for rows that the store did not come to.
    fn report(&mut self, entries: Vec<Entry>, outcomes: resources::store::Outcomes) {
        let mut outcomes = outcomes.into_iter();
        for Entry { position, rejected } in entries {
            if self.is_over() {
                break;
            }
            let outcome = match rejected {
                Some(reason) => Some(Err(reason)),
                None => outcomes
                    .next()
                    .map(|outcome| outcome.map_err(|refusal| in_one_line(&refusal.into()))),
            };
            match outcome {
                Some(Ok(())) => self.summary.stored += 1,
                Some(Err(reason)) => {
                    self.summary.rejected += 1;
                    (self.importer.rejected)(position.line, &reason);
                }
                None => continue,
            }
            self.summary.settled = position;
        }
        (self.importer.progress)(self.summary.stored + self.summary.rejected);
    }
}
