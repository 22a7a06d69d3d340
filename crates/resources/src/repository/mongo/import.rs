//! Many resources at once: bulk writes, straight into the collection or aside first.

mod staging;

use std::sync::Arc;

use bson::RawDocumentBuf;
use mongodb::Collection;
use mongodb::bson::oid::ObjectId;
use mongodb::error::{ErrorKind, IndexedWriteError};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::calls::Kind;
use super::failure::{self, Failure};
use super::writes::Place;
use super::{Store, document, indexes};
use crate::repository::bulk::{Outcomes, Step};
use crate::repository::{ImportMode, NewResource, RepositoryError};
use crate::schema::{Id, ResourceType};

const DUPLICATE_KEY: i32 = 11000;

/// Runs an import to its end. All or nothing first stores its rows in a collection of its own,
/// so that they wait without holding a transaction open, and then copies them in one.
pub(super) async fn run(
    store: Arc<Store>,
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
                let (place, of, staging) = (store.clone(), of.clone(), staging.clone());
                let work = async move { insert(&place, &of, mode, staging.as_ref(), rows).await };
                // Who no longer waits has given the import up.
                let _ = reply.send(store.calls.run(Kind::Write, work).await);
            }
            Step::Commit(reply) => {
                let outcome = match &staging {
                    Some(staging) => staging::commit(&store, &of, staging).await,
                    None => Ok(()),
                };
                let _ = reply.send(outcome);
                break;
            }
            Step::Abandon => break,
        }
    }
    if let Some(staging) = staging
        && let Err(error) = staging.drop().await
    {
        let name = staging.name();
        tracing::warn!(%error, name, "the collection of an import could not be removed");
    }
}

type Documents = Collection<RawDocumentBuf>;

async fn stage(
    store: &Store,
    of: &ResourceType,
    mode: ImportMode,
) -> Result<Option<Documents>, RepositoryError> {
    if mode != ImportMode::AllOrNothing {
        return Ok(None);
    }
    let name = format!("monocoque_import_{}", ObjectId::new());
    indexes::create_collection(store, of, &name).await?;
    Ok(Some(store.database.collection(&name)))
}

async fn insert(
    store: &Store,
    of: &ResourceType,
    mode: ImportMode,
    staging: Option<&Documents>,
    rows: Vec<NewResource>,
) -> Result<Outcomes, RepositoryError> {
    let in_order = mode == ImportMode::InOrder;
    let ids = with_ids(store, of, &rows).await?;
    let mut outcomes: Outcomes = vec![Ok(()); rows.len()];
    let mut documents = Vec::with_capacity(rows.len());
    let mut positions = Vec::with_capacity(rows.len());
    for (position, (row, id)) in rows.iter().zip(&ids).enumerate() {
        match document::new(of, id, &row.attributes) {
            Ok(document) => {
                documents.push(document);
                positions.push(position);
            }
            Err(refusal) => {
                outcomes[position] = Err(refusal);
                if in_order {
                    break;
                }
            }
        }
    }
    if staging.is_some() {
        let refused = staging::refused_by_those_there(store, of, &documents).await?;
        for (place, refusal) in refused.into_iter().rev() {
            documents.remove(place);
            outcomes[positions.remove(place)] = Err(refusal);
        }
    }
    let collection = store.collection(of);
    let target = staging.unwrap_or(&collection);
    for error in insert_documents(target, &documents, in_order).await? {
        let position = positions[error.index];
        outcomes[position] = Err(failure::duplicate_key(of, &ids[position], &error.message));
    }
    let first_refused = outcomes.iter().position(Result::is_err);
    if let Some(last) = first_refused.filter(|_| in_order) {
        outcomes.truncate(last + 1);
    }
    Ok(outcomes)
}

/// The duplicates among them; anything else fails the batch.
async fn insert_documents(
    collection: &Documents,
    documents: &[RawDocumentBuf],
    in_order: bool,
) -> Result<Vec<IndexedWriteError>, RepositoryError> {
    if documents.is_empty() {
        return Ok(Vec::new());
    }
    let Err(error) = collection.insert_many(documents).ordered(in_order).await else {
        return Ok(Vec::new());
    };
    match error.kind.as_ref() {
        ErrorKind::InsertMany(many) if many.write_concern_error.is_none() => {
            let errors = many.write_errors.clone().unwrap_or_default();
            match errors.iter().find(|error| error.code != DUPLICATE_KEY) {
                Some(other) => Err(RepositoryError::Internal(other.message.clone())),
                None => Ok(errors),
            }
        }
        ErrorKind::InsertMany(_) => Err(RepositoryError::OutcomeUnknown(failure::text(&error))),
        _ => Err(failure::of_write(&error)),
    }
}

/// The ids of the rows; those that the store chooses are taken from the counter together.
async fn with_ids(
    store: &Store,
    of: &ResourceType,
    rows: &[NewResource],
) -> Result<Vec<Id>, RepositoryError> {
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
    fn of_import(self) -> RepositoryError {
        match self {
            Self::Driver(error) => failure::of_write(&error),
            other => failure::read_failure(other),
        }
    }
}
