//! One watched upstream: what its scheduled check and the requests themselves last met.
//!
//! This is the one author of an outage in the log: it begins, it goes on, it is over.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Check, CheckFailure, Policy, Schedule};

/// An upstream that fails is looked at at least this often, so that the process serves again soon
/// after it is back.
const FAILING_INTERVAL_MAX: Duration = Duration::from_millis(500);

/// Requests that fail hasten the next look, but not beyond this pace.
const PACE_MIN: Duration = Duration::from_millis(100);

/// How often the log says that an outage goes on.
const REMINDER_INTERVAL: Duration = Duration::from_secs(30);

/// An outage is over for the log when nothing has failed for so long: where only some requests
/// fail, it is one story.
const QUIET_AFTER_OUTAGE: Duration = Duration::from_secs(1);

/// How many intervals a result may be old.
const INTERVALS_TO_STALE: u32 = 3;

/// What is known about an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamState {
    /// The name that its check gave.
    pub name: String,
    /// What its failure means.
    pub policy: Policy,
    /// Whether the process can be ready, as far as this upstream goes.
    pub ready: bool,
    /// Why it is not fine, in words that may be shown to anybody; nothing when it is fine.
    pub failure: Option<String>,
    /// How long the last run of the check took; nothing before the first.
    pub ping_duration: Option<Duration>,
    /// How old the last news of it is; nothing before the first.
    pub age: Option<Duration>,
}

/// An upstream as those know it who call it: they tell what they met.
///
/// Clones tell the same record. Both methods are cheap enough for every request.
#[derive(Clone, Debug)]
pub struct Upstream {
    record: Arc<Record>,
}

#[derive(Debug)]
struct Record {
    name: String,
    schedule: Schedule,
    started: Instant,
    /// Something failed since the last success: whoever succeeds has to say so.
    suspect: AtomicBool,
    /// Milliseconds after `started` of the last success that a request had; 0 for none.
    used: AtomicU64,
    history: Mutex<History>,
    failed: Notify,
    /// A request met a failure, and no check has run since.
    check_is_due: AtomicBool,
}

#[derive(Debug, Default)]
struct History {
    succeeded_once: bool,
    failures_in_a_row: u32,
    successes_in_a_row: u32,
    reason: Option<String>,
    ping_duration: Option<Duration>,
    heard: Option<Instant>,
    outage: Option<Outage>,
}

#[derive(Debug)]
struct Outage {
    began: Instant,
    reminded: Instant,
    failed: Instant,
    failures: u64,
}

impl Upstream {
    pub(super) fn new(name: String, schedule: Schedule) -> Self {
        Self {
            record: Arc::new(Record {
                name,
                schedule,
                started: Instant::now(),
                suspect: AtomicBool::new(true),
                used: AtomicU64::new(0),
                history: Mutex::default(),
                failed: Notify::new(),
                check_is_due: AtomicBool::new(false),
            }),
        }
    }

    /// A request got an answer from the upstream, whatever the answer was.
    pub fn succeeded(&self) {
        let record = &self.record;
        let now = u64::try_from(record.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        record.used.store(now.max(1), Ordering::Relaxed);
        if record.suspect.load(Ordering::Acquire) {
            record.note(Ok(()), None);
        }
    }

    /// A request could not reach the upstream. The check runs at once to see whether that holds.
    pub fn failed(&self, failure: CheckFailure) {
        self.record.note(Err(failure), None);
        self.doubted();
    }

    /// A request met something of which only the check can tell whether the upstream fails. The
    /// check runs at once, whatever other requests meet.
    pub fn doubted(&self) {
        self.record.check_is_due.store(true, Ordering::Release);
        self.record.failed.notify_one();
    }

    /// Checks for ever. The caller aborts the task.
    pub(super) async fn run(&self, check: &dyn Check) {
        let record = &*self.record;
        let schedule = &record.schedule;
        let mut runs = 0_u64;
        loop {
            // Requests that succeed prove more than a check does, and cost nothing.
            let due = record.check_is_due.swap(false, Ordering::AcqRel);
            if runs == 0 || due || record.suspect.load(Ordering::Acquire) || !record.was_used() {
                let started = Instant::now();
                let outcome = outcome_of(check, schedule.timeout).await;
                record.note(outcome, Some(started.elapsed()));
            } else {
                record.history().heard = Some(Instant::now());
            }
            runs += 1;
            let interval = if record.suspect.load(Ordering::Acquire) {
                schedule.interval.min(FAILING_INTERVAL_MAX)
            } else {
                jittered(schedule.interval, runs)
            };
            tokio::time::sleep(interval.min(PACE_MIN)).await;
            let rest = interval.saturating_sub(PACE_MIN);
            let _ = tokio::time::timeout(rest, record.failed.notified()).await;
        }
    }

    pub(super) fn state(&self) -> UpstreamState {
        let record = &*self.record;
        let history = record.history();
        let failure = record.failure(&history);
        let ready = match record.schedule.policy {
            Policy::Required => failure.is_none(),
            Policy::Degraded => history.succeeded_once,
            Policy::Informational => true,
        };
        UpstreamState {
            name: record.name.clone(),
            policy: record.schedule.policy,
            ready,
            failure,
            ping_duration: history.ping_duration,
            age: history.heard.map(|heard| heard.elapsed()),
        }
    }
}

async fn outcome_of(check: &dyn Check, timeout: Duration) -> Result<(), CheckFailure> {
    // A check that panics must not end the schedule.
    let guarded = AssertUnwindSafe(check.check()).catch_unwind();
    match tokio::time::timeout(timeout, guarded).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => Err(CheckFailure::new("the check panicked")),
        Err(_elapsed) => {
            let millis = timeout.as_millis();
            Err(CheckFailure::new(format!("no answer within {millis} ms")))
        }
    }
}

