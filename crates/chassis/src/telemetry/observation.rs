//! What a server notes of each of its requests besides the log.

use std::sync::Arc;

use http::HeaderMap;

use super::context::{TraceContext, TraceId};
use super::metrics::{HttpMetrics, Registry};
use super::otlp::Outbox;

/// What is noted of the requests to one server. By default a trace for each, which the log names.
#[derive(Debug)]
pub struct Observation {
    pub(crate) metrics: Option<HttpMetrics>,
    pub(crate) spans: Option<Arc<Outbox>>,
    traces: bool,
    /// Traces whose random part is below are recorded. The random part has 56 bits.
    sampled_below: u64,
}

impl Default for Observation {
    fn default() -> Self {
        Self {
            metrics: None,
            spans: None,
            traces: true,
            sampled_below: 0,
        }
    }
}

impl Observation {
    /// Measures each request too.
    #[must_use]
    pub fn with_metrics(mut self, registry: &Arc<Registry>) -> Self {
        metrics::describe_counter!(
            "http.server.refusals",
            "Requests that no service answered, by what was wrong"
        );
        self.metrics = Some(HttpMetrics::new(registry));
        self
    }

    /// Has a span of each request exported whose trace is recorded: as its caller says, and of
    /// those that begin here this part, from 0 to 1.
    #[must_use]
    pub fn with_spans(mut self, spans: Arc<Outbox>, ratio: f64) -> Self {
        const RANDOM_PARTS: f64 = 72_057_594_037_927_936.0;
        self.spans = Some(spans);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is from 0 to 2^56"
        )]
        let below = (ratio.clamp(0.0, 1.0) * RANDOM_PARTS) as u64;
        self.sampled_below = below;
        self
    }

    /// Reads and makes no traces: neither log nor metrics name them.
    #[must_use]
    pub fn without_traces(mut self) -> Self {
        self.traces = false;
        self
    }

    /// The chassis itself refused a request.
    pub(crate) fn refused(&self, code: &'static str) {
        if self.metrics.is_some() {
            metrics::counter!("http.server.refusals", "error.type" => code).increment(1);
        }
    }

    /// The trace of a request. Of probes, which come all the time, none is recorded.
    pub(crate) fn trace(&self, headers: &HeaderMap, is_probe: bool) -> Option<TraceContext> {
        if !self.traces {
            return None;
        }
        let sample = |id: TraceId| !is_probe && id.random_part() < self.sampled_below;
        let mut trace = TraceContext::continued(headers, sample);
        trace.sampled &= !is_probe;
        Some(trace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_traces_are_recorded_as_the_ratio_says_and_none_of_a_probe() {
        let headers = HeaderMap::new();
        for (ratio, least, most) in [(0.0, 0, 0), (0.25, 2000, 3000), (1.0, 10_000, 10_000)] {
            let observation = Observation::default().with_spans(Arc::default(), ratio);
            let sampled = |is_probe| {
                let traces = (0..10_000).map(|_| observation.trace(&headers, is_probe).unwrap());
                traces.filter(|trace| trace.sampled).count()
            };
            let count = sampled(false);
            assert!((least..=most).contains(&count), "{count} at {ratio}");
            assert_eq!(sampled(true), 0);
        }
        let without = Observation::default().without_traces();
        assert_eq!(without.trace(&headers, false), None);
    }
}
