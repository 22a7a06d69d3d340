//! One watched upstream: runs its check on a schedule and keeps the last result.

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::{Check, Policy, Schedule};

/// An upstream that fails is looked at at least this often, so that the process serves again soon
/// after it is back.
const FAILING_INTERVAL_MAX: Duration = Duration::from_secs(1);

/// How many intervals a result may be old.
const INTERVALS_TO_STALE: u32 = 3;

/// What is known about an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamState {
    /// The name that its check gave.
    pub name: String,
    /// Whether the process can be ready, as far as this upstream goes.
    pub ready: bool,
    /// Why it is not fine, in words that may be shown to anybody; nothing when it is fine.
    pub failure: Option<String>,
    /// How long the last run of the check took; nothing before the first.
    pub ping_duration: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Upstream {
    name: String,
    schedule: Schedule,
    history: Mutex<History>,
}

#[derive(Debug, Default)]
struct History {
    succeeded_once: bool,
    failures_in_a_row: u32,
    last: Option<Run>,
}

#[derive(Clone, Debug)]
struct Run {
    ended: Instant,
    duration: Duration,
    failure: Option<String>,
}

impl Upstream {
    pub(super) fn new(name: String, schedule: Schedule) -> Self {
        Self {
            name,
            schedule,
            history: Mutex::default(),
        }
    }

    /// Checks for ever. The caller aborts the task.
    pub(super) async fn run(&self, check: &dyn Check) {
        loop {
            let started = Instant::now();
            // A check that panics must not end the schedule.
            let guarded = AssertUnwindSafe(check.check()).catch_unwind();
            let failure = match tokio::time::timeout(self.schedule.timeout, guarded).await {
                Ok(Ok(Ok(()))) => None,
                Ok(Ok(Err(reason))) => Some(reason),
                Ok(Err(_panic)) => Some("the check panicked".to_owned()),
                Err(_elapsed) => Some(format!(
                    "no answer within {} ms",
                    self.schedule.timeout.as_millis()
                )),
            };
            let ended = Instant::now();
            let interval = match failure {
                Some(_) => self.schedule.interval.min(FAILING_INTERVAL_MAX),
                None => self.schedule.interval,
            };
            self.note(Run {
                ended,
                duration: ended - started,
                failure,
            });
            tokio::time::sleep(interval).await;
        }
    }

    fn note(&self, run: Run) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let was_failing = history.failures_in_a_row > 0;
        match &run.failure {
            None => {
                history.failures_in_a_row = 0;
                if was_failing || !history.succeeded_once {
                    tracing::info!(upstream = self.name, "upstream is reachable");
                }
                history.succeeded_once = true;
            }
            Some(reason) => {
                history.failures_in_a_row = history.failures_in_a_row.saturating_add(1);
                // One line for each change, not one for each run.
                if !was_failing {
                    tracing::warn!(
                        upstream = self.name,
                        error = reason,
                        "upstream check failed"
                    );
                }
            }
        }
        history.last = Some(run);
    }

    pub(super) fn state(&self) -> UpstreamState {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let failure = self.failure(&history);
        let ready = match self.schedule.policy {
            Policy::Required => failure.is_none(),
            Policy::Degraded => history.succeeded_once,
            Policy::Informational => true,
        };
        let ping_duration = history.last.as_ref().map(|run| run.duration);
        UpstreamState {
            name: self.name.clone(),
            ready,
            failure,
            ping_duration,
        }
    }

    fn failure(&self, history: &History) -> Option<String> {
        let Some(last) = &history.last else {
            return Some("not checked yet".to_owned());
        };
        let age_max = self.schedule.interval * INTERVALS_TO_STALE + self.schedule.timeout;
        if last.ended.elapsed() > age_max {
            return Some("the last check is too old".to_owned());
        }
        let failing = history.failures_in_a_row >= self.schedule.failures_to_fail.max(1);
        // Before the first success there is nothing that a single failure could be an exception to.
        if failing || !history.succeeded_once {
            last.failure.clone()
        } else {
            None
        }
    }
}
