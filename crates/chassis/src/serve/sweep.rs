//! Looks at all connections several times a second and ends those that take too long.
//!
//! One task instead of a timer for each connection and request: an idle connection costs nothing
//! between two looks, and the rules stand in one place.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::ServeLimits;
use super::activity::{Activity, Clock, Order, Snapshot, millis};
use super::counted::Counted;

/// A client that takes less than this in a whole write timeout counts as one that does not read.
const PROGRESS_BYTES_MIN: u64 = 4096;

/// How long a connection that has not asked anything yet is waited for in a drain. Its request may
/// be on the wire.
const FIRST_REQUEST_GRACE: Duration = Duration::from_millis(500);

/// An idle connection is closed for the sake of a new one only when it was quiet for so long.
const EVICTION_QUIET: Duration = Duration::from_millis(500);

/// One of so many connections is closed at a time, if it is idle.
const EVICTION_SHARE: usize = 128;

/// All open connections of a server.
#[derive(Debug)]
pub(super) struct Connections {
    pub(super) clock: Arc<Clock>,
    limits: ServeLimits,
    entries: Mutex<HashMap<u64, Entry>>,
    next_key: AtomicU64,
    counted: Counted,
}

#[derive(Debug)]
struct Entry {
    activity: Arc<Activity>,
    age_max: u64,
    /// When the client had last taken enough, and what it had taken then.
    progress: (u64, u64),
    /// When an answer was last seen to wait for the client.
    blocked_at: u64,
    /// When it was asked to finish.
    finishing_since: Option<u64>,
}