/// The interval, less up to a tenth of it, so that replicas do not ask in step.
fn jittered(interval: Duration, run: u64) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(run) % 1000;
    interval.saturating_sub(interval / 10_000 * u32::try_from(random).unwrap_or_default())
}

impl Record {
    /// Whether a request succeeded since the last look.
    fn was_used(&self) -> bool {
        self.used.swap(0, Ordering::Relaxed) > 0
    }

    fn note(&self, outcome: Result<(), CheckFailure>, ping_duration: Option<Duration>) {
        let mut history = self.history();
        let now = Instant::now();
        history.heard = Some(now);
        if ping_duration.is_some() {
            history.ping_duration = ping_duration;
        }
        match outcome {
            Ok(()) => self.note_success(&mut history, now),
            Err(failure) => self.note_failure(&mut history, &failure, now),
        }
    }

    fn note_success(&self, history: &mut History, now: Instant) {
        history.successes_in_a_row = history.successes_in_a_row.saturating_add(1);
        let recovered = history.outage.is_none()
            || history.successes_in_a_row >= self.schedule.successes_to_recover;
        if !recovered {
            return;
        }
        history.failures_in_a_row = 0;
        history.reason = None;
        let upstream = self.name.as_str();
        let goes_on = |outage: &Outage| now - outage.failed < QUIET_AFTER_OUTAGE;
        if history.succeeded_once && history.outage.as_ref().is_some_and(goes_on) {
            return;
        }
        self.suspect.store(false, Ordering::Release);
        if let Some(outage) = history.outage.take() {
            let outage_millis = millis(now - outage.began);
            let failures = outage.failures;
            tracing::info!(upstream, outage_millis, failures, "upstream is back");
        } else if !history.succeeded_once {
            tracing::info!(upstream, "upstream is reachable");
        }
        history.succeeded_once = true;
    }

    fn note_failure(&self, history: &mut History, failure: &CheckFailure, now: Instant) {
        self.suspect.store(true, Ordering::Release);
        history.successes_in_a_row = 0;
        history.failures_in_a_row = history.failures_in_a_row.saturating_add(1);
        history.reason = Some(failure.reason.clone());
        let (upstream, error) = (self.name.as_str(), failure.detail());
        match &mut history.outage {
            None => {
                history.outage = Some(Outage {
                    began: now,
                    reminded: now,
                    failed: now,
                    failures: 1,
                });
                tracing::warn!(upstream, error, "upstream fails");
            }
            Some(outage) => {
                outage.failures += 1;
                outage.failed = now;
                if now - outage.reminded >= REMINDER_INTERVAL {
                    outage.reminded = now;
                    let (outage_millis, failures) = (millis(now - outage.began), outage.failures);
                    tracing::warn!(
                        upstream,
                        outage_millis,
                        failures,
                        error,
                        "upstream still fails"
                    );
                }
            }
        }
    }

    fn failure(&self, history: &History) -> Option<String> {
        let Some(heard) = history.heard else {
            return Some("not checked yet".to_owned());
        };
        let age_max = self.schedule.interval * INTERVALS_TO_STALE + self.schedule.timeout * 2;
        if heard.elapsed() > age_max {
            return Some("the last check is too old".to_owned());
        }
        let failing = history.failures_in_a_row >= self.schedule.failures_to_fail.max(1);
        // Before the first success there is nothing that a single failure could be an exception to.
        if failing || !history.succeeded_once {
            history.reason.clone()
        } else {
            None
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
