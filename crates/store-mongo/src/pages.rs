//! Pages that are too large to be held at once: what is left of them is read batch by batch, each
//! when the one before it was taken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mongodb::bson::{Document, doc};
use mongodb::options::{FindOptions, Hint};
use resources::query::Filter;
use resources::schema::ResourceType;
use resources::store::{Batch, Resources, Scan, StoreError};
use tokio::sync::{MutexGuard, OwnedSemaphorePermit, Semaphore, mpsc};
use tracing::Instrument;

use crate::connection::Connection;
use crate::cursor::{Cursor, Position};
use crate::{filter, ids};

/// A batch that waits, and one that is being sent to the client.
const BATCHES_HELD: usize = 2;

/// How large pages are held.
///
/// MongoDB counts documents, not bytes, up to the 16 MB of a reply. How many documents are asked
/// for at once follows from how large they were last.
pub(crate) struct Pages {
    /// What a batch holds, in bytes, if it has more than one resource.
    pub(crate) batch_bytes: usize,
    /// One for each page that is streamed at a time.
    streams: Arc<Semaphore>,
    /// By collection: what a document is expected to take, in bytes.
    sizes: Mutex<HashMap<String, usize>>,
    unknown: tokio::sync::Mutex<()>,
}

impl Pages {
    /// Pages above `page_bytes` are streamed; all streams together hold `streams_bytes`, but for
    /// single resources that are larger than a page.
    pub(crate) fn new(page_bytes: usize, streams_bytes: usize) -> Self {
        let streams = (streams_bytes / page_bytes.max(1) / BATCHES_HELD).max(1);
        Self {
            batch_bytes: page_bytes.max(1),
            streams: Arc::new(Semaphore::new(streams.min(Semaphore::MAX_PERMITS))),
            sizes: Mutex::default(),
            unknown: tokio::sync::Mutex::default(),
        }
    }

    /// Waits until no other page is read of a collection whose documents may have any size.
    pub(crate) async fn turn(&self, of: &ResourceType) -> Option<MutexGuard<'_, ()>> {
        if self.size(of).is_some() {
            return None;
        }
        let turn = self.unknown.lock().await;
        self.size(of).is_none().then_some(turn)
    }

    /// How many of the wanted documents one batch takes; at least one.
    pub(crate) fn batch_size(&self, of: &ResourceType, wanted: u64) -> u32 {
        let fitting = self
            .size(of)
            .map_or(usize::MAX, |size| self.batch_bytes / size);
        let fitting = u64::try_from(fitting).unwrap_or(u64::MAX);
        u32::try_from(wanted.min(fitting).max(1)).unwrap_or(u32::MAX)
    }

    /// The next documents are expected to be as large as these.
    pub(crate) fn have_read(&self, of: &ResourceType, batch: &Resources) {
        let size = (batch.bytes() / batch.len().max(1)).max(1);
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        match sizes.get_mut(&of.collection) {
            Some(known) => *known = size,
            None => drop(sizes.insert(of.collection.clone(), size)),
        }
    }

    /// A document of so many bytes is stored: if it is large, the next page may begin with it.
    pub(crate) fn have_stored(&self, of: &ResourceType, bytes: usize) {
        if bytes < self.batch_bytes / 16 {
            return;
        }
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = sizes.get_mut(&of.collection) {
            *known = bytes.max(*known);
        }
    }

    fn size(&self, of: &ResourceType) -> Option<usize> {
        let sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.get(&of.collection).copied()
    }
}

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
        let permit = self.store.pages.streams.clone().try_acquire_owned();
        let permit = permit.map_err(|_| {
            StoreError::Busy("too many large pages are sent at the same time".to_owned())
        })?;
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
