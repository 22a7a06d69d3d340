//! The passive proof: every worker thread of a Tokio runtime gets on, not only the one that answers.
//!
//! Tokio counts for each worker how often it parked and unparked (an even count: awake) and how
//! long it was busy (brought up to date at least every 61 polls). A worker that is awake while
//! both numbers stand still is inside one call that does not return: a blocking call, a deadlock
//! or an endless loop.

use std::time::{Duration, Instant};

use tokio::runtime::RuntimeMetrics;

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
