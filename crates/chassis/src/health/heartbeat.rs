//! Proofs of life from single tasks and threads that the process cannot do without.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The pulse of one task or thread, given to it by [`super::Health::heartbeat`].
///
/// It beats at least once in its budget, or says that it waits. Dropped in a panic, it leaves a
/// failure behind; dropped otherwise, it is forgotten.
#[derive(Debug)]
pub struct Heartbeat {
    pulse: Arc<Pulse>,
}

#[derive(Debug)]
struct Pulse {
    name: &'static str,
    budget: Duration,
    beats: AtomicU64,
    waiting: AtomicBool,
    panicked: AtomicBool,
}

impl Heartbeat {
    fn new(name: &'static str, budget: Duration) -> Self {
        Self {
            pulse: Arc::new(Pulse {
                name,
                budget,
                beats: AtomicU64::new(0),
                waiting: AtomicBool::new(false),
                panicked: AtomicBool::new(false),
            }),
        }
    }

    /// A heartbeat that is not monitored.
    #[must_use]
    pub fn unwatched() -> Self {
        Self::new("unwatched", Duration::MAX)
    }

    /// The task is at work and gets on.
    pub fn beat(&self) {
        self.pulse.beats.fetch_add(1, Ordering::Relaxed);
        self.pulse.waiting.store(false, Ordering::Relaxed);
    }

    /// The task waits for something that may take any time, until its next beat.
    pub fn wait(&self) {
        self.pulse.waiting.store(true, Ordering::Relaxed);
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.pulse.panicked.store(true, Ordering::Release);
        }
    }
}

/// All pulses of a process.
#[derive(Debug, Default)]
pub(super) struct Heartbeats {
    watched: Mutex<Vec<Watched>>,
}

#[derive(Debug)]
struct Watched {
    pulse: Arc<Pulse>,
    beats: u64,
    since: Instant,
}

impl Heartbeats {
    pub(super) fn add(&self, name: &'static str, budget: Duration) -> Heartbeat {
        let heartbeat = Heartbeat::new(name, budget);
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.push(Watched {
            pulse: Arc::clone(&heartbeat.pulse),
            beats: 0,
            since: Instant::now(),
        });
        heartbeat
    }

    /// What is wrong with whom, in words. `slept` says that the caller has not looked for a while,
    /// so that silence until now proves nothing.
    pub(super) fn failures(&self, now: Instant, slept: bool) -> Vec<String> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|entry| {
            Arc::strong_count(&entry.pulse) > 1 || entry.pulse.panicked.load(Ordering::Acquire)
        });
        let failures = watched.iter_mut().filter_map(|entry| {
            let Watched {
                pulse,
                beats,
                since,
            } = entry;
            if pulse.panicked.load(Ordering::Acquire) {
                return Some(format!("{} panicked", pulse.name));
            }
            let seen = pulse.beats.load(Ordering::Relaxed);
            if seen != *beats || pulse.waiting.load(Ordering::Relaxed) || slept {
                (*beats, *since) = (seen, now);
            }
            let silent = now - *since;
            (silent >= pulse.budget)
                .then(|| format!("{} is silent for {} s", pulse.name, silent.as_secs()))
        });
        failures.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_task_fails_and_one_that_beats_waits_or_ended_does_not() {
        let all = Heartbeats::default();
        let budget = Duration::from_secs(1);
        let task = all.add("task", budget);
        let later = |seconds| Instant::now() + Duration::from_secs(seconds);
        assert_eq!(all.failures(later(0), false), [""; 0]);
        assert_eq!(all.failures(later(2), false), ["task is silent for 2 s"]);
        task.beat();
        assert_eq!(all.failures(later(2), false), [""; 0]);
        assert_eq!(all.failures(later(4), true), [""; 0]);
        task.wait();
        assert_eq!(all.failures(later(9), false), [""; 0]);
        drop(task);
        assert_eq!(all.failures(later(99), false), [""; 0]);
    }

    #[test]
    fn a_task_that_panicked_stays_a_failure() {
        let all = Heartbeats::default();
        let task = all.add("task", Duration::from_secs(1));
        let panicked = std::thread::spawn(move || {
            let _task = task;
            panic!("as the test wants it");
        });
        assert!(panicked.join().is_err());
        assert_eq!(all.failures(Instant::now(), false), ["task panicked"]);
        assert_eq!(all.failures(Instant::now(), false), ["task panicked"]);
    }
}
