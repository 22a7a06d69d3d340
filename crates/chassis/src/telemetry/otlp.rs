//! Spans, metrics and log records for a collector, by the OpenTelemetry protocol over HTTP.
//!
//! Requests encode what they have to say and put it into an [`Outbox`]; a thread of its own sends
//! it. A collector that is slow, away or talks nonsense costs requests nothing: what is too much is
//! dropped and counted. docs/decisions/0033-otlp.md says why this is our own code.

mod collector;
mod exporter;
mod outbox;
mod points;
mod records;
mod spans;
mod wire;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

pub use self::collector::Endpoint;
use self::exporter::Exporter;
pub use self::outbox::Outbox;
pub(super) use self::records::LogRecord;
pub(crate) use self::spans::{Span, SpanKind};
use super::metrics::Registry;
use crate::health::Heartbeat;

/// How long the end of the process waits for the collector.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Why nothing can be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OtlpError {
    /// It is no place of a collector.
    #[error("is not a URL such as http://localhost:4318, without credentials")]
    Endpoint,
    /// The thread cannot be started.
    #[error("the thread that talks to the collector cannot be started")]
    Thread(#[source] io::Error),
}

/// What is to be exported.
#[derive(Clone, Debug)]
pub struct OtlpSettings {
    /// Where the collector is.
    pub endpoint: Endpoint,
    /// How often the metrics are sent.
    pub metrics_interval: Duration,
    /// What the process is called.
    pub service_name: String,
    /// Its version.
    pub service_version: String,
}

/// What waits for the collector. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Outboxes {
    /// Spans.
    pub spans: Arc<Outbox>,
    /// Log records.
    pub records: Arc<Outbox>,
}

/// The thread that sends. Sends what waits, for at most three seconds, when it is dropped.
#[must_use = "what waits is lost when nobody has it sent at the end of the process"]
pub struct ExportGuard {
    stop: watch::Sender<bool>,
    ended: Receiver<()>,
}

impl fmt::Debug for ExportGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportGuard").finish_non_exhaustive()
    }
}

impl Drop for ExportGuard {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if self.ended.recv_timeout(FLUSH_TIMEOUT) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the collector did not take what was left in time");
        }
    }
}

/// Starts to send what comes into the outboxes, and the metrics of the registry, which learns of
/// what is dropped. `heartbeat` is that of the thread.
///
/// # Errors
/// [`OtlpError::Thread`].
pub fn export(
    settings: OtlpSettings,
    outboxes: &Outboxes,
    registry: &Arc<Registry>,
    heartbeat: Heartbeat,
) -> Result<ExportGuard, OtlpError> {
    let (stop, stopped) = watch::channel(false);
    let (ending, ended) = channel();
    let exporter = Exporter::new(settings, outboxes.clone(), Arc::clone(registry), heartbeat);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(OtlpError::Thread)?;
    let thread = thread::Builder::new().name("otlp".to_owned());
    let sending = move || {
        runtime.block_on(exporter.run(stopped));
        drop(ending);
    };
    thread.spawn(sending).map_err(OtlpError::Thread)?;
    Ok(ExportGuard { stop, ended })
}
