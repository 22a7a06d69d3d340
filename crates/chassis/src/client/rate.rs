//! How often each client may ask: the generic cell rate algorithm, with a bounded memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::ClientKey;

/// Clients are dealt out over so many tables, so that requests seldom wait for each other.
const SHARDS: usize = 16;

/// How often a client may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// So many requests, at least 1, …
    pub requests: u32,
    /// … in this time, at least 1 ms, in the long run.
    pub window: Duration,
    /// So many at once after a silence, at least 1.
    pub burst: u32,
    /// Of how many clients it remembers what they asked. Those that have not asked for longest are
    /// forgotten first.
    pub clients_max: usize,
}

/// Where a client stands after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the request is within the limit.
    pub allowed: bool,
    /// How many more would be, at this moment.
    pub remaining: u32,
    /// When one more is, if it is not now; else when the whole burst is.
    pub reset: Duration,
}

/// Remembers for each client when its next request would be due if it asked evenly.
///
/// Times are nanoseconds since the limiter was made. A client whose time has passed needs no entry.
#[derive(Debug)]
pub struct RateLimiter {
    limit: RateLimit,
    /// Between two requests that come evenly.
    interval: u64,
    hasher: RandomState,
    shards: [Mutex<Generations>; SHARDS],
    started: Instant,
}

/// Two tables, each with half of the clients. When the young one is full, the old one is forgotten
/// and the young one grows old; who asks again moves to the young one. So the oldest go, at no cost
/// for the others.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<ClientKey, u64>,
    old: HashMap<ClientKey, u64>,
    /// Until then somebody may have been forgotten who has used his burst.
    flooded_until: u64,
}

impl RateLimiter {
    /// A limiter that has seen nobody yet.
    #[must_use]
    pub fn new(limit: RateLimit) -> Self {
        let interval = limit.window / limit.requests.max(1);
        Self {
            limit,
            interval: nanos(interval).max(1),
            hasher: RandomState::new(),
            shards: Default::default(),
            started: Instant::now(),
        }
    }

    /// The limit that it keeps.
    #[must_use]
    pub fn limit(&self) -> RateLimit {
        self.limit
    }

    /// Counts a request of `client`.
    pub fn ask(&self, client: IpAddr) -> Standing {
        self.ask_at(client, nanos(self.started.elapsed()))
    }

    fn ask_at(&self, client: IpAddr, now: u64) -> Standing {
        let key = ClientKey::from(client);
        let shard = usize::try_from(self.hasher.hash_one(key)).unwrap_or_default() % SHARDS;
        let shard = self.shards[shard].lock();
        let mut shard = shard.unwrap_or_else(PoisonError::into_inner);
        let burst = self.interval.saturating_mul(u64::from(self.limit.burst));
        let due = match shard.recall(key) {
            Some(due) => due.max(now),
            // Who may have been forgotten does not get the whole burst once more.
            None if now < shard.flooded_until => now.saturating_add(burst - self.interval),
            None => now,
        };
        let after = due.saturating_add(self.interval);
        let allowed = after <= now.saturating_add(burst);
        let due = if allowed { after } else { due };
        if shard.remember(key, due, self.limit.clients_max / (2 * SHARDS), now) {
            shard.flooded_until = now.saturating_add(burst);
        }
        let room = now.saturating_add(burst).saturating_sub(due);
        let remaining = u32::try_from(room / self.interval).unwrap_or(u32::MAX);
        let reset = if allowed {
            due - now
        } else {
            after.saturating_sub(now.saturating_add(burst))
        };
        Standing {
            allowed,
            remaining,
            reset: Duration::from_nanos(reset),
        }
    }

    /// How many clients it remembers.
    #[must_use]
    pub fn clients(&self) -> usize {
        let shards = self.shards.iter();
        shards
            .map(|shard| {
                let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                shard.young.len() + shard.old.len()
            })
            .sum()
    }
}

impl Generations {
    /// When the next request of a client would be due, if it asked before.
    fn recall(&mut self, key: ClientKey) -> Option<u64> {
        let young = self.young.get(&key).copied();
        young.or_else(|| self.old.remove(&key))
    }

    /// Returns whether somebody was forgotten for it who has used something of his burst.
    fn remember(&mut self, key: ClientKey, due: u64, young_max: usize, now: u64) -> bool {
        let is_full = self.young.len() >= young_max.max(1);
        let mut forgets = false;
        if is_full && !self.young.contains_key(&key) {
            let forgotten = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            forgets = forgotten.values().any(|due| *due > now);
        }
        self.young.insert(key, due);
        forgets
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
