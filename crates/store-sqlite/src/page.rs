//! Pages that are too large to be held at once: what is left of them is read batch by batch, each
//! when the one before it was taken.

use std::sync::Arc;

use resources::schema::Id;
use resources::store::{Batch, Page, Scan, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::list::Beginning;
use super::readers::Readers;
use super::table::Collection;

/// A batch that waits, and one that is being sent to the client.
const BATCHES_HELD: usize = 2;

/// How large pages are held.
pub(super) struct Pages {
    /// Larger pages are streamed, in batches of this size, in bytes.
    pub(super) batch_bytes: usize,
    /// One for each page that is streamed at a time.
    streams: Arc<Semaphore>,
}

impl Pages {
    /// Pages above `page_bytes` are streamed; all streams together hold `streams_bytes`, but for
    /// single resources that are larger than a page.
    pub(super) fn new(page_bytes: usize, streams_bytes: usize) -> Self {
        let streams = (streams_bytes / page_bytes.max(1) / BATCHES_HELD).max(1);
        Self {
            batch_bytes: page_bytes,
            streams: Arc::new(Semaphore::new(streams.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// The whole page, or its beginning and a stream of what is left.
    pub(super) fn page(
        &self,
        mut found: Beginning,
        collection: Collection,
        readers: &Arc<Readers>,
    ) -> Result<Page, StoreError> {
        if found.left.is_empty() {
            return Ok(found.whole());
        }
        let left = std::mem::take(&mut found.left);
        let mut page = found.whole();
        let permit = self.streams.clone().try_acquire_owned();
        let permit = permit.map_err(|_| {
            StoreError::Busy("too many large pages are sent at the same time".to_owned())
        })?;
        let (batches, rest) = Scan::channel_of(1);
        page.rest = Some(rest);
        let stream = Stream {
            left,
            collection: Arc::new(collection),
            readers: readers.clone(),
            batch_bytes: self.batch_bytes,
            _permit: permit,
        };
        tokio::spawn(stream.send(batches));
        Ok(page)
    }
}

impl Beginning {
    /// A page of which nothing is left.
    pub(super) fn whole(self) -> Page {
        Page {
            resources: Arc::new(self.resources),
            rest: None,
            more: self.more,
            total: self.total,
        }
    }
}

struct Stream {
    left: Vec<Id>,
    collection: Arc<Collection>,
    readers: Arc<Readers>,
    batch_bytes: usize,
    _permit: OwnedSemaphorePermit,
}

impl Stream {
    /// Reads a batch only when there is room for it. Nothing is open between two batches: a
    /// resource that is deleted before its batch is not in it.
    async fn send(mut self, batches: mpsc::Sender<Batch>) {
        while !self.left.is_empty() {
            // A client that has gone takes no more.
            let Ok(room) = batches.reserve().await else {
                return;
            };
            let batch = self.read().await;
            let is_failed = batch.is_err();
            room.send(batch);
            if is_failed {
                return;
            }
        }
    }

    async fn read(&mut self) -> Batch {
        let (left, bytes) = (std::mem::take(&mut self.left), self.batch_bytes);
        let collection = self.collection.clone();
        let read = self.readers.run(move |connection| {
            let moment = connection.transaction()?;
            let batch = collection.batch(&moment, &left, bytes)?;
            Ok((batch, left))
        });
        let ((batch, taken), mut left) = read.await?;
        left.drain(..taken);
        self.left = left;
        Ok(batch)
    }
}
