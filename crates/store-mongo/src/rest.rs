//! What is left of a page that is too large to be held at once: it is read batch by batch, each
//! when the one before it was taken.

use std::sync::Arc;

use mongodb::bson::doc;
use mongodb::options::Hint;
use resources::query::{Filter, Query};
use resources::schema::ResourceType;
use resources::store::{Batch, Resources, Scan, StoreError};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tracing::Instrument;

use crate::connection::Connection;
use crate::cursor::{Cursor, Position};
use crate::ids;
use crate::request::Request;
use crate::selection::Selection;

/// What is left of a page after what was read of it.
pub(crate) struct Rest {
    pub(crate) store: Arc<Connection>,
    pub(crate) resource_type: Arc<ResourceType>,
    pub(crate) query: Query,
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
        let pages = &self.store.pages;
        let asked = pages.batch_size(&self.resource_type, self.missing);
        let (request, keys) = self.request(asked)?;
        let request = request.in_batches(asked);
        let request = request.bounded(self.store.calls.time_max(), None);
        let cursor = Cursor::open_in_time(&self.store, &self.resource_type, request, keys);
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
            let is_whole = self.query.members.is_none();
            pages.have_read(&self.resource_type, &batch, is_whole);
        }
        Ok(batch)
    }

    /// What stands behind the last document that was read, and the keys by which it is sorted.
    fn request(&self, limit: u32) -> Result<(Request, Vec<String>), StoreError> {
        let bound = self.after.bound().ok_or_else(|| {
            StoreError::Corrupt(format!(
                "{}: a document has an array where its position should be",
                self.resource_type.collection
            ))
        })?;
        let selection = Selection::new(&self.resource_type, &self.query)?;
        let keys = selection.keys().unwrap_or_default();
        let is_whole = self.query.filter == Filter::Everything;
        if !is_whole || !self.query.order.is_creation() {
            return Ok((selection.behind(&bound).request(0, limit.into()), keys));
        }
        let order = ids::order(&self.resource_type);
        let Request::Find(_, mut options) = selection.request(0, limit.into()) else {
            return Err(StoreError::Internal(
                "a whole collection is sorted".to_owned(),
            ));
        };
        // A bound of the index, which includes the last document.
        options.hint = Some(Hint::Keys(order));
        let others = doc! { ids::ID: { "$ne": bound.get(ids::ID).cloned() } };
        options.min = Some(bound);
        Ok((Request::Find(others, options), keys))
    }
}
