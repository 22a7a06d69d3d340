//! Many resources at once: each batch by itself, or all of them in one transaction.

mod batch;
mod whole;

use std::sync::Arc;

use resources::schema::{IdKind, ResourceType};
use resources::store::{ImportMode, NewResource, Outcomes, Step, StoreError};
use tokio::sync::mpsc;

use self::batch::Batch;
use self::whole::Whole;
use crate::connection::Connection;

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
        if self.resource_type.id == IdKind::Integer {
            let raise = || {
                let (store, of) = (self.store.clone(), self.resource_type.clone());
                let rows = rows.clone();
                async move {
                    let chosen = rows.iter().map(|row| &row.id);
                    store.counters.raise(&of, chosen).await
                }
            };
            self.store.calls.run_patiently("an import", raise).await?;
        }
        let batch = Batch::new(&self.resource_type, &rows, self.in_order);
        let sizes = batch.documents.iter().map(|one| one.as_bytes().len());
        let largest = sizes.max().unwrap_or_default();
        self.store.pages.have_stored(&self.resource_type, largest);
        match &mut self.whole {
            Some(whole) => whole.insert(batch).await,
            None => batch.store(&self.store, &self.resource_type).await,
        }
    }
}
