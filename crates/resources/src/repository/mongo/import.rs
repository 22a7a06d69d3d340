//! Many resources at once: unordered bulk writes, straight into the collection or aside first.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bson::{RawBsonRef, RawDocumentBuf};
use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, ErrorKind, IndexedWriteError};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::calls::Kind;
use super::failure::{self, Failure};
use super::writes::Place;
use super::{Store, document, ids, indexes, unit};
use crate::repository::bulk::{Outcomes, Step};
use crate::repository::{ImportMode, NewResource, Refusal, RepositoryError};
use crate::schema::{Id, Index, ResourceType};

const DUPLICATE_KEY: i32 = 11000;

/// How long the one transaction of [`ImportMode::AllOrNothing`] may be tried; the server itself
/// ends a transaction after `transactionLifetimeLimitSeconds`, 60 by default.
const COMMIT_TIMEOUT: Duration = Duration::from_mins(3);

/// Documents in one request of that transaction.
const COMMIT_BATCH: usize = 1000;

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
                let work = async move { insert(&place, &of, staging.as_ref(), rows).await };
                // Who no longer waits has given the import up.
                let _ = reply.send(store.calls.run(Kind::Write, work).await);
            }
            Step::Commit(reply) => {
                let outcome = match &staging {
                    Some(staging) => commit(&store, &of, staging).await,
                    None => Ok(()),
                };
                let _ = reply.send(outcome);
                break;
            }
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
    if mode == ImportMode::EachBatch {
        return Ok(None);
    }
    let name = format!("monocoque_import_{}", ObjectId::new());
    indexes::create(store, of, &name).await?;
    Ok(Some(store.database.collection(&name)))
}

async fn insert(
    store: &Store,
    of: &ResourceType,
    staging: Option<&Documents>,
    rows: Vec<NewResource>,
) -> Result<Outcomes, RepositoryError> {
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
            Err(refusal) => outcomes[position] = Err(refusal),
        }
    }
    if staging.is_some() {
        let refused = refused_by_those_there(store, of, &documents).await?;
        for (place, refusal) in refused.into_iter().rev() {
            documents.remove(place);
            outcomes[positions.remove(place)] = Err(refusal);
        }
    }
    let collection = store.collection(of);
    for error in insert_documents(staging.unwrap_or(&collection), &documents).await? {
        let position = positions[error.index];
        outcomes[position] = Err(failure::duplicate_key(of, &ids[position], &error.message));
    }
    Ok(outcomes)
}

