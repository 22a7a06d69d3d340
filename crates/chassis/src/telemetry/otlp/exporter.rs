//! The loop of the thread that sends to the collector.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::collector::{Collector, Delivery};
use super::outbox::Piece;
use super::points::{self, Times};
use super::wire::{attribute, message, string};
use super::{FLUSH_TIMEOUT, OtlpSettings, Outbox, Outboxes};
use crate::health::Heartbeat;
use crate::telemetry::fields::Value;
use crate::telemetry::metrics::{Descriptor, Kind, Registry};

/// How often pieces are sent that are not full.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often a piece is sent again: one that the collector cannot read must not stop the others.
const TRIES_MAX: u32 = 5;
/// The pause after the first failure in a row; it doubles up to the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_LONGEST: Duration = Duration::from_secs(15);

const DROPPED: Descriptor = Descriptor {
    name: "otlp.dropped",
    kind: Kind::Counter,
    unit: "",
    help: "Spans, log records and sets of metrics that the collector did not get",
};
const SENT: Descriptor = Descriptor {
    name: "otlp.requests",
    kind: Kind::Counter,
    unit: "",
    help: "Requests to the collector by their outcome",
};
const WAITING: Descriptor = Descriptor {
    name: "otlp.queue",
    kind: Kind::Gauge,
    unit: "By",
    help: "What waits to be sent to the collector",
};

/// What the thread works with.
pub(super) struct Exporter {
    settings: OtlpSettings,
    outboxes: Outboxes,
    registry: Arc<Registry>,
    heartbeat: Heartbeat,
    collector: Collector,
    counts: Arc<Counts>,
    started: SystemTime,
    /// Set while the collector is out of order: when to try again, and the pause after that.
    pause: Option<(Instant, Duration)>,
}

#[derive(Default)]
struct Counts {
    taken: AtomicU64,
    failed: AtomicU64,
    metrics_dropped: AtomicU64,
}

impl Exporter {
    pub(super) fn new(
        settings: OtlpSettings,
        outboxes: Outboxes,
        registry: Arc<Registry>,
        heartbeat: Heartbeat,
    ) -> Self {
        let counts = Arc::<Counts>::default();
        observe(&registry, &outboxes, &counts);
        Self {
            collector: Collector::new(settings.endpoint.clone()),
            settings,
            outboxes,
            registry,
            heartbeat,
            counts,
            started: SystemTime::now(),
            pause: None,
        }
    }

