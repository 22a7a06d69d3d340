//! What the process knows about its own health. Written by scheduled checks, by requests, by a
//! watchdog thread and by the tasks themselves; read by the operations routes.

mod canaries;
mod heartbeat;
mod rendezvous;
mod threads;
mod upstream;
mod watchdog;
mod workers;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

pub use self::heartbeat::Heartbeat;
use self::heartbeat::Heartbeats;
pub use self::upstream::{Upstream, UpstreamState};
pub use self::watchdog::Liveness;
use self::watchdog::Watchdog;
pub use self::workers::WorkerLimits;
use crate::lifecycle::State;

/// Proves that something this process depends on can be reached.
#[async_trait]
pub trait Check: Send + Sync + 'static {
    /// The upstream in `camelCase`, for example `mongodb`: the attribute of the readiness report.
    fn name(&self) -> &str;

    /// One light exchange with the upstream.
    async fn check(&self) -> Result<(), CheckFailure>;
}

/// Why an upstream cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckFailure {
    reason: String,
    detail: Option<String>,
}

impl CheckFailure {
    /// A reason that may be shown to anybody: no host names, no users, no credentials.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            detail: None,
        }
    }

    /// Adds what the log shows in the place of the reason.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    fn detail(&self) -> &str {
        self.detail.as_ref().unwrap_or(&self.reason)
    }
}

/// What a failing upstream means for readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Not ready before the first success, nor while the upstream fails.
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
    /// The pause between the end of one run and the start of the next, less up to a tenth by
    /// chance; after a failure at most 500 ms. A run is left out when a request succeeded since the
    /// one before. News older than three of these, plus twice the timeout, count as a failure.
    pub interval: Duration,
    /// How long one run may take before it counts as a failure.
    pub timeout: Duration,
    /// How many failures in a row, of runs and requests, make the upstream failing. At least 1.
    pub failures_to_fail: u32,
    /// How many successes in a row end that. At least 1.
    pub successes_to_recover: u32,
    /// What a failure means.
    pub policy: Policy,
}

impl Default for Schedule {
    /// Every 5 s, 2 s each, failing and recovering at once, required.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(2),
            failures_to_fail: 1,
            successes_to_recover: 1,
            policy: Policy::Required,
        }
    }
}

/// Where the process is, and what that follows from.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Where it is between its start and its end, without the upstreams that were left out. What
    /// probes answer is [`State::answers`].
    pub state: State,
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
    started: AtomicBool,
    draining: AtomicBool,
    /// The drain does not show in readiness (yet).
    drains_ready: AtomicBool,
    upstreams: RwLock<Vec<Upstream>>,
    checks: RwLock<Vec<AbortHandle>>,
    heartbeats: Arc<Heartbeats>,
    watchdog: OnceLock<Watchdog>,
}

impl Drop for Record {
    fn drop(&mut self) {
        let checks = self.checks.get_mut();
        for check in checks.unwrap_or_else(PoisonError::into_inner) {
            check.abort();
        }
    }
}

impl Health {
    /// Health of a process that starts, without anything to depend on.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `check` now, and from then on as `schedule` says. Those who call the upstream tell the
    /// result what they met.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn watch(&self, check: Arc<dyn Check>, schedule: Schedule) -> Upstream {
        let upstream = Upstream::new(check.name().to_owned(), schedule);
        let upstreams = self.record.upstreams.write();
        upstreams
            .unwrap_or_else(PoisonError::into_inner)
            .push(upstream.clone());
        let runner = upstream.clone();
        let task = tokio::spawn(async move { runner.run(&*check).await });
        let checks = self.record.checks.write();
        checks
            .unwrap_or_else(PoisonError::into_inner)
            .push(task.abort_handle());
        upstream
    }

    /// Starts the watchdog thread that [`Health::liveness`] reads. The first call counts; later
    /// ones have no effect.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn watch_workers(&self, runtime: &Handle, limits: WorkerLimits) -> std::io::Result<()> {
        if self.record.watchdog.get().is_none() {
            let heartbeats = Arc::clone(&self.record.heartbeats);
            // A second watchdog, from a race, stops when it is dropped here.
            let _ = self
                .record
                .watchdog
                .set(Watchdog::start(runtime, limits, heartbeats)?);
        }
        Ok(())
    }

    /// A pulse for a task or thread that the process cannot do without: liveness fails when it is
    /// silent for longer than `budget`, and when it panics.
    #[must_use]
    pub fn heartbeat(&self, name: &'static str, budget: Duration) -> Heartbeat {
        self.record.heartbeats.add(name, budget)
    }

    /// The process has all that it needs to serve.
    pub fn started(&self) {
        self.record.started.store(true, Ordering::Release);
    }

    /// The process was told to stop. `readiness_fails` says whether that shows in readiness.
    pub fn drain(&self, readiness_fails: bool) {
        let record = &self.record;
        record
            .drains_ready
            .store(!readiness_fails, Ordering::Release);
        record.draining.store(true, Ordering::Release);
    }

    /// Where the process is now. Reads memory only. Upstreams in `excluded` don't count.
    #[must_use]
    pub fn condition(&self, excluded: &[&str]) -> Condition {
        let upstreams = self.record.upstreams.read();
        let upstreams = upstreams.unwrap_or_else(PoisonError::into_inner);
        let states: Vec<_> = upstreams.iter().map(Upstream::state).collect();
        let counts = |state: &&UpstreamState| !excluded.contains(&state.name.as_str());
        let degraded = states
            .iter()
            .filter(counts)
            .any(|state| state.failure.is_some());
        let ready = states.iter().filter(counts).all(|state| state.ready);
        Condition {
            state: self.state(degraded, ready),
            upstreams: states,
        }
    }

    fn state(&self, degraded: bool, ready: bool) -> State {
        let record = &self.record;
        let alive = self.liveness().is_none_or(|liveness| liveness.alive());
        if !alive {
            State::Stuck
        } else if record.draining.load(Ordering::Acquire) {
            let shows = !record.drains_ready.load(Ordering::Acquire);
            State::Draining {
                ready: ready && !shows,
            }
        } else if !record.started.load(Ordering::Acquire) {
            State::Starting
        } else if degraded {
            State::Degraded { ready }
        } else {
            State::Ready
        }
    }

    /// What the watchdog saw, or nothing when none was started.
    #[must_use]
    pub fn liveness(&self) -> Option<Liveness> {
        self.record.watchdog.get().map(Watchdog::state)
    }
}