/// The duplicates among them; anything else fails the batch.
async fn insert_documents(
    collection: &Documents,
    documents: &[RawDocumentBuf],
) -> Result<Vec<IndexedWriteError>, RepositoryError> {
    if documents.is_empty() {
        return Ok(Vec::new());
    }
    let Err(error) = collection.insert_many(documents).ordered(false).await else {
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
        ErrorKind::InsertMany(_) => Err(RepositoryError::OutcomeUnknown(error.to_string())),
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

/// Which documents clash with the collection itself, in their order.
async fn refused_by_those_there(
    store: &Store,
    of: &ResourceType,
    documents: &[RawDocumentBuf],
) -> Result<Vec<(usize, Refusal)>, RepositoryError> {
    let read = |error: Error| failure::of_read(&error);
    let field = |document: &RawDocumentBuf, name: &str| -> Option<Bson> {
        Bson::try_from(document.get(name).ok().flatten()?).ok()
    };
    let mut refused = HashMap::new();
    let all: Vec<Bson> = documents
        .iter()
        .filter_map(|one| field(one, ids::ID))
        .collect();
    let cursor = store
        .collection(of)
        .find(doc! { ids::ID: { "$in": all } })
        .projection(doc! { ids::ID: 1 })
        .await
        .map_err(read)?;
    let there: Vec<RawDocumentBuf> = cursor.try_collect().await.map_err(read)?;
    let id_of = |document: &RawDocumentBuf| {
        let id = document.get(ids::ID).ok().flatten();
        id.map(ids::from_bson)
    };
    let taken: HashSet<Id> = there.iter().filter_map(id_of).collect();
    for (place, document) in documents.iter().enumerate() {
        if let Some(id) = id_of(document).filter(|id| taken.contains(id)) {
            refused.insert(place, Refusal::IdTaken(id));
        }
    }
    for index in of.indexes.iter().filter(|index| index.unique) {
        let filters: Vec<(usize, Document)> = documents
            .iter()
            .enumerate()
            .filter_map(|(place, document)| Some((place, same_keys(index, document)?)))
            .collect();
        for place in clashes(&store.collection(of), filters)
            .await
            .map_err(read)?
        {
            let refusal = Refusal::NotUnique(index.attribute_names());
            refused.entry(place).or_insert(refusal);
        }
    }
    let mut refused: Vec<(usize, Refusal)> = refused.into_iter().collect();
    refused.sort_by_key(|(place, _)| *place);
    Ok(refused)
}

/// Finds what has the same values in an index; nothing has where one of them is null or absent.
fn same_keys(index: &Index, document: &RawDocumentBuf) -> Option<Document> {
    let key = |attribute: &str| -> Option<Bson> {
        match document.get(attribute).ok().flatten()? {
            RawBsonRef::Null => None,
            // With the types, so that the partial index answers.
            value => Some(doc! { "$eq": Bson::try_from(value).ok()?, "$type": indexes::types() })
                .map(Bson::Document),
        }
    };
    let keys = index.keys.iter();
    keys.map(|part| Some((part.attribute.clone(), key(&part.attribute)?)))
        .collect()
}

/// One question for all; only if something clashes, one for each.
async fn clashes(
    collection: &Documents,
    filters: Vec<(usize, Document)>,
) -> Result<Vec<usize>, Error> {
    let any: Vec<&Document> = filters.iter().map(|(_, filter)| filter).collect();
    if any.is_empty() || collection.find_one(doc! { "$or": any }).await?.is_none() {
        return Ok(Vec::new());
    }
    let mut places = Vec::new();
    for (place, filter) in filters {
        if collection.find_one(filter).await?.is_some() {
            places.push(place);
        }
    }
    Ok(places)
}

async fn commit(
    store: &Arc<Store>,
    of: &Arc<ResourceType>,
    staging: &Documents,
) -> Result<(), RepositoryError> {
    let deadline = Instant::now() + COMMIT_TIMEOUT;
    let (place, of, staging) = (store.clone(), of.clone(), staging.clone());
    // A task, so that nothing of the driver is dropped half-way.
    let task = tokio::spawn(async move {
        loop {
            match copy(&place, &of, &staging, deadline).await {
                Err(failure) if failure.is_transient() && Instant::now() < deadline => {
                    tracing::warn!(?failure, "the commit of an import is tried again");
                }
                outcome => return outcome.map_err(Failure::of_import),
            }
        }
    });
    task.await
        .map_err(|panic| RepositoryError::Internal(panic.to_string()))?
}

async fn copy(
    store: &Store,
    of: &ResourceType,
    staging: &Documents,
    deadline: Instant,
) -> Result<(), Failure> {
    let mut session = store.client.start_session().await?;
    session.start_transaction().await?;
    let target = store.collection(of);
    let mut rows = staging.find(doc! {}).sort(doc! { ids::ID: 1 }).await?;
    loop {
        let mut batch = Vec::with_capacity(COMMIT_BATCH);
        while batch.len() < COMMIT_BATCH {
            match rows.try_next().await? {
                Some(row) => batch.push(row),
                None => break,
            }
        }
        if batch.is_empty() {
            break;
        }
        let inserted = target.insert_many(&batch).session(&mut session).await;
        if let Err(error) = inserted {
            let _ = session.abort_transaction().await;
            return Err(match error.kind.as_ref() {
                ErrorKind::InsertMany(_) if !error.contains_label("TransientTransactionError") => {
                    Failure::Store(RepositoryError::Unusable(format!(
                        "nothing was stored, because others stored some of it meanwhile: {error}"
                    )))
                }
                _ => Failure::Driver(error),
            });
        }
    }
    Ok(unit::commit(&mut session, deadline).await?)
}

impl Failure {
    fn of_import(self) -> RepositoryError {
        match self {
            Self::Driver(error) => failure::of_write(&error),
            Self::Store(error) => error,
            Self::Refused(refusal) => RepositoryError::Internal(refusal.to_string()),
        }
    }
}
