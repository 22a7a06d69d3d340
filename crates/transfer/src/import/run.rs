//! An import while it runs.

use std::sync::atomic::Ordering;

use super::row::{new_resource, reason};
use super::{BATCH_ROWS, ImportError, Importer, OnError, RowPlace, Summary};
use crate::{Row, Rows};
use resources::store::{Import, NewResource, Pending, StoreError};

/// Text in one batch, in bytes; one row more may be in it.
const BATCH_BYTES: usize = 4 << 20;

/// One batch is stored while the next one is read and checked.
pub(super) struct Run<'a> {
    importer: Importer<'a>,
    import: Import,
    /// Rows of the file so far.
    read: u64,
    /// The batch that is being stored, and the places of its rows.
    underway: Option<(Vec<RowPlace>, Pending)>,
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
    pub(super) fn of(importer: Importer<'a>, import: Import) -> Self {
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
            // Whoever sends the file may have been told to stop too, and have cut it short.
            _ if self.is_told_to_stop() => End::Stopped,
            end => end,
        })
    }

    /// Puts a row into the batch, if it can be stored.
    async fn take(&mut self, row: Row, batch: &mut Batch) -> Result<(), StoreError> {
        self.read += 1;
        let (place, bytes) = (
            RowPlace {
                row: self.read,
                line: row.line,
            },
            row.bytes,
        );
        if place.row <= self.importer.options.skip_rows {
            self.summary.settled = place;
            return Ok(());
        }
        let row_ids = self.importer.options.row_ids.as_ref();
        match new_resource(self.importer.of, row, place.row, row_ids) {
            Ok(new) => batch.push(place, bytes, new),
            Err(reason) => {
                if self.importer.on_error == OnError::Halt {
                    self.store(std::mem::take(batch)).await?;
                }
                // What is wrong with the batch before is said first.
                self.settle().await?;
                if !self.must_stop() {
                    self.reject(place.line, &reason);
                    if batch.rows.is_empty() {
                        self.summary.settled = place;
                    }
                }
            }
        }
        Ok(())
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
            // Whatever was done to the rows that wait aside, none of them is stored.
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
        if !batch.rows.is_empty() && !self.must_stop() {
            self.underway = Some((batch.places, self.import.begin(batch.rows).await?));
        }
        Ok(())
    }

    /// Waits for the batch that is being stored.
    async fn settle(&mut self) -> Result<(), StoreError> {
        let Some((places, pending)) = self.underway.take() else {
            return Ok(());
        };
        for (place, outcome) in places.into_iter().zip(pending.outcomes().await?) {
            self.summary.settled = place;
            match outcome {
                Ok(()) => self.summary.stored += 1,
                Err(refusal) => {
                    self.reject(place.line, &reason(&refusal.into()));
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
    places: Vec<RowPlace>,
    rows: Vec<NewResource>,
}

impl Batch {
    fn push(&mut self, place: RowPlace, bytes: usize, row: NewResource) {
        self.bytes += bytes;
        self.places.push(place);
        self.rows.push(row);
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }
}
