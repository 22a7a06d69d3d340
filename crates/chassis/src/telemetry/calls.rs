//! Calls of something else, such as a store: how long they took, and a span for each of a trace
//! that is recorded.

use std::sync::Arc;
use std::time::Instant;

use tracing::Span as TracingSpan;
use tracing_subscriber::Registry as Spans;
use tracing_subscriber::registry::LookupSpan;

use super::context::{SpanId, TraceContext};
use super::fields::Value;
use super::lines::RequestContext;
use super::metrics::{Descriptor, Histogram, Kind, Registry, Series};
use super::otlp::{Outbox, Span, SpanKind};

const DURATION: Descriptor = Descriptor {
    name: "db.client.operation.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long calls of the store took",
};

/// The calls of one store, by the conventions of OpenTelemetry for databases.
#[derive(Debug)]
pub struct Calls {
    system: &'static str,
    registry: Option<Arc<Registry>>,
    durations: Series<(&'static str, Option<&'static str>)>,
    spans: Option<Arc<Outbox>>,
}

impl Calls {
    /// `system` is the name of the store. What is left out is not measured, or not traced.
    #[must_use]
    pub fn new(
        system: &'static str,
        registry: Option<Arc<Registry>>,
        spans: Option<Arc<Outbox>>,
    ) -> Self {
        Self {
            system,
            registry,
            durations: Series::default(),
            spans,
        }
    }

    /// Waits for a call. `collection` is one of those that are declared, or empty; `error_type`
    /// names what went wrong, from a small set.
    pub async fn follow<T, E>(
        &self,
        operation: &'static str,
        collection: &str,
        call: impl Future<Output = Result<T, E>>,
        error_type: impl FnOnce(&E) -> Option<&'static str>,
    ) -> Result<T, E> {
        if self.registry.is_none() && self.spans.is_none() {
            return call.await;
        }
        let mut following = Following {
            calls: self,
            operation,
            collection,
            began: Instant::now(),
            // A call that is dropped on its way: its client left, or its time was up.
            error: Some("cancelled"),
        };
        let outcome = call.await;
        following.error = outcome.as_ref().err().and_then(error_type);
        outcome
    }

    fn ended(
        &self,
        operation: &'static str,
        collection: &str,
        error: Option<&'static str>,
        began: Instant,
    ) {
        let took = began.elapsed();
        let trace = self.spans.as_ref().and_then(|_| current_trace());
        let trace = trace.filter(|trace| trace.sampled);
        let id = SpanId::fresh();
        if let Some(registry) = &self.registry {
            let make = || self.histogram(registry, operation, collection, error);
            let histogram = self.durations.get((operation, error), collection, make);
            match &trace {
                Some(trace) => histogram.record_of(took.as_secs_f64(), trace.trace_id, id),
                None => histogram.record(took.as_secs_f64()),
            }
        }
        if let (Some(spans), Some(trace)) = (&self.spans, &trace) {
            let text = |text| Some(Value::Text(text));
            spans.add_span(&Span {
                context: trace,
                id,
                parent: Some(trace.span_id),
                kind: SpanKind::Client,
                name: &[operation, " ", collection],
                took,
                failed: error.is_some(),
                attributes: &[
                    ("db.system.name", text(self.system)),
                    ("db.operation.name", text(operation)),
                    (
                        "db.collection.name",
                        text(collection).filter(|_| !collection.is_empty()),
                    ),
                    ("error.type", error.map(Value::Text)),
                ],
            });
        }
    }

    fn histogram(
        &self,
        registry: &Registry,
        operation: &'static str,
        collection: &str,
        error: Option<&'static str>,
    ) -> Arc<Histogram> {
        let mut labels = Vec::new();
        if !collection.is_empty() {
            labels.push(("db.collection.name".into(), collection.to_owned().into()));
        }
        labels.push(("db.operation.name".into(), operation.into()));
        labels.push(("db.system.name".into(), self.system.into()));
        if let Some(error) = error {
            labels.push(("error.type".into(), error.into()));
        }
        registry.histogram(&DURATION, labels)
    }
}

/// A call until it has ended.
struct Following<'a> {
    calls: &'a Calls,
    operation: &'static str,
    collection: &'a str,
    began: Instant,
    error: Option<&'static str>,
}

impl Drop for Following<'_> {
    fn drop(&mut self) {
        let calls = self.calls;
        calls.ended(self.operation, self.collection, self.error, self.began);
    }
}

/// The trace of the request that this code runs for, also in tasks of its own that are
/// instrumented with its span.
fn current_trace() -> Option<TraceContext> {
    let found = TracingSpan::current().with_subscriber(|(id, dispatch)| {
        let span = dispatch.downcast_ref::<Spans>()?.span(id)?;
        span.scope().find_map(|span| {
            let extensions = span.extensions();
            extensions.get::<RequestContext>()?.trace.clone()
        })
    });
    found.flatten()
}
