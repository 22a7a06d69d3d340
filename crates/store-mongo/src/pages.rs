//! Pages of a collection.

use std::sync::Arc;

use mongodb::ClientSession;
use mongodb::bson::doc;
use mongodb::options::{AggregateOptions, FindOptions, ReadConcern};
use tokio::sync::mpsc;

use super::calls::Kind;
use super::cursor::Cursor;
use super::failure::{self, Failure, read_failure};
use super::rounds::Rounds;
use super::{Connection, ids};
use resources::query::Query;
use resources::schema::ResourceType;
use resources::store::Batch;
use resources::store::{Page, Resources, Scan, StoreError};

/// Up to this size the total of a collection is counted; the server's own figure is taken above,
/// because counting takes time with each resource.
const COUNTED_MAX: i64 = 100_000;

/// Pages of the types that the keys name; `None` tells a reader to ask alone.
pub(super) type Pages = Rounds<(String, Query), (), Option<Answer>>;

type Answer = Result<Page, StoreError>;

/// A page, read once for all who want the same one at the same time.
pub(super) async fn list(store: &Arc<Connection>, of: &Arc<ResourceType>, query: Query) -> Answer {
    let (place, kind) = (store.clone(), of.clone());
    let read_once = move |readers: Vec<()>| async move {
        let page = read(&place, &kind, query).await;
        let mut answers: Vec<_> = readers[1..].iter().map(|()| copy(&page)).collect();
        answers.push(Some(page));
        answers
    };
    let key = (of.name.clone(), query);
    match store.pages.answer(key, (), read_once).await? {
        Some(answer) => answer,
        None => read(store, of, query).await,
    }
}

/// The same page for another reader; what has not arrived yet can only be read by one.
fn copy(answer: &Answer) -> Option<Answer> {
    match answer {
        Ok(page) if page.rest.is_some() => None,
        Ok(page) => Some(Ok(Page {
            resources: page.resources.clone(),
            rest: None,
            total: page.total,
        })),
        Err(error) => Some(Err(error.clone())),
    }
}

/// One request where the page shows the end of the collection, which tells its size; else the
/// resources are counted, as of the moment of the page. What does not fit the server's first
/// reply (16 MB) follows while the reader takes it.
async fn read(store: &Arc<Connection>, of: &Arc<ResourceType>, query: Query) -> Answer {
    let (place, kind) = (store.clone(), of.clone());
    let work = Box::pin(async move { begin_list(&place, &kind, query).await });
    let begun = store.calls.run(Kind::Read, work).await?;
    let missing = query.page.size - begun.first.len() as u64;
    let rest = begun.cursor.map(|cursor| {
        let (batches, rest) = Scan::channel();
        tokio::spawn(send_rest(store.clone(), cursor, missing, batches));
        rest
    });
    Ok(Page {
        resources: Arc::new(begun.first),
        rest,
        total: begun.total,
    })
}

/// A page as far as the first reply has it.
struct Begun {
    first: Resources,
    total: u64,
    /// Where there is more.
    cursor: Option<Cursor>,
}

async fn begin_list(
    store: &Connection,
    of: &Arc<ResourceType>,
    query: Query,
) -> Result<Begun, StoreError> {
    if store.has_snapshots() {
        let session = store.client.start_session().snapshot(true).await;
        let session = session.map_err(|error| failure::of_read(&error))?;
        // Said aloud, because a level in the connection string would take its place.
        let concern = Some(ReadConcern::snapshot());
        match begin_list_in(store, of, query, session, concern).await {
            Err(Failure::Driver(error)) if failure::has_no_snapshots(&error) => {
                store.forget_snapshots();
            }
            outcome => return outcome.map_err(read_failure),
        }
    }
    let session = store.client.start_session().await;
    let session = session.map_err(|error| failure::of_read(&error))?;
    let begun = begin_list_in(store, of, query, session, None).await;
    begun.map_err(read_failure)
}

async fn begin_list_in(
    store: &Connection,
    of: &Arc<ResourceType>,
    query: Query,
    session: ClientSession,
    concern: Option<ReadConcern>,
) -> Result<Begun, Failure> {
    let (offset, size) = (query.page.offset(), query.page.size);
    // One more than asked for tells whether the collection ends here.
    let wanted = size.saturating_add(1);
    let mut options = FindOptions::builder()
        .sort(ids::order(of))
        .skip(offset)
        .limit(i64::try_from(wanted).unwrap_or(i64::MAX))
        .batch_size(u32::try_from(wanted).unwrap_or(u32::MAX))
        .max_time(store.calls.time_max())
        .build();
    options.read_concern.clone_from(&concern);
    let mut cursor = Cursor::open(store, of, session, options).await?;
    let mut first = cursor.next().await?.unwrap_or_default();
    let got = first.len() as u64;
    let shows_end = cursor.has_ended() && got <= size && (got > 0 || offset == 0);
    let total = if shows_end {
        offset + got
    } else {
        // An estimate must not contradict what the page shows.
        let shown = if got > 0 { offset + got } else { 0 };
        let total = count(store, of, cursor.session(), concern, COUNTED_MAX).await?;
        total.max(shown)
    };
    first.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    let more = !cursor.has_ended() && got < size;
    Ok(Begun {
        first,
        total,
        cursor: more.then_some(cursor),
    })
}

/// Sends what is missing of a page; ends early when nobody listens.
async fn send_rest(
    store: Arc<Connection>,
    cursor: Cursor,
    missing: u64,
    batches: mpsc::Sender<Batch>,
) {
    if let Err(error) = send_missing(&store, cursor, missing, &batches).await {
        let _ = batches.send(Err(error)).await;
    }
}

async fn send_missing(
    store: &Arc<Connection>,
    mut cursor: Cursor,
    mut missing: u64,
    batches: &mpsc::Sender<Batch>,
) -> Result<(), StoreError> {
    while missing > 0
        && let (next, Some(mut batch)) = cursor.next_in_time(store).await?
    {
        cursor = next;
        batch.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
        missing -= batch.len() as u64;
        if batches.send(Ok(batch)).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// The resources of a collection, or the server's own figure where there are more than `bound`.
pub(super) async fn count(
    store: &Connection,
    of: &ResourceType,
    session: &mut ClientSession,
    concern: Option<ReadConcern>,
    bound: i64,
) -> Result<u64, Failure> {
    let collection = store.collection(of);
    let pipeline = [doc! { "$limit": bound + 1 }, doc! { "$count": "total" }];
    let mut options = AggregateOptions::default();
    options.max_time = Some(store.calls.time_max());
    options.read_concern = concern;
    let aggregate = collection.aggregate(pipeline).with_options(options);
    let mut cursor = aggregate.session(&mut *session).await?;
    let counted = match cursor.next(session).await.transpose()? {
        Some(counted) => counted
            .get("total")
            .and_then(|total| total.as_i64().or_else(|| total.as_i32().map(i64::from)))
            .unwrap_or_default(),
        // Nothing counted is no document at all.
        None => 0,
    };
    if counted > bound {
        let estimate = collection.estimated_document_count();
        return Ok(estimate.max_time(store.calls.time_max()).await?);
    }
    Ok(u64::try_from(counted).unwrap_or_default())
}