    /// Sends until it is stopped; then what is left, in bounded time.
    pub(super) async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut metrics_due = Instant::now() + self.settings.metrics_interval;
        loop {
            self.heartbeat.beat();
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => break,
                () = sleep(INTERVAL) => {}
                () = self.outboxes.spans.is_full() => {}
                () = self.outboxes.records.is_full() => {}
            }
            if self.is_paused() {
                continue;
            }
            let sending = async {
                self.send_all().await;
                if Instant::now() >= metrics_due {
                    metrics_due = Instant::now() + self.settings.metrics_interval;
                    self.send_metrics().await;
                }
            };
            tokio::select! {
                () = sending => {}
                _ = stopped.wait_for(|stopped| *stopped) => break,
            }
        }
        let rest = async {
            self.pause = None;
            self.send_all().await;
            self.send_metrics().await;
        };
        let _ = timeout(FLUSH_TIMEOUT, rest).await;
    }

    fn is_paused(&self) -> bool {
        self.pause.is_some_and(|(until, _)| Instant::now() < until)
    }

    async fn send_all(&mut self) {
        let Outboxes { spans, records } = self.outboxes.clone();
        for (kind, outbox) in [("traces", spans), ("logs", records)] {
            while !self.is_paused()
                && let Some(piece) = outbox.take()
            {
                self.heartbeat.beat();
                self.send_piece(kind, &outbox, piece).await;
            }
        }
    }

    async fn send_piece(&mut self, kind: &str, outbox: &Outbox, piece: Piece) {
        // Counted as dropped when the process ends before there is an answer.
        let mut underway = Underway {
            outbox,
            count: piece.count,
        };
        underway.count = match self.send(kind, &piece.bytes).await {
            Delivery::Taken { rejected } => rejected.min(piece.count),
            Delivery::Later(_) if piece.tries < TRIES_MAX => {
                let tries = piece.tries + 1;
                outbox.put_back(Piece { tries, ..piece });
                0
            }
            Delivery::Later(_) | Delivery::Refused(_) => piece.count,
        };
    }

    async fn send_metrics(&mut self) {
        if self.is_paused() {
            self.counts.metrics_dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let times = Times::since(self.started);
        let encoded = points::encoded(&self.registry.collect(), times);
        let is_taken = matches!(
            self.send("metrics", &encoded).await,
            Delivery::Taken { rejected: 0 }
        );
        let dropped = &self.counts.metrics_dropped;
        dropped.fetch_add(u64::from(!is_taken), Ordering::Relaxed);
    }

    async fn send(&mut self, kind: &str, encoded: &[u8]) -> Delivery {
        let body = self.request(encoded);
        let delivery = self.collector.send(kind, body.into()).await;
        let reason = match &delivery {
            Delivery::Taken { .. } => {
                self.counts.taken.fetch_add(1, Ordering::Relaxed);
                if self.pause.take().is_some() {
                    tracing::info!("the collector is back");
                }
                return delivery;
            }
            Delivery::Refused(reason) | Delivery::Later(reason) => reason,
        };
        self.counts.failed.fetch_add(1, Ordering::Relaxed);
        if self.pause.is_none() {
            tracing::warn!(error = reason, "the collector takes no telemetry");
        }
        let pause = self.pause.map_or(PAUSE_FIRST, |(_, pause)| pause * 2);
        let pause = pause.min(PAUSE_LONGEST);
        self.pause = Some((Instant::now() + pause, pause));
        delivery
    }

    /// Resource, scope and what is sent: the three requests have the same shape.
    fn request(&self, encoded: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(encoded.len() + 256);
        let (name, version) = (&self.settings.service_name, &self.settings.service_version);
        message(&mut out, 1, |out| {
            message(out, 1, |out| {
                attribute(out, 1, "service.name", Value::Text(name));
                attribute(out, 1, "service.version", Value::Text(version));
                attribute(out, 1, "telemetry.sdk.language", Value::Text("rust"));
                attribute(
                    out,
                    1,
                    "process.pid",
                    Value::Unsigned(std::process::id().into()),
                );
            });
            message(out, 2, |out| {
                message(out, 1, |out| string(out, 1, "chassis"));
                out.extend_from_slice(encoded);
            });
        });
        out
    }
}

/// What is on its way: dropped with the request when the process ends before it is answered.
struct Underway<'a> {
    outbox: &'a Outbox,
    count: u64,
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.outbox.drop_counted(self.count);
    }
}

#[expect(clippy::cast_precision_loss, reason = "no float is exact for ever")]
fn observe(registry: &Registry, outboxes: &Outboxes, counts: &Arc<Counts>) {
    let (outboxes, counts) = (outboxes.clone(), Arc::clone(counts));
    registry.observe(move |samples| {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64;
        for (kind, outbox) in [("traces", &outboxes.spans), ("logs", &outboxes.records)] {
            let label = || [("signal", kind.into())];
            samples.add(&DROPPED, label(), outbox.dropped() as f64);
            samples.add(&WAITING, label(), outbox.bytes() as f64);
        }
        let dropped = read(&counts.metrics_dropped);
        samples.add(&DROPPED, [("signal", "metrics".into())], dropped);
        for (outcome, count) in [("taken", &counts.taken), ("failed", &counts.failed)] {
            samples.add(&SENT, [("outcome", outcome.into())], read(count));
        }
    });
}
