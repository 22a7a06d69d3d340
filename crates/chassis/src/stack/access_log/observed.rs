//! What metrics and traces are told of a request that was answered.

use std::time::Duration;

use http::Version;

use super::AccessRecord;
use crate::stack::route::{OTHER_METHOD, method_name};
use crate::stack::{Service, Stack};
use crate::telemetry::metrics::{Answered, HttpMetrics};
use crate::telemetry::{Observation, Span, SpanKind, Value};

/// How much of a path a span shows.
const PATH_BYTES_MAX: usize = 1024;

impl Service {
    /// Has this noted of each request besides the log. The first call counts, and none after the
    /// first request.
    #[must_use]
    pub fn observed(self, observation: Observation) -> Self {
        let _ = self.stack.observation.set(observation);
        self
    }
}

impl Stack {
    pub(in crate::stack) fn observation(&self) -> &Observation {
        self.observation.get_or_init(Observation::default)
    }

    pub(super) fn metrics(&self) -> Option<&HttpMetrics> {
        self.observation.get()?.metrics.as_ref()
    }
}

impl AccessRecord {
    /// Tells the metrics and, where the trace is recorded, the collector.
    pub(super) fn observe(&self, status: u16, took: Duration) {
        let trace = self.context.trace.as_ref();
        let (method, route) = (method_name(&self.method), self.route.read());
        if let Some(metrics) = self.stack.metrics() {
            metrics.ended(&Answered {
                method,
                route,
                status,
                duration: took,
                trace,
            });
        }
        let spans = self
            .stack
            .observation
            .get()
            .and_then(|all| all.spans.as_ref());
        let Some((spans, trace)) = spans.zip(trace.filter(|trace| trace.sampled)) else {
            return;
        };
        let failed = status >= 500;
        let text = |text| Some(Value::Text(text));
        let client = self.client.map(|client| client.to_string());
        let code = status.to_string();
        spans.add_span(&Span {
            context: trace,
            id: trace.span_id,
            parent: trace.parent_id,
            kind: SpanKind::Server,
            name: &[
                if method == OTHER_METHOD {
                    "HTTP"
                } else {
                    method
                },
                " ",
                route.unwrap_or_default(),
            ],
            took,
            failed,
            attributes: &[
                ("http.request.method", text(method)),
                ("url.path", text(cut(self.uri.path()))),
                ("url.scheme", text("http")),
                ("http.route", route.map(Value::Text)),
                (
                    "http.response.status_code",
                    Some(Value::Unsigned(status.into())),
                ),
                ("error.type", text(&code).filter(|_| failed)),
                ("client.address", client.as_deref().map(Value::Text)),
                ("network.protocol.version", text(protocol(self.version))),
                (
                    "http.request.id",
                    self.context.request_id.to_str().ok().map(Value::Text),
                ),
                ("apitrace", self.context.apitrace()),
            ],
        });
    }
}

/// The path as far as a span shows it.
fn cut(path: &str) -> &str {
    &path[..path.floor_char_boundary(PATH_BYTES_MAX)]
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}
