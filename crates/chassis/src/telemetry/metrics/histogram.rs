//! How often values were in which range.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, TryLockError};
use std::time::SystemTime;

use crate::telemetry::context::{SpanId, TraceId};

/// The bounds that OpenTelemetry wants for the durations of HTTP requests, in seconds.
const OF_REQUESTS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Those for the durations of calls of a store, with two more for one in the same process.
const OF_CALLS: &[f64] = &[
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0,
];
/// For numbers of things.
const OF_COUNTS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0, 1000.0];

/// A histogram with fixed bounds. Clones of its `Arc` share one.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One more than bounds: the last is for what is above all of them.
    counts: Box<[AtomicU64]>,
    /// The bits of a float.
    sum: AtomicU64,
    exemplars: Box<[Mutex<Option<Exemplar>>]>,
}

/// A value and the trace that it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// The trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// The value.
    pub value: f64,
    /// When it was measured.
    pub time: SystemTime,
}

/// A histogram at one moment.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// The upper bounds of the ranges, ascending; each includes its bound.
    pub bounds: &'static [f64],
    /// How many values were in each range, and above the last.
    pub counts: Vec<u64>,
    /// The sum of all values.
    pub sum: f64,
    /// The last value of each range that has a trace.
    pub exemplars: Vec<Option<Exemplar>>,
}

impl Distribution {
    /// How many values there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Histogram {
    /// A histogram with the bounds that a metric of this name has.
    pub(crate) fn for_name(name: &str) -> Self {
        let bounds = match name {
            _ if name.starts_with("http.") => OF_REQUESTS,
            _ if name.ends_with(".duration") => OF_CALLS,
            _ => OF_COUNTS,
        };
        let ranges = bounds.len() + 1;
        Self {
            bounds,
            counts: (0..ranges).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
            exemplars: (0..ranges).map(|_| Mutex::new(None)).collect(),
        }
    }

    /// Counts a value.
    pub fn record(&self, value: f64) {
        self.counts[self.range(value)].fetch_add(1, Ordering::Relaxed);
        let add = |bits| Some((f64::from_bits(bits) + value).to_bits());
        // Always some, so it never fails.
        let _ = self
            .sum
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Counts a value of a trace that is recorded.
    pub(crate) fn record_of(&self, value: f64, trace_id: TraceId, span_id: SpanId) {
        self.record(value);
        let place = &self.exemplars[self.range(value)];
        // Where two come at once, one of them is enough.
        let mut place = match place.try_lock() {
            Ok(place) => place,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        *place = Some(Exemplar {
            trace_id,
            span_id,
            value,
            time: SystemTime::now(),
        });
    }

    fn range(&self, value: f64) -> usize {
        self.bounds.partition_point(|bound| *bound < value)
    }

    pub(super) fn snapshot(&self) -> Distribution {
        let exemplars = self.exemplars.iter().map(|place| {
            let place = place.lock();
            place.map_or_else(
                |poisoned| poisoned.into_inner().clone(),
                |place| place.clone(),
            )
        });
        Distribution {
            bounds: self.bounds,
            counts: self
                .counts
                .iter()
                .map(|count| count.load(Ordering::Relaxed))
                .collect(),
            sum: f64::from_bits(self.sum.load(Ordering::Relaxed)),
            exemplars: exemplars.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_in_the_range_whose_bound_it_does_not_exceed() {
        let histogram = Histogram::for_name("http.server.request.duration");
        for value in [0.0, 0.005, 0.0051, 10.0, 11.0] {
            histogram.record(value);
        }
        let found = histogram.snapshot();
        assert_eq!((found.counts[0], found.counts[1]), (2, 1));
        assert_eq!((found.counts[13], found.counts[14]), (1, 1));
        assert_eq!(found.count(), 5);
        assert!((found.sum - 21.0101).abs() < 1e-9, "{}", found.sum);
    }
}
