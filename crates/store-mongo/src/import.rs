//! Many resources at once: each batch by itself, or all of them in one transaction.

mod batch;
mod whole;

use std::sync::Arc;

use resources::schema::ResourceType;
use resources::store::{ImportMode, NewResource, Outcomes, Step, StoreError};
use tokio::sync::mpsc;

use self::batch::Batch;
use self::whole::Whole;
use crate::calls::Calls;
use crate::connection::Connection;
use crate::counter;
use crate::failure::Intent;
use crate::patience::{INTERRUPTION, Patience};

/// Runs an import to its end.
pub(crate) async fn run(
    store: Arc<Connection>,
    resource_type: Arc<ResourceType>,
    mode: ImportMode,
    mut steps: mpsc::Receiver<Step>,
) {
    let mut importer = Importer {
        whole: match mode {
            ImportMode::AllOrNothing => Some(Whole::new(store.clone(), resource_type.clone())),
            ImportMode::EachBatch | ImportMode::InOrder => None,
        },
        in_order: mode != ImportMode::EachBatch,
        store,
        resource_type,
    };
    while let Some(step) = steps.recv().await {
        match step {
            Step::Insert(rows, reply) => {
                let outcome = importer.insert(rows).await;
                // A caller that does not wait any more has dropped the import.
                let _ = reply.send(outcome);
            }
            Step::Commit(reply) => {
                let outcome = match importer.whole.take() {
                    Some(whole) => whole.commit().await,
                    None => Ok(()),
                };
                let _ = reply.send(outcome);
                break;
            }
            Step::Abandon => break,
        }
    }
    if let Some(whole) = importer.whole {
        whole.abort().await;
    }
}

struct Importer {
    store: Arc<Connection>,
    resource_type: Arc<ResourceType>,
    whole: Option<Whole>,
    in_order: bool,
}

impl Importer {
    async fn insert(&mut self, rows: Vec<NewResource>) -> Result<Outcomes, StoreError> {
        let rows = Arc::new(rows);
        again_while_away(&self.store.calls, || {
            let (store, of, rows) = (self.store.clone(), self.resource_type.clone(), rows.clone());
            async move { counter::raise(&store, &of, rows.iter().map(|row| &row.id)).await }
        })
        .await?;
        let batch = Batch::new(&self.resource_type, &rows, self.in_order);
        match &mut self.whole {
            Some(whole) => whole.insert(batch).await,
            None => batch.store(&self.store, &self.resource_type).await,
        }
    }
}

/// Does again what may be done twice, while the server is away or busy for a while.
async fn again_while_away<T: Send + 'static, W>(
    calls: &Calls,
    work: impl Fn() -> W,
) -> Result<T, StoreError>
where
    W: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    let mut patience = Patience::new(&INTERRUPTION);
    loop {
        let error = match calls.run(Intent::Write, work()).await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let passes = matches!(
            error,
            StoreError::Unavailable(_) | StoreError::Busy(_) | StoreError::OutcomeUnknown(_)
        );
        if !passes || !patience.wait().await {
            return Err(error);
        }
        tracing::warn!(%error, "an import was interrupted and goes on");
    }
}
