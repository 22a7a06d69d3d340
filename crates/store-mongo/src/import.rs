//! Many resources at once: bulk writes, straight into the collection or aside first.

mod batch;
mod staging;

use std::sync::Arc;

use bson::RawDocumentBuf;
use mongodb::Collection;
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::batch::Batch;
use self::staging::Staging;
use super::Connection;
use super::calls::Kind;
use super::failure::{self, Failure};
use super::interruptions::Interruptions;
use super::writes::Place;
use resources::schema::{Id, ResourceType};
use resources::store::{ImportMode, NewResource, StoreError};
use resources::store::{Outcomes, Step};

type Documents = Collection<RawDocumentBuf>;

/// Runs an import to its end. All or nothing first stores its rows in a collection of its own,
/// so that they wait without holding a transaction open, and then copies them in one.
pub(super) async fn run(
    store: Arc<Connection>,
    of: Arc<ResourceType>,
    mode: ImportMode,
    mut steps: mpsc::Receiver<Step>,
) {
    let staging = match stage(&store, &of, mode).await {
        Ok(staging) => staging,
        Err(error) => {
            if let Some(step) = steps.recv().await {
                step.fail(error);
            }
            return;
        }
    };
    while let Some(step) = steps.recv().await {
        match step {
            Step::Insert(rows, reply) => {
                let outcome = insert(&store, &of, mode, staging.as_ref(), rows).await;
                // Who no longer waits has given the import up.
                let _ = reply.send(outcome);
            }
            Step::Commit(reply) => {
                let outcome = match &staging {
                    Some(staging) => staging.commit(&store, &of).await,
                    None => Ok(()),
                };
                let _ = reply.send(outcome);
                break;
            }
            Step::Abandon => break,
        }
    }
    if let Some(staging) = staging {
        staging.remove(&store).await;
    }
}

async fn stage(
    store: &Arc<Connection>,
    of: &ResourceType,
    mode: ImportMode,
) -> Result<Option<Staging>, StoreError> {
    match mode {
        ImportMode::AllOrNothing => Ok(Some(Staging::begin(store, of).await?)),
        ImportMode::EachBatch | ImportMode::InOrder => Ok(None),
    }
}

async fn insert(
    store: &Arc<Connection>,
    of: &Arc<ResourceType>,
    mode: ImportMode,
    staging: Option<&Staging>,
    rows: Vec<NewResource>,
) -> Result<Outcomes, StoreError> {
    let (rows, in_order) = (Arc::new(rows), mode == ImportMode::InOrder);
    let ids = in_time(store, || {
        let (place, of, rows) = (store.clone(), of.clone(), rows.clone());
        // Ids that were given out before an interruption are a gap.
        async move { with_ids(&place, &of, &rows).await }
    });
    let mut batch = Batch::of(of, ids.await?, &rows, in_order);
    drop(rows);
    let Some(staging) = staging else {
        return batch.store(store, of, &store.primary_collection(of)).await;
    };
    let documents = Arc::new(batch.documents().to_vec());
    let refused = in_time(store, || {
        let (place, of, documents) = (store.clone(), of.clone(), documents.clone());
        async move { staging::refused_by_those_there(&place, &of, &documents).await }
    });
    batch.refuse(refused.await?);
    batch.store(store, of, &staging.documents).await
}

/// Does what may be done twice, again while the server is away or busy for a while.
async fn in_time<T: Send + 'static, W>(
    store: &Connection,
    work: impl Fn() -> W,
) -> Result<T, StoreError>
where
    W: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    let mut interruptions = Interruptions::default();
    loop {
        match store.calls.run(Kind::Write, work()).await {
            Err(error) => interruptions.wait(error, "an import").await?,
            done => return done,
        }
    }
}

/// The ids of the rows; those that the store chooses are taken from the counter together.
async fn with_ids(
    store: &Connection,
    of: &ResourceType,
    rows: &[NewResource],
) -> Result<Vec<Id>, StoreError> {
    let given: Vec<i64> = rows
        .iter()
        .filter_map(|row| integer(row.id.as_ref()))
        .collect();
    let missing = rows.iter().filter(|row| row.id.is_none()).count();
    let mut next = 0;
    if missing > 0 || !given.is_empty() {
        let session = store.client.start_session().await;
        let mut session = session.map_err(|error| failure::of_read(&error))?;
        let mut place = Place {
            store,
            session: &mut session,
            in_transaction: false,
            deadline: Instant::now(),
        };
        if let Some(greatest) = given.iter().max() {
            let raised = place.raise_greatest(of, *greatest).await;
            raised.map_err(Failure::of_import)?;
        }
        if missing > 0 {
            let count = i64::try_from(missing).unwrap_or(i64::MAX);
            let last = place.reserve_integers(of, count).await;
            next = last.map_err(Failure::of_import)? - count;
        }
    }
    let mut id = |row: &NewResource| {
        row.id.clone().unwrap_or_else(|| {
            next += 1;
            Id::Integer(next)
        })
    };
    Ok(rows.iter().map(&mut id).collect())
}

fn integer(id: Option<&Id>) -> Option<i64> {
    match id {
        Some(Id::Integer(number)) => Some(*number),
        _ => None,
    }
}

impl Failure {
    fn of_import(self) -> StoreError {
        match self {
            Self::Driver(error) => failure::of_write(&error),
            other => failure::read_failure(other),
        }
    }
}
