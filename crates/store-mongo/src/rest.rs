//! What is left of a page that is too large to be held at once: it is read batch by batch, each
//! when the one before it was taken.

use std::sync::Arc;

use mongodb::bson::{Document, doc};
use mongodb::options::{FindOptions, Hint};
use resources::query::Filter;
use resources::schema::ResourceType;
use resources::store::{Batch, Resources, Scan, StoreError};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tracing::Instrument;

use crate::connection::Connection;
use crate::cursor::{Cursor, Position};
use crate::{filter, ids};

/// What is left of a page after what was read of it.
pub(crate) struct Rest {
    pub(crate) store: Arc<Connection>,
    pub(crate) resource_type: Arc<ResourceType>,
    pub(crate) filter: Filter,
    pub(crate) after: Position,
    pub(crate) missing: u64,
}

impl Rest {
    /// # Errors
    /// `Busy` when too many pages are being streamed.
    pub(crate) fn stream(self) -> Result<Scan, StoreError> {
        let permit = self.store.pages.place()?;
        let (batches, rest) = Scan::channel_of(1);
        tokio::spawn(self.send(batches, permit).in_current_span());
        Ok(rest)
    }

    /// Reads a batch only when there is room for it. Nothing is open at the server between two
    /// batches, so a slow client does not hold it up.
    async fn send(mut self, batches: mpsc::Sender<Batch>, _permit: OwnedSemaphorePermit) {
        while self.missing > 0 {
            // A client that has gone takes no more.
            let Ok(room) = batches.reserve().await else {
                return;
            };
            match self.read().await {
                Ok(batch) if batch.is_empty() => return,
                Ok(batch) => room.send(Ok(batch)),
                Err(error) => return room.send(Err(error)),
            }
        }
    }

    async fn read(&mut self) -> Result<Resources, StoreError> {
        let (pages, order) = (&self.store.pages, ids::order(&self.resource_type));
        let asked = pages.batch_size(&self.resource_type, self.missing);
        let (bound, others) = self.after_last()?;
        let options = FindOptions::builder()
            .sort(order.clone())
            // A bound of the index, not a filter: `$gt` would leave out values of other types.
            .hint(Hint::Keys(order))
            .min(bound)
            .limit(i64::from(asked))
            .batch_size(asked)
            .max_time(self.store.calls.time_max())
            .build();
        let cursor = Cursor::open_in_time(&self.store, &self.resource_type, others, options);
        let cursor = cursor.await?.cut_at(pages.batch_bytes);
        let (cursor, batch) = cursor.next_in_time(&self.store).await?;
        let batch = batch.unwrap_or_default();
        let got = batch.len() as u64;
        self.missing = self.missing.saturating_sub(got);
        if cursor.has_ended() && got < u64::from(asked) {
            self.missing = 0;
        }
        if let Some((_, last)) = cursor.ends() {
            self.after = last.clone();
            pages.have_read(&self.resource_type, &batch);
        }
        Ok(batch)
    }

    /// The bound at the last document that was read, and a filter that leaves this one out.
    fn after_last(&self) -> Result<(Document, Document), StoreError> {
        let bound = self.after.bound().ok_or_else(|| {
            StoreError::Corrupt(format!(
                "{}: a document has several positions",
                self.resource_type.collection
            ))
        })?;
        let mut others = filter::matching(&self.filter);
        others.insert(ids::ID, doc! { "$ne": bound.get(ids::ID).cloned() });
        Ok((bound, others))
    }
}
