//! How large pages and batches are, and how many pages are streamed at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use resources::schema::ResourceType;
use resources::store::{Resources, StoreError};
use tokio::sync::{MutexGuard, OwnedSemaphorePermit, Semaphore};

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

    /// The next documents are expected to be as large as these; at least as large, where these are
    /// not whole.
    pub(crate) fn have_read(&self, of: &ResourceType, batch: &Resources, is_whole: bool) {
        let size = (batch.bytes() / batch.len().max(1)).max(1);
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        match sizes.get_mut(&of.collection) {
            Some(known) if is_whole && !batch.is_empty() => *known = size,
            Some(known) => *known = size.max(*known),
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

    /// A place for one page that is streamed.
    ///
    /// # Errors
    /// `Busy` when too many pages are being streamed.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        self.streams.clone().try_acquire_owned().map_err(|_| {
            StoreError::Busy("too many large pages are sent at the same time".to_owned())
        })
    }

    fn size(&self, of: &ResourceType) -> Option<usize> {
        let sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.get(&of.collection).copied()
    }
}

#[cfg(test)]
mod tests {
    use resources::schema::Id;

    use super::*;

    #[test]
    fn what_is_not_whole_makes_nobody_expect_small_documents() {
        let (pages, of) = (Pages::new(1000, 10_000), crate::tests::things());
        let mut batch = Resources::default();
        batch.push(Id::Integer(1), &"x".repeat(100));
        pages.have_read(&of, &batch, true);
        assert_eq!(pages.batch_size(&of, 50), 10);
        let mut cut = Resources::default();
        cut.push(Id::Integer(1), "{}");
        pages.have_read(&of, &cut, false);
        pages.have_read(&of, &Resources::default(), true);
        assert_eq!(pages.batch_size(&of, 50), 10);
        pages.have_read(&of, &cut, true);
        assert_eq!(pages.batch_size(&of, 50), 50);
    }
}
