//! One feed: the stream of the store that all of its readers share, and its latest messages, which
//! each reader takes at its own pace.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OnceCell, oneshot, watch};
use tokio::time::sleep;

use super::view::View;
use crate::controller::Controller;
use crate::schema::ResourceType;
use crate::store::{Events, Point, StoreError, WatchError, Watching};

/// How long a feed waits before it asks a store again that has failed.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a message takes besides its text and its id, in bytes.
const AROUND: usize = 128;

/// The messages of a feed for all of its readers.
pub(super) struct Feed {
    pub(super) view: View,
    /// What the messages that are kept hold together, in bytes; the last one is always kept.
    bytes_max: usize,
    ring: Mutex<Ring>,
    grown: watch::Sender<()>,
    started: OnceCell<oneshot::Sender<()>>,
}

#[derive(Default)]
struct Ring {
    messages: VecDeque<Message>,
    bytes: usize,
    /// The number of the first message that is kept, from 0.
    first: u64,
    /// Every change behind this place is kept.
    floor: Option<Point>,
    /// Up to here the store has told all.
    passed: Option<Point>,
    /// How often the store has told its end.
    ends: u64,
    /// Why nothing comes any more.
    ended: Option<WatchError>,
}

/// A change, and what is told of it.
struct Message {
    point: Point,
    text: Option<Bytes>,
}

/// How far a feed is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// The number of the next message.
    pub(super) next: u64,
    /// The place before it.
    pub(super) passed: Option<Point>,
    /// How often the store has told its end.
    pub(super) ends: u64,
}

/// What a feed has for a reader.
pub(super) enum Next {
    /// The next change, what is told of it, and the place behind it.
    Message(Option<Bytes>, Point),
    /// Nothing now. All up to this place was told.
    Nothing(Option<Point>),
    /// The next message is not kept any more.
    Missed,
    /// Nothing comes any more.
    Ended(WatchError),
}

impl Feed {
    pub(super) fn new(view: View, bytes_max: usize) -> Self {
        Self {
            view,
            bytes_max,
            ring: Mutex::default(),
            grown: watch::Sender::new(()),
            started: OnceCell::new(),
        }
    }

    /// Begins to watch the store, unless that was done.
    pub(super) async fn start(
        self: &Arc<Self>,
        controller: &Arc<Controller>,
    ) -> Result<(), WatchError> {
        let start = || async {
            let watching = controller.watch(&self.view.resource_type, None).await?;
            let mut ring = self.ring();
            ring.floor = Some(watching.from.clone());
            ring.passed = Some(watching.from.clone());
            drop(ring);
            let (alive, left) = oneshot::channel();
            let running = run(Arc::downgrade(self), controller.clone(), watching);
            tokio::spawn(async move {
                tokio::select! {
                    () = running => {}
                    // The last reader has left.
                    _ = left => {}
                }
            });
            Ok(alive)
        };
        self.started.get_or_try_init(start).await.map(drop)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ring().ended.is_some()
    }

    /// Tells when there may be more.
    pub(super) fn grown(&self) -> watch::Receiver<()> {
        self.grown.subscribe()
    }

    pub(super) fn mark(&self) -> Mark {
        let ring = self.ring();
        Mark {
            next: ring.first + ring.messages.len() as u64,
            passed: ring.passed.clone(),
            ends: ring.ends,
        }
    }

    /// The number of the first message behind a place, if the feed knows the place.
    pub(super) fn behind(&self, point: &Point) -> Option<u64> {
        let ring = self.ring();
        let at = ring.messages.iter().rposition(|one| one.point == *point);
        let before = match at {
            Some(at) => at + 1,
            None if ring.passed.as_ref() == Some(point) => ring.messages.len(),
            None if ring.floor.as_ref() == Some(point) => 0,
            None => return None,
        };
        Some(ring.first + before as u64)
    }

    /// What there is with this number.
    pub(super) fn get(&self, number: u64) -> Next {
        let ring = self.ring();
        let Some(at) = number.checked_sub(ring.first) else {
            return Next::Missed;
        };
        let message = usize::try_from(at)
            .ok()
            .and_then(|at| ring.messages.get(at));
        match (message, &ring.ended) {
            (Some(message), _) => Next::Message(message.text.clone(), message.point.clone()),
            (None, Some(reason)) => Next::Ended(reason.clone()),
            (None, None) => Next::Nothing(ring.passed.clone()),
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the store tells.
    fn take(&self, events: &Events) -> Result<(), StoreError> {
        let mut messages = Vec::with_capacity(events.events.len());
        for event in &events.events {
            let (point, text) = (event.point.clone(), self.view.message(event)?);
            messages.push(Message { point, text });
        }
        let has_more = !messages.is_empty();
        let mut ring = self.ring();
        for message in messages {
            ring.push(message, self.bytes_max);
        }
        ring.passed = Some(events.passed.clone());
        ring.ends += u64::from(events.is_end);
        drop(ring);
        if has_more {
            self.grown.send_replace(());
        }
        Ok(())
    }

    fn end(&self, reason: WatchError) {
        self.ring().ended = Some(reason);
        self.grown.send_replace(());
    }
}

impl Ring {
    fn push(&mut self, message: Message, bytes_max: usize) {
        self.bytes += message.size();
        self.messages.push_back(message);
        while self.bytes > bytes_max && self.messages.len() > 1 {
            if let Some(oldest) = self.messages.pop_front() {
                self.bytes -= oldest.size();
                self.first += 1;
                self.floor = Some(oldest.point);
            }
        }
    }
}

impl Message {
    fn size(&self) -> usize {
        self.text.as_ref().map_or(0, Bytes::len) + self.point.as_str().len() + AROUND
    }
}

/// Takes what the store tells until it can tell no more. A store that is away is asked again.
async fn run(feed: Weak<Feed>, controller: Arc<Controller>, mut watching: Watching) {
    let mut passed = watching.from.clone();
    loop {
        let next = watching.next().await;
        let Some(strong) = feed.upgrade() else { return };
        let taken = next.and_then(|events| {
            strong.take(&events)?;
            Ok(events.passed)
        });
        match taken {
            Ok(now) => passed = now,
            Err(WatchError::Store(error)) if passes(&error) => {
                tracing::warn!(%error, "a feed was interrupted and goes on");
                let resource_type = strong.view.resource_type.clone();
                // It must be able to go while the store is away.
                drop(strong);
                match again(&resource_type, &controller, &passed).await {
                    Ok(more) => watching = more,
                    Err(reason) => return end(&feed, reason),
                }
            }
            Err(reason) => return strong.end(reason),
        }
    }
}

fn end(feed: &Weak<Feed>, reason: WatchError) {
    if let Some(feed) = feed.upgrade() {
        feed.end(reason);
    }
}

async fn again(
    resource_type: &Arc<ResourceType>,
    controller: &Controller,
    passed: &Point,
) -> Result<Watching, WatchError> {
    loop {
        sleep(PATIENCE).await;
        match controller.watch(resource_type, Some(passed)).await {
            Err(WatchError::Store(error)) if passes(&error) => {}
            outcome => return outcome,
        }
    }
}

fn passes(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_) | StoreError::Busy(_))
}
