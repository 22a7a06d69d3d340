//! Pages, single resources and whole collections, from raw batches straight to JSON text.

use std::sync::Arc;

use futures_util::StreamExt;
use mongodb::ClientSession;
use mongodb::bson::{Bson, doc};
use mongodb::options::{FindOptions, Hint};
use mongodb::raw_batch_cursor::RawBatch;
use tokio::sync::mpsc;

use super::failure::{self, Failure};
use super::{Store, ids, json};
use crate::query::Query;
use crate::repository::{Page, RepositoryError, Resource};
use crate::schema::{Id, ResourceType};

/// Up to this size the total of a collection is counted; the server's own figure is taken above,
/// because counting takes time with each resource.
const COUNTED_MAX: u64 = 100_000;

/// Documents in one batch of a scan.
const SCAN_BATCH: u32 = 1000;

/// Interruptions after which a scan goes on where it was.
const SCAN_ATTEMPTS: u32 = 5;

pub(super) async fn find(
    store: &Store,
    of: &ResourceType,
    id: &Id,
) -> Result<Option<Resource>, RepositoryError> {
    let filter = doc! { ids::ID: ids::to_bson(id) };
    let found = store.collection(of).find_one(filter).await;
    let document = found.map_err(|error| failure::of_read(&error))?;
    document
        .map(|document| json::resource(of, &document))
        .transpose()
}

/// One request where the page shows the end of the collection, which tells its size; else the
/// resources are counted, as of the moment of the page.
pub(super) async fn list(
    store: &Store,
    of: &ResourceType,
    query: Query,
) -> Result<Page, RepositoryError> {
    if store.has_snapshots() {
        let session = store.client.start_session().snapshot(true).await;
        let mut session = session.map_err(|error| failure::of_read(&error))?;
        match list_in(store, of, query, &mut session).await {
            Err(Failure::Driver(error)) if failure::has_no_snapshots(&error) => {
                store.forget_snapshots();
            }
            outcome => return outcome.map_err(read_failure),
        }
    }
    let session = store.client.start_session().await;
    let mut session = session.map_err(|error| failure::of_read(&error))?;
    list_in(store, of, query, &mut session)
        .await
        .map_err(read_failure)
}

fn read_failure(failure: Failure) -> RepositoryError {
    match failure {
        Failure::Driver(error) => failure::of_read(&error),
        Failure::Store(error) => error,
        Failure::Refused(refusal) => RepositoryError::Internal(refusal.to_string()),
    }
}

async fn list_in(
    store: &Store,
    of: &ResourceType,
    query: Query,
    session: &mut ClientSession,
) -> Result<Page, Failure> {
    let (offset, size) = (query.page.offset(), query.page.size);
    let collection = store.collection(of);
    // One more than asked for tells whether the collection ends here.
    let wanted = size.saturating_add(1);
    let mut cursor = collection
        .find(doc! {})
        .sort(ids::order(of))
        .skip(offset)
        .limit(i64::try_from(wanted).unwrap_or(i64::MAX))
        .batch_size(u32::try_from(wanted).unwrap_or(u32::MAX))
        .session(&mut *session)
        .batch()
        .await?;
    let mut resources = Vec::new();
    {
        let mut batches = cursor.stream(&mut *session);
        while let Some(batch) = batches.next().await {
            resources.extend(resources_of(of, &batch?)?);
        }
    }
    let got = resources.len() as u64;
    let total = if got <= size && (got > 0 || offset == 0) {
        offset + got
    } else {
        resources.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        // An estimate must not contradict what the page shows.
        count(store, of, session)
            .await?
            .max(if got > 0 { offset + got } else { 0 })
    };
    Ok(Page { resources, total })
}