/// Why a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Keep,
    /// The next response of HTTP/1 is the last; HTTP/2 says GOAWAY.
    Retire,
    Finish(&'static str),
    Cut(&'static str),
}

impl Connections {
    pub(super) fn new(limits: ServeLimits) -> Self {
        Self {
            clock: Arc::new(Clock::start()),
            limits,
            entries: Mutex::default(),
            next_key: AtomicU64::new(1),
            counted: Counted::new(),
        }
    }

    pub(super) fn open(self: &Arc<Self>, draining: bool) -> Registration {
        let key = self.next_key.fetch_add(1, Ordering::Relaxed);
        let activity = Arc::new(Activity::new(Arc::clone(&self.clock)));
        if draining {
            activity.make_next_response_the_last();
        }
        let entry = Entry {
            activity: Arc::clone(&activity),
            age_max: jittered(self.limits.connection_age_max, key),
            progress: (self.clock.now(), 0),
            blocked_at: 0,
            finishing_since: None,
        };
        self.entries().insert(key, entry);
        self.counted.opened();
        Registration {
            connections: Arc::clone(self),
            key,
            activity,
        }
    }

    /// How often to look: often enough that the shortest limit is kept by a quarter of itself.
    pub(super) fn interval(&self, draining: bool) -> Duration {
        let limits = &self.limits;
        let mut shortest = limits
            .header_read_timeout
            .min(limits.idle_timeout)
            .min(limits.write_timeout);
        if draining {
            shortest = shortest.min(limits.drain_quiet);
        }
        (shortest / 4).clamp(Duration::from_millis(5), Duration::from_millis(250))
    }

    /// Brings the clock up to date.
    pub(super) fn advance_clock(&self, draining: bool) {
        self.clock.advance(self.interval(draining) * 2);
    }

    /// Looks at every connection once.
    pub(super) fn sweep(&self, drain_since: Option<u64>) {
        self.advance_clock(drain_since.is_some());
        let now = self.clock.now();
        for entry in self.entries().values_mut() {
            let seen = entry.activity.snapshot();
            let verdict = entry.judge(&seen, now, &self.limits, drain_since);
            match verdict {
                Verdict::Keep => {}
                Verdict::Retire if !seen.http2 => entry.activity.make_next_response_the_last(),
                Verdict::Retire => entry.finish(now),
                Verdict::Finish(reason) => {
                    tracing::debug!(reason, "connection finishes");
                    entry.finish(now);
                }
                Verdict::Cut(reason) => {
                    tracing::debug!(reason, "connection cut");
                    entry.activity.order(Order::Cut);
                }
            }
        }
    }

    /// Has each connection that there is end with its next response; one of HTTP/2 is told at once.
    pub(super) fn retire_all(&self) {
        let now = self.clock.now();
        for entry in self.entries().values_mut() {
            entry.activity.make_next_response_the_last();
            if entry.activity.snapshot().http2 {
                entry.finish(now);
            }
        }
    }

    /// Cuts what is still there.
    pub(super) fn cut_all(&self) -> usize {
        let entries = self.entries();
        for entry in entries.values() {
            entry.activity.order(Order::Cut);
        }
        entries.len()
    }

    /// Closes the idle connections that have been quiet longest, so that new ones find room: a
    /// batch, because one look costs as much as there are connections.
    pub(super) fn evict_idle(&self) {
        let now = self.clock.now();
        let over = |since: u64| now.saturating_sub(since) >= millis(EVICTION_QUIET);
        let mut entries = self.entries();
        let count_max = (entries.len() / EVICTION_SHARE).max(1);
        let quiet_since = |entry: &mut Entry| {
            let seen = entry.activity.snapshot();
            let idle = seen.requests_open == 0 && !seen.blocked && entry.finishing_since.is_none();
            // A head that has just begun to come is no silence.
            let head_is_young = !seen.http2 && seen.head_since.is_some_and(|since| !over(since));
            let quiet = idle && !head_is_young && over(seen.quiet_since);
            quiet.then_some(seen.quiet_since)
        };
        let mut idle: Vec<(u64, &mut Entry)> = entries
            .values_mut()
            .filter_map(|entry| Some((quiet_since(entry)?, entry)))
            .collect();
        if idle.len() > count_max {
            idle.select_nth_unstable_by_key(count_max - 1, |(since, _)| *since);
        }
        for (_, entry) in idle.into_iter().take(count_max) {
            entry.finish(now);
            if !entry.activity.snapshot().requests_seen {
                entry.activity.order(Order::Cut);
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        self.entries().len()
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn finish(&mut self, now: u64) {
        self.finishing_since.get_or_insert(now);
        self.activity.order(Order::Finish);
    }

    fn judge(
        &mut self,
        seen: &Snapshot,
        now: u64,
        limits: &ServeLimits,
        drain_since: Option<u64>,
    ) -> Verdict {
        let over = |since: u64, limit: Duration| now.saturating_sub(since) >= millis(limit);
        let enough = seen.written - self.progress.1 >= PROGRESS_BYTES_MIN;
        if !seen.blocked || enough {
            self.progress = (now, seen.written);
        }
        if over(self.progress.0, limits.write_timeout) {
            return Verdict::Cut("the client does not read");
        }
        if let Some(since) = seen.held_up_since
            && over(since, limits.write_timeout)
        {
            return Verdict::Cut("the client does not read a response");
        }
        // Only a first request shows that a connection speaks HTTP/2, and it may come in the drain.
        if drain_since.is_some() && seen.http2 && self.finishing_since.is_none() {
            return Verdict::Finish("the drain");
        }
        if !seen.requests_seen {
            let grace = FIRST_REQUEST_GRACE.min(limits.drain_quiet);
            let late = drain_since.is_some_and(|since| over(since.max(seen.accepted_at), grace));
            if late || over(seen.accepted_at, limits.header_read_timeout) {
                return Verdict::Cut("no request in time");
            }
        }
        if seen.requests_open > 0 {
            return self.retirement(seen, now);
        }
        // The body of an answer that HTTP/1 has buffered is gone while the client still reads it.
        if seen.blocked {
            self.blocked_at = now;
            return self.retirement(seen, now);
        }
        if !seen.http2
            && let Some(since) = seen.head_since
        {
            // A head that is coming is no silence.
            if over(since, limits.header_read_timeout) {
                return Verdict::Cut("no complete head in time");
            }
            return self.retirement(seen, now);
        }
        let quiet_since = seen.quiet_since.max(self.blocked_at);
        if let Some(since) = self.finishing_since {
            let overdue = over(since.max(quiet_since), limits.write_timeout);
            return if overdue {
                Verdict::Cut("the client does not close")
            } else {
                Verdict::Keep
            };
        }
        if over(quiet_since, limits.idle_timeout) {
            return Verdict::Finish("idle");
        }
        if let Some(since) = drain_since
            && over(since.max(quiet_since), limits.drain_quiet)
        {
            return Verdict::Finish("quiet in the drain");
        }
        self.retirement(seen, now)
    }

    fn retirement(&self, seen: &Snapshot, now: u64) -> Verdict {
        let old = now.saturating_sub(seen.accepted_at) >= self.age_max;
        if old && self.finishing_since.is_none() {
            Verdict::Retire
        } else {
            Verdict::Keep
        }
    }
}

/// The age, less up to a tenth of it, so that connections that began together do not end together.
fn jittered(age_max: Duration, key: u64) -> u64 {
    // Fibonacci hashing: neighbouring keys land far apart.
    let share = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let age_max = millis(age_max);
    age_max - (age_max / 10).saturating_mul(share) / (1 << 32)
}

/// A connection's place among the others, until it ends.
#[derive(Debug)]
pub(super) struct Registration {
    connections: Arc<Connections>,
    key: u64,
    pub(super) activity: Arc<Activity>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.connections.entries().remove(&self.key);
        self.connections.counted.closed();
    }
}

#[cfg(test)]
mod tests;
