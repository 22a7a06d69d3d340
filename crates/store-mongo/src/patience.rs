//! When work is tried again, and how long it waits before: the one policy of this crate.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

/// How work of one kind is tried again. Each pause is a random part of a longest one, from half
/// of it upwards, so that many processes do not try at the same moment.
#[derive(Debug)]
pub(crate) struct Policy {
    first: Duration,
    /// Each later pause is twice the one before, up to this.
    longest: Duration,
    attempts_max: u32,
}

/// A write that lost to another writer of the same resource, within the time of one request.
pub(crate) const CONTENTION: Policy = Policy::new(1, 50, u32::MAX);

/// Imports and scans of minutes: together the pauses last as long as most elections.
pub(crate) const INTERRUPTION: Policy = Policy::new(900, 4000, 5);

/// Looking whether the server is back.
pub(crate) const PROBE: Policy = Policy::new(400, 400, u32::MAX);

/// Preparing a collection while the server is away.
pub(crate) const PREPARATION: Policy = Policy::new(500, 500, u32::MAX);

/// Looking whether the operator has removed what the server refuses.
pub(crate) const REFUSAL: Policy = Policy::new(5000, 5000, u32::MAX);

impl Policy {
    /// The pauses are in milliseconds.
    const fn new(first: u64, longest: u64, attempts_max: u32) -> Self {
        Self {
            first: Duration::from_millis(first),
            longest: Duration::from_millis(longest),
            attempts_max,
        }
    }
}

/// The attempts of one piece of work.
#[derive(Debug)]
pub(crate) struct Patience {
    policy: &'static Policy,
    attempts: u32,
    deadline: Option<Instant>,
}

impl Patience {
    pub(crate) fn new(policy: &'static Policy) -> Self {
        Self {
            policy,
            attempts: 0,
            deadline: None,
        }
    }

    /// The same for work that must be done by then.
    pub(crate) fn until(policy: &'static Policy, deadline: Instant) -> Self {
        Self {
            deadline: Some(deadline),
            ..Self::new(policy)
        }
    }

    /// How often [`Self::wait`] has waited since the last progress.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Waits before the next attempt; `false`, at once, when there is none.
    pub(crate) async fn wait(&mut self) -> bool {
        let doubled = self.policy.first * 2_u32.pow(self.attempts.min(8));
        let longest = doubled.min(self.policy.longest);
        let [random, ..] = Uuid::new_v4().into_bytes();
        let until = Instant::now() + longest / 2 + longest / 2 * u32::from(random) / 256;
        let is_late = self.deadline.is_some_and(|deadline| until >= deadline);
        if is_late || self.attempts >= self.policy.attempts_max {
            return false;
        }
        self.attempts += 1;
        sleep_until(until).await;
        true
    }

    /// The work went on: the next failure is a first one again.
    pub(crate) fn progress(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_interruption_is_outlasted_for_about_ten_seconds() {
        let begun = Instant::now();
        let mut patience = Patience::new(&INTERRUPTION);
        while patience.wait().await {}
        let lasted = begun.elapsed().as_secs_f64();
        assert!((7.0..15.0).contains(&lasted), "{lasted} s");
        patience.progress();
        assert!(patience.wait().await);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_tried_after_the_deadline() {
        let deadline = Instant::now() + Duration::from_millis(200);
        let mut patience = Patience::until(&CONTENTION, deadline);
        while patience.wait().await {}
        assert!(Instant::now() < deadline);
        assert!(patience.attempts() > 5, "{} attempts", patience.attempts());
    }
}
