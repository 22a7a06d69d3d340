//! The log of the process: one line for each event, on standard error.
//!
//! Standard error, because standard output belongs to the data of commands that write some; the
//! log collectors of container platforms read both.
//!
//! Lines are handed to a thread that writes them in batches, at most a few milliseconds later. A
//! reader of the log that is slow, stops or goes away cannot hold up a request: when 8 MiB wait,
//! further lines are dropped, and a line says how many. What waits is written when the
//! [`TelemetryGuard`] is dropped and before the process ends in a panic of its main thread; a
//! process that is killed loses the last few milliseconds.

mod json_line;
mod line_queue;

use std::fmt;
use std::io::{self, IsTerminal};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, Registry, fmt as lines};

use self::json_line::{FlatFields, JsonLine};
use self::line_queue::LineQueue;
use crate::health::Heartbeat;

/// What a rule of the filter may allow, from nothing to everything.
const LEVELS: &str = "off, error, warn, info, debug and trace";

/// How long the end of the process waits for a slow reader of the log.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogMode {
    /// One flat JSON object on each line, for machines.
    #[default]
    Json,
    /// One readable line, in colours on a terminal (unless `NO_COLOR` is set), for people.
    Local,
}

impl FromStr for LogMode {
    type Err = TelemetryError;

    fn from_str(text: &str) -> Result<Self, TelemetryError> {
        if text.eq_ignore_ascii_case("json") {
            Ok(Self::Json)
        } else if text.eq_ignore_ascii_case("local") {
            Ok(Self::Local)
        } else {
            Err(TelemetryError::Mode {
                given: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for LogMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Json => "JSON",
            Self::Local => "LOCAL",
        })
    }
}

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// There is no such [`LogMode`].
    #[error("there is no log mode {given:?}: it is JSON or LOCAL")]
    Mode {
        /// What was asked for.
        given: String,
    },
    /// The filter cannot be read.
    #[error("the log filter {filter:?} cannot be read")]
    Filter {
        /// What was asked for.
        filter: String,
        /// Where it is wrong.
        source: ParseError,
    },
    /// A rule of the filter has no level, or one that there is not.
    #[error("{rule:?} is no level: there are {LEVELS}, alone or for a module, as in chassis=debug")]
    Level {
        /// The rule.
        rule: String,
    },
    /// The thread that writes the log cannot be started.
    #[error("the thread that writes the log cannot be started")]
    Thread(#[source] io::Error),
    /// The process has a log already.
    #[error("the process has a log already")]
    Twice(#[source] TryInitError),
}

/// Writes out what waits in the log when it is dropped. Keep it until the end of `main`.
#[derive(Debug)]
#[must_use = "the last lines may be lost when nothing waits for them at the end of the process"]
pub struct TelemetryGuard {
    queue: Arc<LineQueue>,
}

impl Drop for TelemetryGuard {
    fn drop(&mut self) {
        self.queue.flush(FLUSH_TIMEOUT);
    }
}

/// Sets up the log of the process, and logs panics of any thread from now on.
///
/// `filter` is a level (`info`), or a list of levels by module
/// (`info,chassis::stack::access_log=warn`). `heartbeat` is that of the thread that writes: it
/// proves that the thread still takes lines, and not that somebody reads them.
pub fn init(
    mode: LogMode,
    filter: &str,
    heartbeat: Heartbeat,
) -> Result<TelemetryGuard, TelemetryError> {
    let queue = Arc::new(LineQueue::default());
    subscriber(mode, filter, Arc::clone(&queue))?
        .try_init()
        .map_err(TelemetryError::Twice)?;
    queue
        .start_writing(io::stderr(), heartbeat)
        .map_err(TelemetryError::Thread)?;
    log_panics(Arc::clone(&queue));
    Ok(TelemetryGuard { queue })
}

/// Whether [`init`] takes this filter.
///
/// # Errors
/// [`TelemetryError::Filter`] or [`TelemetryError::Level`].
pub fn check_filter(filter: &str) -> Result<(), TelemetryError> {
    parse_filter(filter).map(drop)
}

fn parse_filter(filter: &str) -> Result<Targets, TelemetryError> {
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
    Targets::from_str(filter).map_err(|source| TelemetryError::Filter {
        filter: filter.to_owned(),
        source,
    })
}

/// The log in the given form, into `writer`, which is given one whole line at a time.
pub(crate) fn subscriber<W>(
    mode: LogMode,
    filter: &str,
    writer: Arc<W>,
) -> Result<impl Subscriber + Send + Sync + use<W>, TelemetryError>
where
    W: Send + Sync + 'static,
    for<'a> &'a W: io::Write,
{
    let levels = parse_filter(filter)?;
    // The library reports its own failures with a macro that panics when standard error is closed.
    let layer = lines::layer()
        .with_writer(writer)
        .log_internal_errors(false);
    let layer = match mode {
        LogMode::Json => layer.fmt_fields(FlatFields).event_format(JsonLine).boxed(),
        LogMode::Local if io::stderr().is_terminal() => layer.compact().boxed(),
        LogMode::Local => layer.with_ansi(false).compact().boxed(),
    };
    Ok(Registry::default().with(levels).with(layer))
}

/// How many panics there were.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// How many panics the log has had since the start of the process.
#[must_use]
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

fn log_panics(queue: Arc<LineQueue>) {
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        let thread = std::thread::current();
        tracing::error!(
            thread = thread.name(),
            location = panic.location().map(tracing::field::display),
            // A panic is a fault of the program: whoever mends it needs the way to it.
            backtrace = std::backtrace::Backtrace::force_capture().to_string(),
            "panic: {}",
            panic.payload_as_str().unwrap_or("without a message"),
        );
        // This may be the last that the process does.
        if thread.name() == Some("main") {
            queue.flush(FLUSH_TIMEOUT);
        }
    }));
}
