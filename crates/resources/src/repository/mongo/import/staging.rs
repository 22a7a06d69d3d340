//! The rows of an import of all or nothing: kept aside, then copied in one transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bson::{RawBsonRef, RawDocumentBuf};
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, ErrorKind};
use tokio::time::Instant;

use super::super::failure::{self, Failure};
use super::super::{Store, ids, indexes, unit};
use super::Documents;
use crate::repository::{Refusal, RepositoryError};
use crate::schema::{Id, Index, ResourceType};

/// How long the one transaction of [`ImportMode::AllOrNothing`] may be tried; the server itself
/// ends a transaction after `transactionLifetimeLimitSeconds`, 60 by default.
const COMMIT_TIMEOUT: Duration = Duration::from_mins(3);

/// Documents in one request of that transaction.
const COMMIT_BATCH: usize = 1000;

/// Which documents clash with the collection itself, in their order.
pub(super) async fn refused_by_those_there(
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

pub(super) async fn commit(
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
                    let error = failure.of_import();
                    tracing::warn!(%error, "the commit of an import is tried again");
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
                        "nothing was stored, because others stored some of it meanwhile: {}",
                        failure::text(&error)
                    )))
                }
                _ => Failure::Driver(error),
            });
        }
    }
    Ok(unit::commit(&mut session, deadline).await?)
}
