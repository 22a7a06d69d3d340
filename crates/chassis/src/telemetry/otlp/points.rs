//! Metrics of OTLP: all of them are cumulative since the start of the process.

use std::time::SystemTime;

use super::spans::unix_nanos;
use super::wire::{attribute, bytes, double, fixed64, message, string, uint};
use crate::telemetry::fields::Value;
use crate::telemetry::metrics::{Distribution, Exemplar, Family, Kind, Labels, PointValue};

const CUMULATIVE: u64 = 2;

/// The span of time that points are of, in nanoseconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) start: u64,
    pub(super) now: u64,
}

impl Times {
    pub(super) fn since(start: SystemTime) -> Self {
        Self {
            start: unix_nanos(start),
            now: unix_nanos(SystemTime::now()),
        }
    }
}

/// All families, each as a `ScopeMetrics.metrics`.
pub(super) fn encoded(families: &[Family], times: Times) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 * 1024);
    for family in families {
        message(&mut out, 2, |out| encode_family(out, family, times));
    }
    out
}

fn encode_family(out: &mut Vec<u8>, family: &Family, times: Times) {
    string(out, 1, &family.name);
    string(out, 2, &family.help);
    let unit = if family.unit.is_empty() {
        "1"
    } else {
        &family.unit
    };
    string(out, 3, unit);
    let field = match family.kind {
        Kind::Gauge => 5,
        Kind::Counter => 7,
        Kind::Histogram => 9,
    };
    message(out, field, |out| {
        for point in &family.points {
            message(out, 1, |out| match &point.value {
                PointValue::Number(value) => encode_number(out, &point.labels, *value, times),
                PointValue::Distribution(distribution) => {
                    encode_distribution(out, &point.labels, distribution, times);
                }
            });
        }
        if family.kind != Kind::Gauge {
            uint(out, 2, CUMULATIVE);
        }
        if family.kind == Kind::Counter {
            uint(out, 3, 1);
        }
    });
}

fn encode_times(out: &mut Vec<u8>, times: Times) {
    fixed64(out, 2, times.start);
    fixed64(out, 3, times.now);
}

fn encode_number(out: &mut Vec<u8>, labels: &Labels, value: f64, times: Times) {
    encode_times(out, times);
    double(out, 4, value);
    for (name, value) in labels {
        attribute(out, 7, name, Value::Text(value));
    }
}

fn encode_distribution(
    out: &mut Vec<u8>,
    labels: &Labels,
    distribution: &Distribution,
    times: Times,
) {
    encode_times(out, times);
    fixed64(out, 4, distribution.count());
    double(out, 5, distribution.sum);
    let counts = distribution
        .counts
        .iter()
        .flat_map(|count| count.to_le_bytes());
    bytes(out, 6, &counts.collect::<Vec<u8>>());
    let bounds = distribution
        .bounds
        .iter()
        .flat_map(|bound| bound.to_le_bytes());
    bytes(out, 7, &bounds.collect::<Vec<u8>>());
    for exemplar in distribution.exemplars.iter().flatten() {
        message(out, 8, |out| encode_exemplar(out, exemplar));
    }
    for (name, value) in labels {
        attribute(out, 9, name, Value::Text(value));
    }
}

fn encode_exemplar(out: &mut Vec<u8>, exemplar: &Exemplar) {
    fixed64(out, 2, unix_nanos(exemplar.time));
    double(out, 3, exemplar.value);
    bytes(out, 4, exemplar.span_id.as_bytes());
    bytes(out, 5, exemplar.trace_id.as_bytes());
}
