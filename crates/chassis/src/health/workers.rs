//! Proves that every worker thread of a Tokio runtime runs, not only the one that answers.
//!
//! Tokio counts for each worker how often it parked and unparked (an even count: awake) and how
//! long it was busy (brought up to date at least every 61 polls). A worker that is awake while
//! both numbers stand still is inside one call that does not return: a blocking call, a deadlock
//! or an endless loop. A plain thread compares the numbers, because a task of the runtime would
//! hang with the worker it is to accuse.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeMetrics};

/// When a worker counts as stuck.
#[derive(Clone, Copy, Debug)]
pub struct WorkerLimits {
    /// How often the numbers are compared.
    pub sample_interval: Duration,
    /// How long a worker may stand still. Must be well above the time of 61 healthy polls on an
    /// overloaded machine: below 250 ms healthy workers were accused.
    pub stuck_after: Duration,
}

impl Default for WorkerLimits {
    /// Four times a second; stuck after 10 s.
    fn default() -> Self {
        Self {
            sample_interval: Duration::from_millis(250),
            stuck_after: Duration::from_secs(10),
        }
    }
}

/// What the watchdog saw last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkersState {
    /// How many worker threads the runtime has.
    pub count: usize,
    /// The indices of those that stand still, ascending.
    pub stuck: Vec<usize>,
    /// Whether the watchdog itself still takes samples.
    pub watching: bool,
}

impl WorkersState {
    /// Every worker runs, and somebody looks.
    #[must_use]
    pub fn alive(&self) -> bool {
        self.stuck.is_empty() && self.watching
    }
}

/// The thread that samples. It ends when this value is dropped.
#[derive(Debug)]
pub(super) struct Watchdog {
    verdict: Arc<Verdict>,
}

#[derive(Debug)]
struct Verdict {
    count: usize,
    stuck: Mutex<Vec<usize>>,
    watching: AtomicBool,
}

impl Watchdog {
    pub(super) fn start(runtime: &Handle, limits: WorkerLimits) -> std::io::Result<Self> {
        let metrics = runtime.metrics();
        let verdict = Arc::new(Verdict {
            count: metrics.num_workers(),
            stuck: Mutex::default(),
            watching: AtomicBool::new(true),
        });
        let weak = Arc::downgrade(&verdict);
        thread::Builder::new()
            .name("watchdog".to_owned())
            .spawn(move || watch(&metrics, limits, &weak))?;
        Ok(Self { verdict })
    }

    pub(super) fn state(&self) -> WorkersState {
        let stuck = self
            .verdict
            .stuck
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        WorkersState {
            count: self.verdict.count,
            stuck: stuck.clone(),
            watching: self.verdict.watching.load(Ordering::Acquire),
        }
    }
}

/// Says so when the thread ends, also when it ends in a panic.
struct Farewell<'a>(&'a Weak<Verdict>);

impl Drop for Farewell<'_> {
    fn drop(&mut self) {
        if let Some(verdict) = self.0.upgrade() {
            verdict.watching.store(false, Ordering::Release);
        }
    }
}

fn watch(metrics: &RuntimeMetrics, limits: WorkerLimits, verdict: &Weak<Verdict>) {
    let _farewell = Farewell(verdict);
    let mut samples: Vec<Sample> = Vec::new();
    let mut last = Instant::now();
    loop {
        thread::sleep(limits.sample_interval);
        let Some(verdict) = verdict.upgrade() else {
            return;
        };
        let now = Instant::now();
        if now - last > limits.sample_interval * 2 {
            // We were not scheduled ourselves (a stopped or starved process), so a worker that
            // stood still proves nothing: start over.
            samples.clear();
        }
        last = now;
        samples = sample(metrics, now, &samples);
        let stuck = samples
            .iter()
            .enumerate()
            .filter(|(_, sample)| sample.awake() && now - sample.since >= limits.stuck_after)
            .map(|(index, _)| index)
            .collect();
        report(&verdict, stuck);
    }
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

fn sample(metrics: &RuntimeMetrics, now: Instant, before: &[Sample]) -> Vec<Sample> {
    (0..metrics.num_workers())
        .map(|index| {
            let park_unpark_count = metrics.worker_park_unpark_count(index);
            let busy = metrics.worker_total_busy_duration(index);
            let still = before.get(index).filter(|earlier| {
                earlier.park_unpark_count == park_unpark_count && earlier.busy == busy
            });
            Sample {
                park_unpark_count,
                busy,
                since: still.map_or(now, |earlier| earlier.since),
            }
        })
        .collect()
}

fn report(verdict: &Verdict, stuck: Vec<usize>) {
    let mut known = verdict.stuck.lock().unwrap_or_else(PoisonError::into_inner);
    if *known != stuck {
        if stuck.is_empty() {
            tracing::info!("all worker threads run again");
        } else {
            tracing::error!(workers = ?stuck, "worker threads are stuck");
        }
        *known = stuck;
    }
}
