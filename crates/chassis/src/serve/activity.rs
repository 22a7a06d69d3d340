//! What one connection does: written by its socket and its requests, read by the sweep.
//!
//! Times are milliseconds of a clock that the sweep sets, so that a request asks no clock.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// The coarse clock of a server. It counts the time in which the server ran: while the process was
/// stopped or starved, its clients could not be served.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    /// Real milliseconds at the last advance.
    seen: AtomicU64,
    millis: AtomicU64,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            started: Instant::now(),
            seen: AtomicU64::new(0),
            millis: AtomicU64::new(0),
        }
    }

    /// Advances to the present, but by no more than `step_max`.
    pub(super) fn advance(&self, step_max: Duration) {
        let real = millis(self.started.elapsed());
        let step = real - self.seen.swap(real, Relaxed).min(real);
        self.millis.fetch_add(step.min(millis(step_max)), Relaxed);
    }

    pub(super) fn now(&self) -> u64 {
        self.millis.load(Relaxed)
    }

    #[cfg(test)]
    pub(super) fn set(&self, millis: u64) {
        self.millis.store(millis, Relaxed);
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What the sweep asks of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Close it as its protocol closes connections: HTTP/1 when it is idle, HTTP/2 with GOAWAY.
    Finish,
    /// Close it now, whatever is underway.
    Cut,
}

const NO_ORDER: u8 = 0;
const FINISH: u8 = 1;
const CUT: u8 = 2;

#[derive(Debug)]
pub(super) struct Activity {
    clock: Arc<Clock>,
    pub(super) accepted_at: u64,
    requests_seen: AtomicBool,
    requests_open: AtomicU32,
    /// When the last request ended.
    quiet_since: AtomicU64,
    /// When the first byte came that belongs to no request yet; 0 when there is none. HTTP/1 only.
    head_since: AtomicU64,
    written: AtomicU64,
    /// The socket takes no more at the moment.
    blocked: AtomicBool,
    /// The next response of HTTP/1 says that it is the last.
    last_response: AtomicBool,
    http2: AtomicBool,
    /// The responses of HTTP/2 that are underway.
    responses: Mutex<Vec<Arc<ResponseProgress>>>,
    order: AtomicU8,
    ordered: Notify,
}

impl Activity {
    pub(super) fn new(clock: Arc<Clock>) -> Self {
        let now = clock.now();
        Self {
            clock,
            accepted_at: now,
            requests_seen: AtomicBool::new(false),
            requests_open: AtomicU32::new(0),
            quiet_since: AtomicU64::new(now),
            head_since: AtomicU64::new(0),
            written: AtomicU64::new(0),
            blocked: AtomicBool::new(false),
            last_response: AtomicBool::new(false),
            http2: AtomicBool::new(false),
            responses: Mutex::default(),
            order: AtomicU8::new(NO_ORDER),
            ordered: Notify::new(),
        }
    }

    pub(super) fn bytes_came(&self) {
        if self.requests_open.load(Relaxed) == 0 && self.head_since.load(Relaxed) == 0 {
            // 0 means never.
            self.head_since.store(self.clock.now().max(1), Relaxed);
        }
    }

    pub(super) fn bytes_went(&self, count: usize) {
        self.written.fetch_add(count as u64, Relaxed);
        self.blocked.store(false, Relaxed);
    }

    pub(super) fn socket_is_full(&self) {
        self.blocked.store(true, Relaxed);
    }

    pub(super) fn begin_request(self: &Arc<Self>, http2: bool) -> OpenRequest {
        if http2 {
            self.http2.store(true, Relaxed);
        }
        self.requests_open.fetch_add(1, Relaxed);
        self.requests_seen.store(true, Relaxed);
        self.head_since.store(0, Relaxed);
        OpenRequest {
            activity: Arc::clone(self),
        }
    }