async fn count(
    store: &Store,
    of: &ResourceType,
    session: &mut ClientSession,
) -> Result<u64, Failure> {
    let collection = store.collection(of);
    let bound = i64::try_from(COUNTED_MAX).unwrap_or(i64::MAX);
    let pipeline = [
        doc! { "$sort": { ids::ID: 1 } },
        doc! { "$limit": bound + 1 },
        doc! { "$project": { ids::ID: 1 } },
        doc! { "$count": "total" },
    ];
    let mut cursor = collection
        .aggregate(pipeline)
        .session(&mut *session)
        .await?;
    let counted = match cursor.next(session).await.transpose()? {
        Some(counted) => counted
            .get("total")
            .and_then(|total| total.as_i64().or_else(|| total.as_i32().map(i64::from)))
            .and_then(|total| u64::try_from(total).ok())
            .unwrap_or_default(),
        // Nothing counted is no document at all.
        None => 0,
    };
    if counted <= COUNTED_MAX {
        return Ok(counted);
    }
    Ok(collection.estimated_document_count().await?)
}

fn resources_of(of: &ResourceType, batch: &RawBatch) -> Result<Vec<Resource>, Failure> {
    let mut resources = Vec::new();
    for document in batch.doc_slices()? {
        let document = document.map_err(|error| damaged(of, &error))?;
        let document = document
            .as_document()
            .ok_or_else(|| damaged(of, &"a batch holds something else than documents"))?;
        resources.push(json::resource(of, document)?);
    }
    Ok(resources)
}

fn damaged(of: &ResourceType, what: &dyn std::fmt::Display) -> RepositoryError {
    RepositoryError::Corrupt(format!("{}: {what}", of.collection))
}

/// Sends the whole collection; ends early when nobody listens.
pub(super) async fn scan(
    store: Arc<Store>,
    of: Arc<ResourceType>,
    batches: mpsc::Sender<Result<Vec<Resource>, RepositoryError>>,
) {
    let mut after: Option<Id> = None;
    let mut interruptions = 0;
    loop {
        let outcome = scan_from(&store, &of, &mut after, &batches).await;
        let error = match outcome.map_err(read_failure) {
            Ok(()) => return,
            Err(error) => error,
        };
        interruptions += 1;
        let goes_on = matches!(error, RepositoryError::Unavailable(_));
        if !goes_on || interruptions > SCAN_ATTEMPTS || ids::have_position(&of) {
            let _ = batches.send(Err(error)).await;
            return;
        }
        tracing::warn!(%error, collection = of.collection, "a scan was interrupted and goes on");
    }
}

async fn scan_from(
    store: &Store,
    of: &ResourceType,
    after: &mut Option<Id>,
    batches: &mpsc::Sender<Result<Vec<Resource>, RepositoryError>>,
) -> Result<(), Failure> {
    let mut options = FindOptions::builder()
        .sort(ids::order(of))
        .batch_size(SCAN_BATCH)
        .build();
    // A bound of the index, not a filter: `$gt` would leave out ids of other types.
    if let Some(last) = after.as_ref() {
        options.min = Some(doc! { ids::ID: ids::to_bson(last) });
        options.hint = Some(Hint::Keys(doc! { ids::ID: 1 }));
    }
    let collection = store.collection(of);
    let mut cursor = collection
        .find(doc! {})
        .with_options(options)
        .batch()
        .await?;
    while let Some(batch) = cursor.next().await {
        let mut resources = resources_of(of, &batch?)?;
        // The bound includes what was sent last.
        resources.retain(|resource| Some(&resource.id) != after.as_ref());
        if let Some(last) = resources.last() {
            *after = Some(last.id.clone());
        }
        if batches.send(Ok(resources)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The plan of a request for one resource or for the first page.
pub(super) async fn explain(
    store: &Store,
    of: &ResourceType,
    id: Option<&Id>,
) -> Result<String, RepositoryError> {
    let mut find = doc! { "find": &of.collection };
    if let Some(id) = id {
        find.insert("filter", doc! { ids::ID: ids::to_bson(id) });
    } else {
        find.insert("sort", ids::order(of));
        find.insert("limit", 1);
    }
    let command = doc! { "explain": find, "verbosity": "executionStats" };
    let reply = store.database.run_command(command).await;
    let reply = reply.map_err(|error| failure::of_read(&error))?;
    Ok(Bson::Document(reply).into_relaxed_extjson().to_string())
}
