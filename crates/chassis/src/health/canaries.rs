//! Small tasks that prove what no counter of a worker does: that timers fire, which is that the
//! driver of the runtime is polled and its queue moves, and that the pool for blocking calls has a
//! thread to give.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

/// What a canary asks of the runtime.
#[derive(Clone, Copy, Debug)]
pub(super) enum Errand {
    /// Spawn a task, and let a timer wake it.
    Timer,
    /// Run something on the pool for blocking calls.
    Blocking,
}

/// One canary at a time, sent anew some time after the last one is back.
#[derive(Debug)]
pub(super) struct Canary {
    errand: Errand,
    interval: Duration,
    sent: Instant,
    back: Arc<AtomicBool>,
}

impl Canary {
    pub(super) fn new(errand: Errand, interval: Duration) -> Self {
        Self {
            errand,
            interval,
            sent: Instant::now(),
            back: Arc::new(AtomicBool::new(true)),
        }
    }

    /// For how long the canary has been away. `slept` says that the caller was not scheduled
    /// itself, so that the time until now proves nothing.
    pub(super) fn away(&mut self, runtime: &Handle, now: Instant, slept: bool) -> Duration {
        if self.back.load(Ordering::Acquire) {
            if now - self.sent >= self.interval {
                self.send(runtime, now);
            }
            return Duration::ZERO;
        }
        if slept {
            self.sent = now;
        }
        now - self.sent
    }

    fn send(&mut self, runtime: &Handle, now: Instant) {
        self.sent = now;
        self.back = Arc::new(AtomicBool::new(false));
        let back = Arc::clone(&self.back);
        match self.errand {
            Errand::Timer => {
                runtime.spawn(async move {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    back.store(true, Ordering::Release);
                });
            }
            Errand::Blocking => {
                runtime.spawn_blocking(move || back.store(true, Ordering::Release));
            }
        }
    }
}
