//! Feeds of changes. Readers who see the same share one feed, which is one stream of the store.

mod feed;
mod message;
mod reader;
mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use http::StatusCode;
use jsonapi::Error;
use metrics::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

pub(super) use self::reader::Reader;
pub(super) use self::view::View;

use self::feed::Feed;
use self::view::Key;
use super::Limits;
use super::failure::{Problem, store_error};
use crate::controller::{Controller, Failure};
use crate::schema::ResourceType;
use crate::store::{Point, WatchError};

/// Readers who are behind what their feed keeps read on from the store alone until they are not:
/// so many at a time, the others wait.
const CATCHING_UP_MAX: usize = 128;

/// All feeds of a service.
pub(super) struct Feeds {
    by_view: Mutex<HashMap<Key, Weak<Feed>>>,
    count_max: usize,
    buffer_bytes_max: usize,
    heartbeat: Duration,
    readers: Arc<Semaphore>,
    catching_up: Arc<Semaphore>,
    ending: watch::Receiver<bool>,
}

impl Feeds {
    pub(super) fn new(limits: &Limits, ending: watch::Receiver<bool>) -> Self {
        metrics::describe_gauge!("changes.readers", "Readers of feeds of changes");
        metrics::describe_counter!(
            "changes.readers.too_slow",
            "Readers that were sent away because they did not keep up"
        );
        metrics::gauge!("changes.readers").set(0.0);
        metrics::counter!("changes.readers.too_slow").increment(0);
        let places = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self {
            by_view: Mutex::default(),
            count_max: limits.feeds_max,
            buffer_bytes_max: limits.feed_buffer_bytes_max,
            heartbeat: limits.feed_heartbeat,
            readers: places(limits.feed_readers_max),
            catching_up: places(CATCHING_UP_MAX),
            ending,
        }
    }

    /// A reader of what comes behind a place, or from now on.
    pub(super) async fn join(
        &self,
        controller: &Arc<Controller>,
        view: View,
        after: Option<Point>,
    ) -> Result<Reader, Problem> {
        if *self.ending.borrow() {
            return Err(is_ending().into());
        }
        let place = self.readers.clone().try_acquire_owned();
        let place = place.map_err(|_| too_many("All places for readers are taken."))?;
        let place = ReaderPlace::new(place);
        let resource_type = view.resource_type.clone();
        let feed = self.feed(view)?;
        let problem = |error| problem(&resource_type, error);
        feed.start(controller).await.map_err(problem)?;
        let mut reader = Reader::live(feed, place, self.heartbeat, self.ending.clone());
        if let Some(point) = after {
            let turn = self.catching_up.clone();
            reader
                .go_back(controller, point, turn)
                .await
                .map_err(problem)?;
        }
        Ok(reader)
    }

    /// The feed of a view, if there is one that goes on, or a new one.
    fn feed(&self, view: View) -> Result<Arc<Feed>, Error> {
        let key = view.key();
        let mut feeds = self.by_view.lock().unwrap_or_else(PoisonError::into_inner);
        let known = feeds.get(&key).and_then(Weak::upgrade);
        if let Some(feed) = known.filter(|feed| !feed.has_ended()) {
            return Ok(feed);
        }
        feeds.retain(|_, feed| feed.strong_count() > 0);
        if feeds.len() >= self.count_max {
            return Err(too_many("There are too many feeds with other filters."));
        }
        let feed = Arc::new(Feed::new(view, self.buffer_bytes_max));
        feeds.insert(key, Arc::downgrade(&feed));
        Ok(feed)
    }
}

/// A place among the readers, counted while it is taken.
struct ReaderPlace {
    _permit: OwnedSemaphorePermit,
    readers: Gauge,
}

impl ReaderPlace {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        let readers = metrics::gauge!("changes.readers");
        readers.increment(1.0);
        Self {
            _permit: permit,
            readers,
        }
    }
}

impl Drop for ReaderPlace {
    fn drop(&mut self) {
        self.readers.decrement(1.0);
    }
}

/// The answer where there is no feed.
fn problem(resource_type: &Arc<ResourceType>, error: WatchError) -> Problem {
    match error {
        WatchError::Gone => is_gone().into(),
        WatchError::Unsupported(reason) => is_unsupported(&reason).into(),
        WatchError::Store(error) => Failure::new(resource_type, error.into()).into(),
    }
}

fn is_gone() -> Error {
    Error::new(StatusCode::GONE, "changes_gone", "Changes are gone").detail(
        "What happened behind this place is not kept any more. Read the list anew, and then its \
         changes without a place.",
    )
}

fn is_unsupported(reason: &str) -> Error {
    let (code, title) = ("changes_not_supported", "Changes are not told");
    Error::new(StatusCode::NOT_IMPLEMENTED, code, title)
        .detail(format!("The datastore tells of no changes: {reason}."))
}

fn too_many(reason: &str) -> Error {
    let (code, title) = ("too_many_feeds", "Too many feeds");
    Error::new(StatusCode::SERVICE_UNAVAILABLE, code, title)
        .detail(format!("{reason} The same request may work later."))
}

fn is_ending() -> Error {
    let (code, title) = ("shutting_down", "The process stops");
    Error::new(StatusCode::SERVICE_UNAVAILABLE, code, title)
        .detail("Connect again: another process goes on from the same place.")
}

fn is_too_slow() -> Error {
    metrics::counter!("changes.readers.too_slow").increment(1);
    let (code, title) = ("reader_too_slow", "Reader is too slow");
    Error::new(StatusCode::SERVICE_UNAVAILABLE, code, title).detail(
        "More changes wait than are kept for a reader. Connect again to go on from the last one \
         that was read.",
    )
}

/// The last message where the store fails while readers are there.
fn ended(reason: WatchError) -> Error {
    match reason {
        WatchError::Gone => is_gone(),
        WatchError::Unsupported(reason) => is_unsupported(&reason),
        WatchError::Store(error) => {
            let last = store_error(&error, None);
            if last.status == StatusCode::INTERNAL_SERVER_ERROR {
                tracing::error!(%error, "a feed has ended");
            }
            last
        }
    }
}
