//! Whole collections, batch by batch.

use std::sync::Arc;

use mongodb::options::{FindOptions, Hint};
use tokio::sync::mpsc;

use super::cursor::{Cursor, Place};
use super::interruptions::Interruptions;
use super::{Connection, ids};
use resources::schema::ResourceType;
use resources::store::Batch;
use resources::store::StoreError;

/// Documents in one batch of a scan.
const SCAN_BATCH: u32 = 1000;

/// Sends the whole collection; ends early when nobody listens. After an interruption it goes on
/// where it was.
pub(super) async fn run(
    store: Arc<Connection>,
    of: Arc<ResourceType>,
    batches: mpsc::Sender<Batch>,
) {
    let mut scan = Scan {
        store,
        of,
        after: None,
        interruptions: Interruptions::default(),
    };
    while let Err(error) = scan.go_on(&batches).await {
        let passed = match scan.after.as_ref().map(Place::bound) {
            Some(None) => Err(error),
            _ => scan.interruptions.wait(error, "a scan").await,
        };
        if let Err(error) = passed {
            let _ = batches.send(Err(error)).await;
            return;
        }
    }
}

struct Scan {
    store: Arc<Connection>,
    of: Arc<ResourceType>,
    /// Where the last document stands that was sent.
    after: Option<Place>,
    interruptions: Interruptions,
}

impl Scan {
    async fn go_on(&mut self, batches: &mpsc::Sender<Batch>) -> Result<(), StoreError> {
        let order = ids::order(&self.of);
        let mut options = FindOptions::builder()
            .sort(order.clone())
            .batch_size(SCAN_BATCH)
            .build();
        // A bound of the index, not a filter: `$gt` would leave out values of other types.
        options.min = self.after.as_ref().and_then(Place::bound);
        if options.min.is_some() {
            options.hint = Some(Hint::Keys(order));
        }
        let mut cursor = Cursor::open_in_time(&self.store, &self.of, options).await?;
        // The bound includes what was sent last.
        let mut known = self.after.as_ref().map(|last| last.id.clone());
        while let (next, Some(mut batch)) = cursor.next_in_time(&self.store).await? {
            cursor = next;
            let Some((first, last)) = cursor.ends().filter(|_| !batch.is_empty()) else {
                continue;
            };
            if known.take().is_some_and(|known| known == first.id) {
                batch.remove_first();
            }
            self.after = Some(last.clone());
            if !batch.is_empty() {
                self.interruptions.are_over();
            }
            if batches.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}
