//! The thread that looks at all proofs of life and comes to one verdict.
//!
//! It is a plain thread, because a task of the runtime would hang with the workers it is to accuse.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::canaries::{Canary, Errand};
use super::heartbeat::Heartbeats;
use super::workers::{WorkerLimits, Workers};
use super::{rendezvous, threads};

/// How often idle workers are asked to meet.
const RENDEZVOUS_INTERVAL: Duration = Duration::from_secs(10);
const TIMER_INTERVAL: Duration = Duration::from_secs(1);
const BLOCKING_INTERVAL: Duration = Duration::from_secs(2);

/// How long after a reader met an old result the watchdog has to look again.
const GRACE_AFTER_STOP: Duration = Duration::from_secs(1);

/// What the watchdog saw last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// How many worker threads the runtime has.
    pub workers: usize,
    /// The indices of those that stand still, ascending.
    pub stuck: Vec<usize>,
    /// What is wrong, a sentence each, which names the worker and its state, the pool, the timers
    /// or the task; nothing when all is well.
    pub failures: Vec<String>,
    /// Whether the watchdog itself still looks.
    pub watching: bool,
}

impl Liveness {
    /// All proofs were given, and somebody looks.
    #[must_use]
    pub fn alive(&self) -> bool {
        self.failures.is_empty() && self.watching
    }
}

/// The thread. It ends when this value is dropped.
#[derive(Debug)]
pub(super) struct Watchdog {
    verdict: Arc<Verdict>,
}

#[derive(Debug)]
struct Verdict {
    workers: usize,
    /// How old what was found may be.
    age_max: Duration,
    found: Mutex<Found>,
    watching: AtomicBool,
}

#[derive(Debug)]
struct Found {
    stuck: Vec<usize>,
    failures: Vec<String>,
    at: Instant,
    /// Since when readers have seen that it is too old.
    old_since: Option<Instant>,
}

impl Found {
    fn new(stuck: Vec<usize>, failures: Vec<String>) -> Self {
        Self {
            stuck,
            failures,
            at: Instant::now(),
            old_since: None,
        }
    }
}

impl Verdict {
    fn state(&self, now: Instant) -> Liveness {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut watching = self.watching.load(Ordering::Acquire);
        if now.saturating_duration_since(found.at) >= self.age_max {
            // A process that was stopped as a whole gives the thread the time to look again.
            let since = *found.old_since.get_or_insert(now);
            watching &= now.saturating_duration_since(since) < GRACE_AFTER_STOP;
        }
        Liveness {
            workers: self.workers,
            stuck: found.stuck.clone(),
            failures: found.failures.clone(),
            watching,
        }
    }
}

impl Watchdog {
    pub(super) fn start(
        runtime: &Handle,
        limits: WorkerLimits,
        heartbeats: Arc<Heartbeats>,
    ) -> std::io::Result<Self> {
        let verdict = Arc::new(Verdict {
            workers: runtime.metrics().num_workers(),
            age_max: limits.stuck_after.max(limits.sample_interval * 10),
            found: Mutex::new(Found::new(Vec::new(), Vec::new())),
            watching: AtomicBool::new(true),
        });
        let watch = Watch {
            runtime: runtime.clone(),
            limits,
            heartbeats,
            workers: Workers::default(),
            timer: Canary::new(Errand::Timer, TIMER_INTERVAL),
            blocking: Canary::new(Errand::Blocking, BLOCKING_INTERVAL),
            threads: BTreeMap::new(),
            met_at: None,
            absence: rendezvous::Absence::default(),
            slow: Vec::new(),
        };
        let weak = Arc::downgrade(&verdict);
        thread::Builder::new()
            .name("watchdog".to_owned())
            .spawn(move || watch.run(&weak))?;
        Ok(Self { verdict })
    }

