//! The changes of a collection by a change stream.
//!
//! Streams have a client of their own: each keeps a connection while it waits, which must be
//! taken from no request.

use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, RawBson, RawDocumentBuf, doc};
use mongodb::change_stream::ChangeStream;
use mongodb::change_stream::event::{
    ChangeStreamEvent, OperationType, ResumeToken, UpdateDescription,
};
use mongodb::error::Error;
use mongodb::options::FullDocumentType;
use resources::schema::ResourceType;
use resources::store::{Event, EventKind, Events, Point, StoreError, WatchError, Watching};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::Instrument;

use crate::connection::{Connection, primary};
use crate::failure::{code, of_read};
use crate::write::HOLD;
use crate::{ids, json};

/// How long the server waits for a change before it says that there is none; a stream that nobody
/// wants any more ends so soon.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// A server that has said nothing for so long is away, though its connection may not show it.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// A standalone server has no change streams.
const NEEDS_REPLICA_SET: i32 = 40573;

/// `FailedToParse`, and 50811 where the token is none; `InvalidResumeToken`,
/// `ChangeStreamFatalError`, `ChangeStreamHistoryLost`; 40576, 40585 and 40615 of older servers
/// whose oplog does not have the token.
const GONE: [i32; 8] = [9, 260, 280, 286, 40576, 40585, 40615, 50811];

/// What holds the text of a token.
const TOKEN: &str = "_data";

type Stream = ChangeStream<ChangeStreamEvent<RawDocumentBuf>>;

/// Watches a collection.
pub(crate) async fn watching(
    store: &Arc<Connection>,
    resource_type: &Arc<ResourceType>,
    after: Option<&Point>,
) -> Result<Watching, WatchError> {
    store.circuit.admit()?;
    let token = after.map(token_of).transpose()?;
    let (connection, of) = (store.clone(), resource_type.clone());
    // A task, because the driver's futures must run to their end.
    let opening = tokio::spawn(async move { open(&connection, &of, token).await });
    let opened = opening.await;
    let (stream, from) = opened.map_err(|panic| StoreError::Internal(panic.to_string()))??;
    let (batches, watching) = Watching::channel(from.clone());
    let of = resource_type.clone();
    tokio::spawn(run(stream, of, from, batches).in_current_span());
    Ok(watching)
}

/// A stream and where it begins.
async fn open(
    store: &Connection,
    resource_type: &ResourceType,
    token: Option<ResumeToken>,
) -> Result<(Stream, Point), WatchError> {
    let database = store.watching()?.database(store.database.name());
    let collection = database.collection::<RawDocumentBuf>(&resource_type.collection);
    let watch = collection
        .watch()
        .full_document(FullDocumentType::UpdateLookup)
        .max_await_time(WAIT_MAX)
        .selection_criteria(primary());
    let stream = match token.clone() {
        Some(token) => watch.resume_after(token).await,
        None => watch.await,
    };
    let stream = stream.map_err(|error| failure(&error, token.is_some()))?;
    let from = token.or_else(|| stream.resume_token());
    let from = from.and_then(|token| point_of(&token));
    let old = || WatchError::Unsupported("the server names no places of its history".to_owned());
    Ok((stream, from.ok_or_else(old)?))
}

async fn run(
    mut stream: Stream,
    resource_type: Arc<ResourceType>,
    mut passed: Point,
    batches: mpsc::Sender<Result<Events, WatchError>>,
) {
    while !batches.is_closed() {
        let Ok(next) = timeout(SILENCE_MAX, stream.next_if_any()).await else {
            let text = format!("no answer within {SILENCE_MAX:?}");
            let _ = batches
                .send(Err(StoreError::Unavailable(text).into()))
                .await;
            // With the stream its connection goes, which nobody can use any more.
            return;
        };
        let told = match next {
            Ok(Some(next)) => event(&resource_type, &next),
            Ok(None) if stream.is_alive() => {
                let now = stream.resume_token().and_then(|token| point_of(&token));
                Ok(Events {
                    events: Vec::new(),
                    passed: now.unwrap_or_else(|| passed.clone()),
                    is_end: true,
                })
            }
            Ok(None) => Err(WatchError::Gone),
            Err(error) => Err(failure(&error, true)),
        };
        let failed = told.is_err();
        if let Ok(told) = &told {
            passed = told.passed.clone();
        }
        if batches.send(told).await.is_err() || failed {
            return;
        }
    }
}

/// A change as the server tells it. What ends the collection ends its history.
fn event(
    resource_type: &ResourceType,
    told: &ChangeStreamEvent<RawDocumentBuf>,
) -> Result<Events, WatchError> {
    let kind = match told.operation_type {
        OperationType::Insert => EventKind::Created,
        OperationType::Update | OperationType::Replace => EventKind::Updated,
        OperationType::Delete => EventKind::Deleted,
        _ => return Err(WatchError::Gone),
    };
    let is_hold = told.update_description.as_ref().is_some_and(only_holds);
    let unreadable = || StoreError::Internal("a change names no document or place".to_owned());
    let passed = point_of(&told.id).ok_or_else(unreadable)?;
    let key = told.document_key.as_ref().and_then(|key| key.get(ids::ID));
    let key = RawBson::try_from(key.ok_or_else(unreadable)?.clone());
    let key = key.map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let document = told.full_document.as_deref();
    let resource = document.map(|document| json::resource(resource_type, document));
    let event = Event {
        point: passed.clone(),
        kind,
        id: json::id_from_bson(key.as_raw_bson_ref()),
        resource: resource.transpose()?,
    };
    Ok(Events {
        events: (!is_hold).then_some(event).into_iter().collect(),
        passed,
        is_end: false,
    })
}

/// Whether an update leaves the resource as it was, for a transaction that demands it.
fn only_holds(update: &UpdateDescription) -> bool {
    let mut set = update.updated_fields.keys().map(String::as_str);
    let mut removed = update.removed_fields.iter().map(String::as_str);
    let is_any = !update.updated_fields.is_empty() || !update.removed_fields.is_empty();
    is_any && set.all(|name| name == HOLD) && removed.all(|name| name == HOLD)
}

/// The place that a token names: its text, which is hexadecimal.
/// <https://www.mongodb.com/docs/manual/changeStreams/#resume-tokens>.
fn point_of(token: &ResumeToken) -> Option<Point> {
    let token = bson::serialize_to_bson(token).ok()?;
    let text = token.as_document()?.get_str(TOKEN).ok()?;
    Some(Point::new(text))
}

fn token_of(point: &Point) -> Result<ResumeToken, WatchError> {
    let token = point.as_str();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(WatchError::Gone);
    }
    let token = Bson::Document(doc! { TOKEN: token });
    bson::deserialize_from_bson(token).map_err(|_| WatchError::Gone)
}

fn failure(error: &Error, has_token: bool) -> WatchError {
    match code(error) {
        Some(NEEDS_REPLICA_SET) => WatchError::Unsupported(
            "change streams need a replica set (one member is enough) or a sharded cluster"
                .to_owned(),
        ),
        Some(code) if has_token && GONE.contains(&code) => WatchError::Gone,
        _ => of_read(error.clone()).into(),
    }
}
