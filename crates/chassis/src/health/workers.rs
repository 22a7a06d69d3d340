//! The passive proof: every worker thread of a Tokio runtime gets on, not only the one that answers.
//!
//! Tokio counts for each worker how often it parked and unparked (an even count: awake) and how
//! long it was busy (brought up to date at least every 61 polls). A worker that is awake while
//! both numbers stand still is inside one call that does not return: a blocking call, a deadlock
//! or an endless loop.

use std::time::{Duration, Instant};

use tokio::runtime::RuntimeMetrics;

/// When a worker counts as stuck.
#[derive(Clone, Copy, Debug)]
pub struct WorkerLimits {
    /// How often the proofs are looked at.
    pub sample_interval: Duration,
    /// How long a worker may stand still before the log names it. Must be well above the time of
    /// 61 healthy polls on an overloaded machine: below 250 ms healthy workers were accused.
    pub slow_after: Duration,
    /// How long a worker may stand still, and a canary be away, before liveness fails.
    pub stuck_after: Duration,
    /// The code to end the process with when every worker is stuck; none leaves that to others.
    pub exit_when_all_are_stuck: Option<i32>,
}

impl Default for WorkerLimits {
    /// Four times a second; named after 1 s, stuck after 10 s, and no exit.
    fn default() -> Self {
        Self {
            sample_interval: Duration::from_millis(250),
            slow_after: Duration::from_secs(1),
            stuck_after: Duration::from_secs(10),
            exit_when_all_are_stuck: None,
        }
    }
}

/// What is known of all workers of a runtime.
#[derive(Debug, Default)]
pub(super) struct Workers {
    samples: Vec<Sample>,
}

/// A worker's counters, and since when they have stood still.
#[derive(Clone, Copy, Debug)]
struct Sample {
    park_unpark_count: u64,
    busy: Duration,
    since: Instant,
}

impl Sample {
    fn awake(&self) -> bool {
        self.park_unpark_count.is_multiple_of(2)
    }
}

impl Workers {
    /// Forgets what was seen: it proves nothing, because the caller was not scheduled itself.
    pub(super) fn forget(&mut self) {
        self.samples.clear();
    }

    pub(super) fn sample(&mut self, metrics: &RuntimeMetrics, now: Instant) {
        let before = &self.samples;
        let sample = |index| {
            let park_unpark_count = metrics.worker_park_unpark_count(index);
            let busy = metrics.worker_total_busy_duration(index);
            let still = before.get(index).filter(|earlier: &&Sample| {
                earlier.park_unpark_count == park_unpark_count && earlier.busy == busy
            });
            Sample {
                park_unpark_count,
                busy,
                since: still.map_or(now, |earlier| earlier.since),
            }
        };
        self.samples = (0..metrics.num_workers()).map(sample).collect();
    }

    /// The workers that have been awake and still for at least `limit`, and for how long.
    pub(super) fn still(&self, now: Instant, limit: Duration) -> Vec<(usize, Duration)> {
        let samples = self.samples.iter().enumerate();
        let still = samples.filter(|(_, sample)| sample.awake() && now - sample.since >= limit);
        still
            .map(|(index, sample)| (index, now - sample.since))
            .collect()
    }

    pub(super) fn all_parked(&self) -> bool {
        !self.samples.is_empty() && self.samples.iter().all(|sample| !sample.awake())
    }
}
