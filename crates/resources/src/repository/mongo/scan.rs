//! Whole collections, batch by batch.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::doc;
use mongodb::options::{FindOptions, Hint};
use tokio::sync::mpsc;

use super::cursor::Cursor;
use super::{Store, ids};
use crate::repository::RepositoryError;
use crate::repository::bulk::Batch;
use crate::schema::{Id, ResourceType};

/// Documents in one batch of a scan.
const SCAN_BATCH: u32 = 1000;

/// Interruptions after which a scan goes on where it was.
const SCAN_ATTEMPTS: u32 = 5;

/// Before the first of these attempts; each later one waits so much longer. Together they last
/// as long as most elections.
const SCAN_PAUSE: Duration = Duration::from_millis(700);

/// Sends the whole collection; ends early when nobody listens.
pub(super) async fn run(store: Arc<Store>, of: Arc<ResourceType>, batches: mpsc::Sender<Batch>) {
    let mut after: Option<Id> = None;
    let mut interruptions = 0;
    while let Err(error) = scan_from(&store, &of, &mut after, &batches).await {
        interruptions += 1;
        let goes_on = matches!(
            error,
            RepositoryError::Unavailable(_) | RepositoryError::Busy(_)
        );
        if !goes_on || interruptions > SCAN_ATTEMPTS || ids::have_position(&of) {
            let _ = batches.send(Err(error)).await;
            return;
        }
        tracing::warn!(%error, collection = of.collection, "a scan was interrupted and goes on");
        tokio::time::sleep(SCAN_PAUSE * interruptions).await;
    }
}

async fn scan_from(
    store: &Arc<Store>,
    of: &Arc<ResourceType>,
    after: &mut Option<Id>,
    batches: &mpsc::Sender<Batch>,
) -> Result<(), RepositoryError> {
    let mut options = FindOptions::builder()
        .sort(ids::order(of))
        .batch_size(SCAN_BATCH)
        .build();
    // A bound of the index, not a filter: `$gt` would leave out ids of other types.
    if let Some(last) = after.as_ref() {
        options.min = Some(doc! { ids::ID: ids::to_bson(last) });
        options.hint = Some(Hint::Keys(doc! { ids::ID: 1 }));
    }
    let mut cursor = Cursor::open_in_time(store, of, options).await?;
    // The bound includes what was sent last.
    let mut known = after.clone();
    while let (next, Some(mut batch)) = cursor.next_in_time(store).await? {
        cursor = next;
        if let Some(known) = known.take()
            && batch.iter().next().is_some_and(|first| *first.id == known)
        {
            batch.remove_first();
        }
        if let Some(last) = batch.last() {
            *after = Some(last.id.clone());
        }
        if batches.send(Ok(batch)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
