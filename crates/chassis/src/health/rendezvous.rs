//! The active proof for idle workers: as many tasks as there are workers meet, which they can only
//! on as many threads at once. A parked worker whose thread is gone does not come.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::threads;

/// How long those that came wait for the others. Their workers do nothing else meanwhile.
const WAIT: Duration = Duration::from_millis(20);

/// How long the caller waits for all of them.
const PATIENCE: Duration = Duration::from_millis(200);

/// For how long idle workers have not all come, however often they were asked.
#[derive(Debug, Default)]
pub(super) struct Absence {
    since: Option<Instant>,
}

impl Absence {
    pub(super) fn is_open(&self) -> bool {
        self.since.is_some()
    }

    /// Takes the result of one meeting; returns how long somebody has been missing.
    pub(super) fn note(&mut self, now: Instant, all_came: bool) -> Duration {
        if all_came {
            self.forget();
            return Duration::ZERO;
        }
        now - *self.since.get_or_insert(now)
    }

    /// The workers are no longer idle, or the caller was not scheduled: nothing is proved.
    pub(super) fn forget(&mut self) {
        self.since = None;
    }
}

#[derive(Debug, Default)]
struct Place {
    /// The threads that came, by the index of their worker.
    present: Mutex<BTreeMap<usize, i32>>,
    changed: Condvar,
}

/// Which workers came, each with the number of its thread. Blocks the calling thread, which must be
/// none of the runtime's.
pub(super) fn meet(runtime: &Handle, workers: usize) -> BTreeMap<usize, i32> {
    let place = Arc::new(Place::default());
    for _ in 0..workers {
        let place = Arc::clone(&place);
        runtime.spawn(async move {
            if let Some(index) = tokio::runtime::worker_index() {
                let mut present = place.present.lock().unwrap_or_else(PoisonError::into_inner);
                present.insert(index, threads::current());
                place.changed.notify_all();
                drop(present);
                place.wait_for(workers, WAIT);
            }
        });
    }
    place.wait_for(workers, PATIENCE);
    let present = place.present.lock().unwrap_or_else(PoisonError::into_inner);
    present.clone()
}

impl Place {
    fn wait_for(&self, count: usize, limit: Duration) {
        let due = Instant::now() + limit;
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        while present.len() < count {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(present, left);
            present = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absence_lasts_until_all_came_or_it_proves_nothing() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut absence = Absence::default();
        assert_eq!(absence.note(at(0), false), Duration::ZERO);
        assert_eq!(absence.note(at(1), false), Duration::from_secs(1));
        absence.forget();
        assert_eq!(absence.note(at(9), false), Duration::ZERO);
        assert!(absence.is_open());
        assert_eq!(absence.note(at(12), false), Duration::from_secs(3));
        assert_eq!(absence.note(at(13), true), Duration::ZERO);
        assert!(!absence.is_open());
    }

    #[test]
    fn every_worker_comes_and_one_that_is_blocked_is_missing() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(3)
            .build()
            .unwrap();
        // On a busy machine not all come in time to each meeting.
        let met = || meet(runtime.handle(), 3);
        let all = (0..100).map(|_| met()).find(|present| present.len() == 3);
        let threads: std::collections::BTreeSet<i32> = all.unwrap().into_values().collect();
        assert_eq!(threads.len(), 3);
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let (begins, begun) = std::sync::mpsc::channel();
        let culprit = runtime.spawn(async move {
            begins.send(()).unwrap();
            blocked.recv().is_err()
        });
        begun.recv().unwrap();
        let most = (0..5).map(|_| met().len()).max();
        assert!(most.is_some_and(|most| most < 3), "{most:?}");
        drop(release);
        assert!(runtime.block_on(culprit).unwrap());
    }
}