    pub(super) fn state(&self) -> Liveness {
        self.verdict.state(Instant::now())
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

/// What the thread knows.
struct Watch {
    runtime: Handle,
    limits: WorkerLimits,
    heartbeats: Arc<Heartbeats>,
    workers: Workers,
    timer: Canary,
    blocking: Canary,
    /// The thread of each worker, as of the last time they met.
    threads: BTreeMap<usize, i32>,
    met_at: Option<Instant>,
    absence: rendezvous::Absence,
    /// The workers that the log has named.
    slow: Vec<usize>,
}

impl Watch {
    fn run(mut self, verdict: &Weak<Verdict>) {
        let _farewell = Farewell(verdict);
        let interval = self.limits.sample_interval;
        let mut last = Instant::now();
        loop {
            thread::sleep(interval);
            let Some(verdict) = verdict.upgrade() else {
                return;
            };
            let now = Instant::now();
            // A stopped or starved process stands still itself; that proves nothing of its parts.
            let slept = now - last > interval * 2;
            let found = self.look(now, slept);
            self.report(&verdict, found);
            last = Instant::now();
        }
    }

    fn look(&mut self, now: Instant, slept: bool) -> Found {
        if slept {
            self.workers.forget();
        }
        self.workers.sample(&self.runtime.metrics(), now);
        self.name_slow_workers(now);
        let limit = self.limits.stuck_after;
        let still = self.workers.still(now, limit);
        let mut failures: Vec<String> = still
            .iter()
            .map(|(index, since)| self.describe(*index, *since))
            .collect();
        if self.timer.away(&self.runtime, now, slept) >= limit {
            failures.push("timers do not fire".to_owned());
        }
        if self.blocking.away(&self.runtime, now, slept) >= limit {
            failures.push("the pool for blocking calls has no free thread".to_owned());
        }
        failures.extend(self.heartbeats.failures(now, slept));
        failures.extend(self.meet(now, slept));
        let stuck = still.into_iter().map(|(index, _)| index).collect();
        Found::new(stuck, failures)
    }

    /// Under load the counters prove more, and meeting would cost time.
    fn meet(&mut self, now: Instant, slept: bool) -> Option<String> {
        if slept || !self.workers.all_parked() {
            self.absence.forget();
            return None;
        }
        let due = self.met_at.is_none_or(|at| now - at >= RENDEZVOUS_INTERVAL);
        if !due && !self.absence.is_open() {
            return None;
        }
        let count = self.runtime.metrics().num_workers();
        let present = rendezvous::meet(&self.runtime, count);
        self.met_at = Some(now);
        let missing_for = self.absence.note(now, present.len() == count);
        self.threads.extend(present);
        let failed = self.absence.is_open() && missing_for >= self.limits.stuck_after;
        failed.then(|| format!("idle workers do not answer for {} s", missing_for.as_secs()))
    }

    fn name_slow_workers(&mut self, now: Instant) {
        let slow = self.workers.still(now, self.limits.slow_after);
        for (index, since) in &slow {
            if !self.slow.contains(index) {
                let state = self.state_of(*index);
                let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(
                    worker = index,
                    state,
                    millis,
                    "a worker thread stands still"
                );
            }
        }
        self.slow = slow.into_iter().map(|(index, _)| index).collect();
    }

    fn state_of(&self, index: usize) -> Option<String> {
        threads::state(*self.threads.get(&index)?)
    }

    fn describe(&self, index: usize, since: Duration) -> String {
        let state = self.state_of(index);
        let state = state.map_or_else(String::new, |state| format!(", state {state}"));
        format!(
            "worker {index} stands still for {} s{state}",
            since.as_secs()
        )
    }

    fn report(&self, verdict: &Verdict, found: Found) {
        let mut known = verdict.found.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = |failure: &String| {
            let same = |earlier: &String| subject(earlier) == subject(failure);
            !known.failures.iter().any(same)
        };
        if found.failures.iter().any(is_new) {
            tracing::error!(failures = ?found.failures, "the process is not functional");
        } else if found.failures.is_empty() && !known.failures.is_empty() {
            tracing::info!("the process is functional again");
        }
        let all = found.stuck.len() == verdict.workers;
        *known = found;
        drop(known);
        if let Some(code) = self.limits.exit_when_all_are_stuck.filter(|_| all) {
            tracing::error!(exit_code = code, "every worker is stuck; the process ends");
            // The log writes what waits within milliseconds.
            thread::sleep(self.limits.sample_interval);
            std::process::exit(code);
        }
    }
}

/// A failure without the part that changes with each look ("... for 12 s, state S").
fn subject(failure: &str) -> &str {
    failure
        .split_once(" for ")
        .map_or(failure, |(subject, _)| subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_failure_has_the_same_subject_at_each_look() {
        let [first, later] = [10, 11].map(|s| format!("worker 3 stands still for {s} s, state S"));
        assert_eq!(subject(&first), subject(&later));
        assert_ne!(subject(&first), subject("worker 2 stands still for 10 s"));
        assert_eq!(subject("timers do not fire"), "timers do not fire");
    }

    #[test]
    fn a_watchdog_that_no_longer_looks_is_no_proof_of_life() {
        let verdict = Verdict {
            workers: 1,
            age_max: Duration::from_secs(10),
            found: Mutex::new(Found::new(Vec::new(), Vec::new())),
            watching: AtomicBool::new(true),
        };
        let began = Instant::now();
        let alive_at = |seconds| verdict.state(began + Duration::from_secs(seconds)).alive();
        assert!(alive_at(9));
        assert!(alive_at(20), "the process may have been stopped as a whole");
        assert!(!alive_at(22));
    }
}
