//! One reader of a feed, and what it is sent next.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use jsonapi::{Error, Errors};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep_until};

use super::feed::{Feed, Mark, Next};
use super::{ReaderPlace, ended, is_ending, is_too_slow, message};
use crate::controller::Controller;
use crate::store::{BATCHES_WATCHED_MAX, Point, StoreError, WatchError, Watching};

/// So many ends have to come until one of them was surely asked for afterwards: those that wait,
/// the one that waits to be the next, and it.
const ENDS_MIN: u64 = BATCHES_WATCHED_MAX as u64 + 2;

/// One reader of a feed.
pub(in crate::api) struct Reader {
    feed: Arc<Feed>,
    state: State,
    /// The reader knows all up to here.
    point: Option<Point>,
    /// The place that the client was last told of.
    told: Option<Point>,
    grown: watch::Receiver<()>,
    ending: watch::Receiver<bool>,
    heartbeat: Duration,
    next_heartbeat: Instant,
    has_begun: bool,
    _place: ReaderPlace,
}

enum State {
    /// The number of its next message.
    Live(u64),
    /// It reads what the feed does not keep.
    Behind(Box<Behind>),
    Ended,
}

/// A reader joins its feed again behind a change that both know, or where nothing has changed while
/// the store told both of them its end.
struct Behind {
    watching: Watching,
    /// How far the feed was when the reader last looked, and how often the end was told since then.
    mark: Mark,
    ends: u64,
    waiting: VecDeque<(Point, Option<Bytes>)>,
    _turn: OwnedSemaphorePermit,
}

/// What a reader waits for.
enum Step {
    Send(Bytes),
    End(Error),
    /// Look again.
    Again,
}

impl Reader {
    /// A reader of what comes from now on.
    pub(super) fn live(
        feed: Arc<Feed>,
        place: ReaderPlace,
        heartbeat: Duration,
        ending: watch::Receiver<bool>,
    ) -> Self {
        let mark = feed.mark();
        Self {
            grown: feed.grown(),
            feed,
            state: State::Live(mark.next),
            point: mark.passed,
            told: None,
            ending,
            heartbeat,
            next_heartbeat: Instant::now() + heartbeat,
            has_begun: false,
            _place: place,
        }
    }

    /// Goes back to what came behind a place: to the messages of the feed, or to the store.
    pub(super) async fn go_back(
        &mut self,
        controller: &Controller,
        point: Point,
        turns: Arc<Semaphore>,
    ) -> Result<(), WatchError> {
        if let Some(number) = self.feed.behind(&point) {
            self.state = State::Live(number);
        } else {
            let turn = turns.acquire_owned().await;
            let turn = turn.map_err(|error| StoreError::Internal(error.to_string()))?;
            let resource_type = &self.feed.view.resource_type;
            let watching = controller.watch(resource_type, Some(&point)).await?;
            self.state = State::Behind(Box::new(Behind {
                watching,
                mark: self.feed.mark(),
                ends: 0,
                waiting: VecDeque::new(),
                _turn: turn,
            }));
        }
        self.point = Some(point);
        Ok(())
    }

    /// The answer's body, which ends when the client leaves or is told that it ends.
    pub(in crate::api) fn into_body(self) -> Body {
        let next = |mut reader: Self| async move {
            let text = reader.next().await?;
            Some((Ok::<_, Infallible>(text), reader))
        };
        Body::from_stream(stream::unfold(self, next))
    }

    async fn next(&mut self) -> Option<Bytes> {
        if !self.has_begun {
            self.has_begun = true;
            if let Some(point) = &self.point {
                self.told = Some(point.clone());
                return Some(message::beginning(&self.feed.view.id(point)));
            }
        }
        loop {
            let step = match &mut self.state {
                State::Ended => return None,
                State::Live(number) => {
                    let number = *number;
                    self.step(number).await
                }
                State::Behind(_) => self.catch_up().await,
            };
            match step {
                Step::Again => {}
                Step::Send(text) => {
                    self.next_heartbeat = Instant::now() + self.heartbeat;
                    return Some(text);
                }
                Step::End(error) => {
                    self.state = State::Ended;
                    return Some(message::end(&Errors::from(error).to_json()));
                }
            }
        }
    }

    /// What the feed has for it.
    async fn step(&mut self, number: u64) -> Step {
        match self.feed.get(number) {
            Next::Message(text, point) => {
                self.state = State::Live(number + 1);
                self.point = Some(point);
                text.map_or(Step::Again, |text| self.send(text))
            }
            Next::Missed => Step::End(is_too_slow()),
            Next::Ended(reason) => Step::End(ended(reason)),
            Next::Nothing(passed) => {
                self.point = passed;
                self.wait().await
            }
        }
    }

    async fn wait(&mut self) -> Step {
        tokio::select! {
            () = ends(&mut self.ending) => Step::End(is_ending()),
            // The feed, which sends, is there as long as the reader is.
            _ = self.grown.changed() => Step::Again,
            () = sleep_until(self.next_heartbeat) => Step::Send(self.beat()),
        }
    }

    fn beat(&mut self) -> Bytes {
        let moved = self.point.as_ref().filter(|_| self.point != self.told);
        let text = message::heartbeat(moved.map(|point| self.feed.view.id(point)).as_deref());
        self.told.clone_from(&self.point);
        text
    }

    /// A message that names the place behind it.
    fn send(&mut self, text: Bytes) -> Step {
        self.told.clone_from(&self.point);
        Step::Send(text)
    }

    /// What the store tells of the time before the feed's messages.
    async fn catch_up(&mut self) -> Step {
        let State::Behind(behind) = &mut self.state else {
            return Step::Again;
        };
        if let Some((point, text)) = behind.waiting.pop_front() {
            let known = self.feed.behind(&point);
            self.point = Some(point);
            if let Some(number) = known {
                self.state = State::Live(number);
            }
            return text.map_or(Step::Again, |text| self.send(text));
        }
        let next = tokio::select! {
            () = ends(&mut self.ending) => return Step::End(is_ending()),
            next = behind.watching.next() => next,
            () = sleep_until(self.next_heartbeat) => return Step::Send(self.beat()),
        };
        let events = match next {
            Ok(events) => events,
            Err(reason) => return Step::End(ended(reason)),
        };
        for event in &events.events {
            match self.feed.view.message(event) {
                Ok(text) => behind.waiting.push_back((event.point.clone(), text)),
                Err(error) => return Step::End(ended(error.into())),
            }
        }
        if behind.waiting.is_empty() {
            self.point = Some(events.passed);
        }
        if behind.is_quiet(&self.feed, events.is_end) {
            self.state = State::Live(behind.mark.next);
        }
        Step::Again
    }
}

impl Behind {
    /// Whether both the feed and the reader have come to the end since they were last looked at, and
    /// neither has met a change. Ends that were waiting already may be older; the one behind them was
    /// asked for after that.
    fn is_quiet(&mut self, feed: &Feed, is_end: bool) -> bool {
        let now = feed.mark();
        if now.next != self.mark.next || !self.waiting.is_empty() {
            (self.mark, self.ends) = (now, 0);
            return false;
        }
        self.ends += u64::from(is_end);
        self.ends >= ENDS_MIN && now.ends >= self.mark.ends + ENDS_MIN
    }
}

/// Waits until the process stops.
async fn ends(ending: &mut watch::Receiver<bool>) {
    if ending.wait_for(|ends| *ends).await.is_err() {
        std::future::pending::<()>().await;
    }
}
