//! Which lines are written, and how that changes while the process runs.

use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::{Registry, reload};

use super::TelemetryError;

/// The target of the span of a request, which every filter lets pass: it carries the ids.
pub(super) const REQUEST_SPAN: &str = "chassis::request";

/// Whether the filter can be used.
///
/// # Errors
/// [`TelemetryError::Filter`] or [`TelemetryError::Level`].
pub fn check_filter(filter: &str) -> Result<(), TelemetryError> {
    parse_filter(filter).map(drop)
}

pub(super) fn parse_filter(filter: &str) -> Result<Targets, TelemetryError> {
    // The library takes a word that is no level for a module of which everything is logged, and
    // is silent about all others.
    let is_level = |rule: &str| rule.parse::<LevelFilter>().is_ok();
    let rules = filter.split(',').map(str::trim);
    let unknown = rules
        .filter(|rule| !rule.is_empty())
        .find(|rule| !is_level(rule.rsplit('=').next().unwrap_or_default()));
    if let Some(rule) = unknown {
        let rule = rule.to_owned();
        return Err(TelemetryError::Level { rule });
    }
    // Filters by the fields of spans would have to look at each request's.
    let targets = Targets::from_str(filter).map_err(|source| TelemetryError::Filter {
        filter: filter.to_owned(),
        source,
    })?;
    Ok(targets.with_target(REQUEST_SPAN, Level::ERROR))
}

/// The filter of the process's log. Clones change the same one.
#[derive(Clone, Debug)]
pub struct LogLevel {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    targets: reload::Handle<Targets, Registry>,
    configured: String,
    current: Mutex<Current>,
}

/// What applies now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// The filter.
    pub filter: String,
    /// When the configured one applies again; nothing for not by itself.
    pub until: Option<Instant>,
}

impl LogLevel {
    pub(super) fn new(targets: reload::Handle<Targets, Registry>, configured: &str) -> Self {
        let current = Current {
            filter: configured.to_owned(),
            until: None,
        };
        Self {
            shared: Arc::new(Shared {
                targets,
                configured: configured.to_owned(),
                current: Mutex::new(current),
            }),
        }
    }

    /// The filter that the process was started with.
    #[must_use]
    pub fn configured(&self) -> &str {
        &self.shared.configured
    }

    /// The filter that applies now.
    #[must_use]
    pub fn current(&self) -> Current {
        self.lock().clone()
    }

    /// Has another filter apply, for a time or until it is changed again. Whoever asked for a time
    /// calls [`LogLevel::restore`] when it is over.
    ///
    /// # Errors
    /// As [`check_filter`].
    pub fn change(&self, filter: &str, time: Option<Duration>) -> Result<Current, TelemetryError> {
        let targets = parse_filter(filter)?;
        let mut current = self.lock();
        *current = Current {
            filter: filter.to_owned(),
            until: time.map(|time| Instant::now() + time),
        };
        self.apply(targets);
        Ok(current.clone())
    }

    /// Goes back to the configured filter, unless another one than `changed` applies by now.
    pub fn restore(&self, changed: &Current) {
        let mut current = self.lock();
        if *current == *changed
            && let Ok(targets) = parse_filter(&self.shared.configured)
        {
            current.filter.clone_from(&self.shared.configured);
            current.until = None;
            self.apply(targets);
            tracing::info!(
                filter = current.filter,
                "the filter of the log is as configured"
            );
        }
    }

    fn apply(&self, targets: Targets) {
        // It fails when the log is gone, and with it the filter.
        let _ = self.shared.targets.reload(targets);
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        let current = self.shared.current.lock();
        current.unwrap_or_else(PoisonError::into_inner)
    }
}
