//! Whole collections, batch by batch.

use std::sync::Arc;

use mongodb::bson::{Document, doc};
use mongodb::options::{FindOptions, Hint};
use resources::schema::ResourceType;
use resources::store::{Batch, StoreError};
use tokio::sync::mpsc;

use crate::connection::Connection;
use crate::cursor::{Cursor, Position};
use crate::ids;
use crate::patience::{INTERRUPTION, Patience};
use crate::request::Request;

/// Documents in one batch of a scan.
const SCAN_BATCH: u32 = 1000;

/// Sends the whole collection; ends early when the reader is gone. After an interruption it goes
/// on where it was.
pub(crate) async fn run(
    store: Arc<Connection>,
    resource_type: Arc<ResourceType>,
    batches: mpsc::Sender<Batch>,
) {
    let mut scan = Scan {
        store,
        resource_type,
        after: None,
        patience: Patience::new(&INTERRUPTION),
    };
    while let Err(error) = scan.go_on(&batches).await {
        let is_lost = scan
            .after
            .as_ref()
            .is_some_and(|after| after.bound().is_none());
        if is_lost || !passes(&error) || !scan.patience.wait().await {
            let _ = batches.send(Err(error)).await;
            return;
        }
        tracing::warn!(%error, "a scan was interrupted and goes on");
    }
}

fn passes(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_) | StoreError::Busy(_))
}

struct Scan {
    store: Arc<Connection>,
    resource_type: Arc<ResourceType>,
    /// The last document that was sent.
    after: Option<Position>,
    patience: Patience,
}

impl Scan {
    async fn go_on(&mut self, batches: &mpsc::Sender<Batch>) -> Result<(), StoreError> {
        let order = ids::order(&self.resource_type);
        let mut options = FindOptions::builder()
            .sort(order.clone())
            .batch_size(SCAN_BATCH)
            .build();
        // A bound of the index, not a filter: `$gt` would leave out values of other types.
        options.min = self.after.as_ref().and_then(Position::bound);
        if options.min.is_some() {
            options.hint = Some(Hint::Keys(order));
        }
        let keys = options.sort.iter().flat_map(Document::keys).cloned();
        let (keys, request) = (keys.collect(), Request::Find(doc! {}, options));
        let mut cursor =
            Cursor::open_in_time(&self.store, &self.resource_type, request, keys).await?;
        // The bound includes what was sent last.
        let mut known = self.after.clone();
        while let (next, Some(mut batch)) = cursor.next_in_time(&self.store).await? {
            cursor = next;
            let Some((first, last)) = cursor.ends().filter(|_| !batch.is_empty()) else {
                continue;
            };
            if known.take().is_some_and(|known| known == *first) {
                batch.remove_first();
            }
            self.after = Some(last.clone());
            if !batch.is_empty() {
                self.patience.progress();
            }
            if batches.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}
