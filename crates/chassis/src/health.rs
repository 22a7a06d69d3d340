//! What the process knows about its own health. Written by scheduled checks and by a watchdog
//! thread, read by the operations routes.

mod upstream;
mod workers;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use self::upstream::Upstream;
pub use self::upstream::UpstreamState;
use self::workers::Watchdog;
pub use self::workers::{WorkerLimits, WorkersState};

/// Proves that something this process depends on can be reached.
#[async_trait]
pub trait Check: Send + Sync + 'static {
    /// The upstream in `camelCase`, for example `mongodb`: the attribute of the readiness report.
    fn name(&self) -> &str;

    /// One light exchange with the upstream.
    ///
    /// # Errors
    ///
    /// The reason in words that may be shown to anybody: no host names, no users, no credentials.
    async fn check(&self) -> Result<(), String>;
}

/// What a failing check means for readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Not ready before the first success, nor while the check fails.
    Required,
    /// Not ready before the first success; after that a failure is reported, and the process stays
    /// ready to answer with a clean 503 where the upstream is needed. With one upstream shared by
    /// all replicas this keeps an outage of the upstream from becoming one of every replica.
    Degraded,
    /// Reported, and otherwise without effect.
    Informational,
}

/// When a check runs and what its result means.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The pause between the end of one run and the start of the next; after a failure at most
    /// 1 s. A result older than three of these, plus the timeout, counts as a failure.
    pub interval: Duration,
    /// How long one run may take before it counts as a failure.
    pub timeout: Duration,
    /// How many failures in a row make the upstream failing; one success ends it. At least 1.
    pub failures_to_fail: u32,
    /// What a failure means.
    pub policy: Policy,
}

impl Default for Schedule {
    /// Every 5 s, 2 s each, failing at once, required.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(2),
            failures_to_fail: 1,
            policy: Policy::Required,
        }
    }
}

/// Whether the process can serve now, and why not.
#[derive(Clone, Debug)]
pub struct Readiness {
    /// The answer.
    pub ready: bool,
    /// The process was told to stop.
    pub draining: bool,
    /// Each watched upstream, in the order in which they were added.
    pub upstreams: Vec<UpstreamState>,
}

/// The health of the process. Clones share one state; the checks end with the last of them.
#[derive(Clone, Debug, Default)]
pub struct Health {
    record: Arc<Record>,
}

#[derive(Debug, Default)]
struct Record {
    draining: AtomicBool,
    upstreams: RwLock<Vec<Arc<Upstream>>>,
    checks: RwLock<Vec<AbortHandle>>,
    watchdog: OnceLock<Watchdog>,
}

impl Drop for Record {
    fn drop(&mut self) {
        for check in self
            .checks
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
        {
            check.abort();
        }
    }
}

impl Health {
    /// Health without anything to depend on: ready at once.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `check` now, and from then on as `schedule` says.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn watch(&self, check: Arc<dyn Check>, schedule: Schedule) {
        let upstream = Arc::new(Upstream::new(check.name().to_owned(), schedule));
        self.upstreams_mut().push(Arc::clone(&upstream));
        let task = tokio::spawn(async move { upstream.run(&*check).await });
        let mut checks = self
            .record
            .checks
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        checks.push(task.abort_handle());
    }

    /// Starts the watchdog thread that [`Health::workers`] reads. The first call counts; later
    /// ones have no effect.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn watch_workers(&self, runtime: &Handle, limits: WorkerLimits) -> std::io::Result<()> {
        if self.record.watchdog.get().is_none() {
            // A second watchdog, from a race, stops when it is dropped here.
            let _ = self.record.watchdog.set(Watchdog::start(runtime, limits)?);
        }
        Ok(())
    }

    /// From now on the process is not ready, because it is about to stop.
    pub fn drain(&self) {
        self.record.draining.store(true, Ordering::Release);
    }

    /// Whether the process can serve now. Reads memory only.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let draining = self.record.draining.load(Ordering::Acquire);
        let upstreams = self
            .record
            .upstreams
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let states: Vec<_> = upstreams.iter().map(|upstream| upstream.state()).collect();
        let ready = !draining && states.iter().all(|state| state.ready);
        Readiness {
            ready,
            draining,
            upstreams: states,
        }
    }

    /// What the watchdog saw, or nothing when none was started.
    #[must_use]
    pub fn workers(&self) -> Option<WorkersState> {
        self.record.watchdog.get().map(Watchdog::state)
    }

    fn upstreams_mut(&self) -> std::sync::RwLockWriteGuard<'_, Vec<Arc<Upstream>>> {
        self.record
            .upstreams
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
