//! Collections are prepared at the start, or as soon as their server is there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::{Connection, indexes};
use resources::schema::{IdKind, ResourceType};
use resources::store::StoreError;

/// A start waits no longer than this for a server that is away or for an index that takes long.
const START_WAIT: Duration = Duration::from_secs(3);

/// Between two attempts while the server is away.
const PAUSE: Duration = Duration::from_millis(500);

/// Between two looks whether somebody has mended what the server refuses.
const REFUSED_PAUSE: Duration = Duration::from_secs(5);

/// The types that are not prepared yet, each with what was in the way last.
#[derive(Default)]
pub(super) struct Unprepared(Mutex<BTreeMap<String, StoreError>>);

impl Unprepared {
    /// Whether a type's resources may be written.
    ///
    /// # Errors
    /// `Unprepared` or `Unavailable` as long as writes could break what its preparation brings.
    pub(super) fn admit(&self, of: &ResourceType) -> Result<(), StoreError> {
        match self.types().get(&of.name) {
            Some(StoreError::Unavailable(_)) if !relies_on_preparation(of) => Ok(()),
            Some(error) => Err(not_prepared(&of.name, error)),
            None => Ok(()),
        }
    }

    /// # Errors
    /// `Unprepared` or `Unavailable` while any type is not prepared.
    pub(super) fn admit_all(&self) -> Result<(), StoreError> {
        match self.types().first_key_value() {
            Some((name, error)) => Err(not_prepared(name, error)),
            None => Ok(()),
        }
    }

    /// Takes note of the outcome of an attempt, and tells of one that is new.
    fn note(&self, of: &ResourceType, outcome: &Result<(), StoreError>) {
        let mut types = self.types();
        let Err(error) = outcome else {
            types.remove(&of.name);
            return;
        };
        if types.get(&of.name) != Some(error) {
            tracing::warn!(%error, collection = of.collection, "not prepared");
            types.insert(of.name.clone(), error.clone());
        }
    }

    fn types(&self) -> MutexGuard<'_, BTreeMap<String, StoreError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_prepared(name: &str, error: &StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(reason) => StoreError::Unavailable(reason.clone()),
        StoreError::Unprepared(reason) => StoreError::Unprepared(format!("{name}: {reason}")),
        other => StoreError::Unprepared(format!("{name}: {other}")),
    }
}

/// Unique indexes and the counter of integer ids keep what must not be there twice from being
/// stored.
fn relies_on_preparation(of: &ResourceType) -> bool {
    of.id == IdKind::Integer || of.indexes.iter().any(|index| index.unique)
}

/// Prepares a type's collection, if need be in the background.
///
/// # Errors
/// `Unusable` when the server says so while the start still waits. Found later, it keeps the type
/// unprepared until somebody has mended it.
pub(super) async fn prepare(
    store: &Arc<Connection>,
    of: &Arc<ResourceType>,
) -> Result<(), StoreError> {
    if relies_on_preparation(of) {
        let reason = StoreError::Unprepared("its indexes are not there yet".to_owned());
        store.unprepared.types().insert(of.name.clone(), reason);
    }
    let (reply, outcome) = oneshot::channel();
    tokio::spawn(until_done(Arc::downgrade(store), of.clone(), reply));
    match timeout(START_WAIT, outcome).await {
        Ok(Ok(Err(error @ StoreError::Unusable(_)))) => Err(error),
        Ok(Ok(_)) | Err(_) => Ok(()),
        Ok(Err(gone)) => Err(StoreError::Internal(gone.to_string())),
    }
}

/// Tells of the first attempt, and goes on until one succeeds or the store is gone.
async fn until_done(
    store: Weak<Connection>,
    of: Arc<ResourceType>,
    first: oneshot::Sender<Result<(), StoreError>>,
) {
    let mut first = Some(first);
    while let Some(store) = store.upgrade() {
        let outcome = indexes::prepare(&store, &of).await;
        store.unprepared.note(&of, &outcome);
        drop(store);
        let is_done = outcome.is_ok();
        let is_refused = matches!(outcome, Err(StoreError::Unusable(_)));
        // Who waits for the first attempt ends the process if it is refused.
        let is_heard = first
            .take()
            .is_some_and(|first| first.send(outcome).is_ok());
        if is_done || (is_refused && is_heard) {
            return;
        }
        sleep(if is_refused { REFUSED_PAUSE } else { PAUSE }).await;
    }
}
