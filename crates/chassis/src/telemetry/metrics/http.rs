//! The metrics of requests, by the conventions of OpenTelemetry.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::series::Series;
use super::{Descriptor, Histogram, Kind, Labels, Registry};
use crate::telemetry::context::TraceContext;

const DURATION: Descriptor = Descriptor {
    name: "http.server.request.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long requests took, from their head to the end of their answers",
};

const ACTIVE: Descriptor = Descriptor {
    name: "http.server.active_requests",
    kind: Kind::Gauge,
    unit: "",
    help: "Requests that are being answered",
};

/// A request that has been answered, or whose client has left.
pub(crate) struct Answered<'a> {
    /// A method of the standards, or `_OTHER`.
    pub(crate) method: &'static str,
    /// Its route, if it has one.
    pub(crate) route: Option<&'a str>,
    /// The status of the answer.
    pub(crate) status: u16,
    /// How long it took.
    pub(crate) duration: Duration,
    /// The trace it belongs to.
    pub(crate) trace: Option<&'a TraceContext>,
}

/// The metrics of the requests to one server.
#[derive(Debug)]
pub(crate) struct HttpMetrics {
    registry: Arc<Registry>,
    active: Arc<AtomicI64>,
    /// By method, status and route: a bounded set, whatever clients send.
    durations: Series<(&'static str, u16)>,
}

impl HttpMetrics {
    pub(crate) fn new(registry: &Arc<Registry>) -> Self {
        let active = Arc::<AtomicI64>::default();
        let observed = Arc::clone(&active);
        registry.observe(move |samples| {
            #[expect(clippy::cast_precision_loss, reason = "it is a small number")]
            let active = observed.load(Ordering::Relaxed) as f64;
            samples.add(&ACTIVE, [], active);
        });
        Self {
            registry: Arc::clone(registry),
            active,
            durations: Series::default(),
        }
    }

    pub(crate) fn began(&self) {
        self.active.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn ended(&self, request: &Answered<'_>) {
        self.active.fetch_sub(1, Ordering::Relaxed);
        let key = (request.method, request.status);
        let route = request.route.unwrap_or_default();
        let histogram = self.durations.get(key, route, || self.histogram(request));
        let seconds = request.duration.as_secs_f64();
        match request.trace.filter(|trace| trace.sampled) {
            Some(trace) => histogram.record_of(seconds, trace.trace_id, trace.span_id),
            None => histogram.record(seconds),
        }
    }

    fn histogram(&self, request: &Answered<'_>) -> Arc<Histogram> {
        let status = request.status.to_string();
        let mut labels: Labels = vec![("http.request.method".into(), request.method.into())];
        if request.status >= 500 {
            labels.push(("error.type".into(), status.clone().into()));
        }
        labels.push(("http.response.status_code".into(), status.into()));
        if let Some(route) = request.route {
            labels.push(("http.route".into(), route.to_owned().into()));
        }
        labels.sort();
        self.registry.histogram(&DURATION, labels)
    }
}
