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

mod calls;
pub mod context;
mod escape;
mod fields;
mod flood;
mod form;
mod level;
mod line_queue;
mod lines;
pub mod metrics;
mod mode;
mod observation;
pub mod otlp;
mod redaction;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::Subscriber;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Registry, reload};

pub use self::calls::Calls;
pub(crate) use self::fields::Value;
use self::flood::Flood;
pub(crate) use self::flood::REFUSED;
use self::form::Style;
pub use self::level::{Current, LogLevel, check_filter};
use self::line_queue::LineQueue;
use self::lines::Lines;
pub(crate) use self::lines::{RequestContext, request_span};
use self::metrics::{Descriptor, Kind, Registry as Metrics};
pub use self::mode::LogMode;
pub use self::observation::Observation;
use self::otlp::Outbox;
pub(crate) use self::otlp::{Span, SpanKind};
use self::redaction::Redaction;
use crate::health::Heartbeat;

/// What a rule of the filter may allow, from nothing to everything.
const LEVELS: &str = "off, error, warn, info, debug and trace";

const DROPPED: Descriptor = Descriptor {
    name: "log.lines.dropped",
    kind: Kind::Counter,
    unit: "",
    help: "Log lines that were not written: nobody read them in time, or a flood had too many",
};

/// How long the end of the process waits for a slow reader of the log.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// There is no such [`LogMode`].
    #[error("there is no log mode {given:?}: it is JSON, LOGFMT or LOCAL")]
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

/// How the log of a process is to be.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// The form of its lines. Default JSON.
    pub mode: LogMode,
    /// A level (`info`), or a list of levels by module (`info,chassis::stack::access_log=warn`).
    /// Default `info`.
    pub filter: String,
    /// What the process is called in each line. Default `monocoque`.
    pub service_name: String,
    /// Texts that no line may show, such as passwords. Default none.
    pub secrets: Vec<String>,
    /// Where the lines go besides, as log records for a collector. Default nowhere.
    pub records: Option<Arc<Outbox>>,
    /// Whether LOCAL lines may be in colours, which they are on a terminal. Default true.
    pub colours: bool,
    /// How many bytes of lines about failures and refused requests each place of the code may
    /// write in a second; 64 seconds' worth may come at once. 0 for no bound. Default 16 KiB.
    pub failure_bytes_per_second: u64,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            mode: LogMode::Json,
            filter: "info".to_owned(),
            service_name: "monocoque".to_owned(),
            secrets: Vec::new(),
            records: None,
            colours: true,
            failure_bytes_per_second: 16 * 1024,
        }
    }
}

/// The log of the process. Writes out what waits in it when it is dropped: keep it until the end
/// of `main`.
#[must_use = "the last lines may be lost when nothing waits for them at the end of the process"]
pub struct TelemetryGuard {
    queue: Arc<LineQueue>,
    flood: Arc<Flood>,
    style: Style,
    level: LogLevel,
}

impl TelemetryGuard {
    /// Has the registry tell how many lines were not written.
    pub fn observe(&self, registry: &Metrics) {
        let (queue, flood) = (Arc::clone(&self.queue), Arc::clone(&self.flood));
        registry.observe(move |samples| {
            for (reason, lines) in [("queue", queue.dropped()), ("flood", flood.left_out())] {
                #[expect(clippy::cast_precision_loss, reason = "no float is exact for ever")]
                samples.add(&DROPPED, [("reason", reason.into())], lines as f64);
            }
        });
    }

    /// The filter, to be changed while the process runs.
    #[must_use]
    pub fn level(&self) -> LogLevel {
        self.level.clone()
    }
}

impl Drop for TelemetryGuard {
    fn drop(&mut self) {
        let mut notes = Vec::new();
        note_left_out(&self.style, &self.flood, &mut notes);
        if !notes.is_empty() {
            self.queue.push(&notes);
        }
        self.queue.flush(FLUSH_TIMEOUT);
    }
}

/// Sets up the log of the process, and logs panics of any thread from now on. `heartbeat` is that
/// of the thread that writes: it proves that the thread still takes lines, and not that somebody
/// reads them.
///
/// # Errors
/// When the filter cannot be read, the process has a log already or its thread cannot be started.
pub fn init(
    settings: &LogSettings,
    heartbeat: Heartbeat,
) -> Result<TelemetryGuard, TelemetryError> {
    let queue = Arc::new(LineQueue::default());
    let lines = lines(settings, Arc::clone(&queue));
    let (flood, style) = (Arc::clone(&lines.flood), lines.style.clone());
    let (subscriber, level) = subscriber(lines, &settings.filter)?;
    subscriber.try_init().map_err(TelemetryError::Twice)?;
    let reminded = Arc::clone(&queue);
    flood.when_it_begins(move || reminded.remind());
    let (noted_style, noted_flood) = (style.clone(), Arc::clone(&flood));
    let noting = Arc::clone(&queue);
    let note = move |dropped, batch: &mut Vec<u8>| {
        note_dropped(&noted_style, dropped, batch);
        if noted_flood.is_due() {
            note_left_out(&noted_style, &noted_flood, batch);
        } else if noted_flood.is_pending() {
            noting.remind();
        }
    };
    queue
        .start_writing(io::stderr(), heartbeat, note)
        .map_err(TelemetryError::Thread)?;
    log_panics(Arc::clone(&queue));
    Ok(TelemetryGuard {
        queue,
        flood,
        style,
        level,
    })
}

fn note_dropped(style: &Style, lines: u64, batch: &mut Vec<u8>) {
    if lines > 0 {
        let mut text = String::new();
        let message = "log lines were dropped because nobody read them in time";
        style.note(
            &mut text,
            message,
            &[("lines_dropped", Value::Unsigned(lines))],
        );
        batch.extend_from_slice(text.as_bytes());
    }
}

fn note_left_out(style: &Style, flood: &Flood, batch: &mut Vec<u8>) {
    for (place, lines) in flood.take_left_out() {
        let mut text = String::new();
        let message = "log lines were left out because there were too many of their kind";
        let fields = [
            ("lines_left_out", Value::Unsigned(lines)),
            ("lines_of", Value::Text(place)),
        ];
        style.note(&mut text, message, &fields);
        batch.extend_from_slice(text.as_bytes());
    }
}

/// What makes lines for `writer`, which is given one whole line at a time.
pub(crate) fn lines<W>(settings: &LogSettings, writer: Arc<W>) -> Lines<W> {
    // Collectors read colours as characters.
    let colours = settings.colours && io::stderr().is_terminal();
    let style = Style::new(settings.mode, colours, &settings.service_name);
    let redaction = Redaction::of(&settings.secrets);
    let flood = Arc::new(Flood::new(settings.failure_bytes_per_second));
    Lines::new(style, redaction, flood, writer).with_records(settings.records.clone())
}

/// The log of a process or of a test.
pub(crate) fn subscriber<W>(
    lines: Lines<W>,
    filter: &str,
) -> Result<(impl Subscriber + Send + Sync + use<W>, LogLevel), TelemetryError>
where
    W: Send + Sync + 'static,
    for<'a> &'a W: io::Write,
{
    let (targets, handle) = reload::Layer::new(level::parse_filter(filter)?);
    let level = LogLevel::new(handle, filter);
    Ok((Registry::default().with(targets).with(lines), level))
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