    /// Follows a response of HTTP/2, which the client can hold up while others go on.
    pub(super) fn begin_response(&self) -> Arc<ResponseProgress> {
        let progress = Arc::new(ResponseProgress {
            clock: Arc::clone(&self.clock),
            at: AtomicU64::new(self.clock.now()),
            waits_for_client: AtomicBool::new(true),
        });
        let mut responses = self.responses();
        // Those that only this list still knows have ended.
        responses.retain(|response| Arc::strong_count(response) > 1);
        responses.push(Arc::clone(&progress));
        progress
    }

    /// When the client last took something of the response that it holds up longest.
    pub(super) fn oldest_held_up(&self) -> Option<u64> {
        if !self.http2.load(Relaxed) {
            return None;
        }
        let mut responses = self.responses();
        responses.retain(|response| Arc::strong_count(response) > 1);
        let held_up = responses
            .iter()
            .filter(|response| response.waits_for_client.load(Relaxed));
        held_up.map(|response| response.at.load(Relaxed)).min()
    }

    fn responses(&self) -> std::sync::MutexGuard<'_, Vec<Arc<ResponseProgress>>> {
        self.responses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            accepted_at: self.accepted_at,
            requests_seen: self.requests_seen.load(Relaxed),
            requests_open: self.requests_open.load(Relaxed),
            quiet_since: self.quiet_since.load(Relaxed),
            head_since: match self.head_since.load(Relaxed) {
                0 => None,
                since => Some(since),
            },
            written: self.written.load(Relaxed),
            blocked: self.blocked.load(Relaxed),
            http2: self.http2.load(Relaxed),
            held_up_since: self.oldest_held_up(),
        }
    }

    /// Has HTTP/1 close the connection with the response to its next request.
    pub(super) fn make_next_response_the_last(&self) {
        self.last_response.store(true, Release);
    }

    pub(super) fn next_response_is_the_last(&self) -> bool {
        self.last_response.load(Acquire)
    }

    /// Whether what is written may be an answer to a head that HTTP/1 could not read.
    pub(super) fn may_be_unreadable(&self) -> bool {
        self.requests_open.load(Relaxed) == 0 && !self.http2.load(Relaxed)
    }

    pub(super) fn order(&self, order: Order) {
        let code = match order {
            Order::Finish => FINISH,
            Order::Cut => CUT,
        };
        self.order.fetch_max(code, AcqRel);
        self.ordered.notify_one();
    }

    pub(super) fn was_cut(&self) -> bool {
        self.order.load(Acquire) == CUT
    }

    /// Waits for the next order.
    pub(super) async fn ordered(&self) -> Order {
        self.ordered.notified().await;
        if self.was_cut() {
            Order::Cut
        } else {
            Order::Finish
        }
    }
}

/// The state of a connection at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snapshot {
    pub(super) accepted_at: u64,
    pub(super) requests_seen: bool,
    pub(super) requests_open: u32,
    pub(super) quiet_since: u64,
    pub(super) head_since: Option<u64>,
    pub(super) written: u64,
    pub(super) blocked: bool,
    pub(super) http2: bool,
    pub(super) held_up_since: Option<u64>,
}

/// A request from its head to the end of its response.
#[derive(Debug)]
pub(super) struct OpenRequest {
    activity: Arc<Activity>,
}

impl OpenRequest {
    pub(super) fn activity(&self) -> &Activity {
        &self.activity
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let now = self.activity.clock.now();
        self.activity.quiet_since.store(now, Relaxed);
        self.activity.requests_open.fetch_sub(1, Relaxed);
    }
}

/// How far the client takes one response of HTTP/2.
#[derive(Debug)]
pub(super) struct ResponseProgress {
    clock: Arc<Clock>,
    at: AtomicU64,
    waits_for_client: AtomicBool,
}

impl ResponseProgress {
    /// The client took what there was; `ready` says whether there is more for it already.
    pub(super) fn note(&self, ready: bool) {
        self.at.store(self.clock.now(), Relaxed);
        self.waits_for_client.store(ready, Relaxed);
    }
}
