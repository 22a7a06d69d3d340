//! Prepares collections at the start, or as soon as the server is reachable.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::try_join_all;
use resources::schema::ResourceType;
use resources::store::StoreError;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::connection::Connection;
use crate::indexes;
use crate::patience::{PREPARATION, Patience, REFUSAL};

/// A start waits no longer than this for a server that is away or for an index that takes long.
const START_WAIT: Duration = Duration::from_secs(3);

/// Prepares the collections side by side, if need be in the background.
///
/// # Errors
/// `Unusable` when the server says so while the start still waits. A refusal that comes later keeps
/// the type unprepared until the operator removes the cause.
pub(crate) async fn prepare(
    store: &Arc<Connection>,
    types: &[Arc<ResourceType>],
) -> Result<(), StoreError> {
    let all = types
        .iter()
        .map(|resource_type| prepare_one(store, resource_type));
    try_join_all(all).await.map(drop)
}

async fn prepare_one(
    store: &Arc<Connection>,
    resource_type: &Arc<ResourceType>,
) -> Result<(), StoreError> {
    store.unprepared.begin(resource_type);
    let (reply, outcome) = oneshot::channel();
    let weak = Arc::downgrade(store);
    tokio::spawn(until_done(weak, resource_type.clone(), reply));
    match timeout(START_WAIT, outcome).await {
        Ok(Ok(Err(error @ StoreError::Unusable(_)))) => Err(error),
        Ok(Ok(_)) | Err(_) => Ok(()),
        Ok(Err(gone)) => Err(StoreError::Internal(gone.to_string())),
    }
}

/// Reports the first attempt, and goes on until one succeeds or the store is gone.
async fn until_done(
    store: Weak<Connection>,
    resource_type: Arc<ResourceType>,
    first: oneshot::Sender<Result<(), StoreError>>,
) {
    let mut first = Some(first);
    while let Some(store) = store.upgrade() {
        let outcome = indexes::prepare(&store, &resource_type).await;
        store.unprepared.note(&resource_type, &outcome);
        drop(store);
        let is_done = outcome.is_ok();
        let is_refused = matches!(outcome, Err(StoreError::Unusable(_)));
        // A caller that hears of a refusal ends the process.
        let is_heard = first
            .take()
            .is_some_and(|first| first.send(outcome).is_ok());
        if is_done || (is_refused && is_heard) {
            return;
        }
        let policy = if is_refused { &REFUSAL } else { &PREPARATION };
        Patience::new(policy).wait().await;
    }
}
