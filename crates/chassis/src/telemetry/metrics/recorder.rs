//! The registry behind the facade `metrics`, for the crates that know no more than that.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use metrics::{Counter, Gauge, HistogramFn, Key, KeyName, Metadata, SharedString, Unit};

use super::{Histogram, Instrument, Kind, Labels, Registry};

struct Recorder(Arc<Registry>);

/// The registry of the process. The first call makes it the one that the facade `metrics` records
/// to; handles that were made before it record nothing.
pub fn install() -> Arc<Registry> {
    static INSTALLED: OnceLock<Arc<Registry>> = OnceLock::new();
    let made = || {
        let registry = Arc::<Registry>::default();
        // It fails where somebody else records already, which nobody here does.
        let _ = metrics::set_global_recorder(Recorder(Arc::clone(&registry)));
        super::process::observe(&registry);
        registry
    };
    Arc::clone(INSTALLED.get_or_init(made))
}

fn unit_of(unit: Option<Unit>) -> &'static str {
    match unit {
        Some(Unit::Seconds) => "s",
        Some(Unit::Bytes) => "By",
        _ => "",
    }
}

fn labels_of(key: &Key) -> Labels {
    let label = |label: &metrics::Label| {
        let (name, value) = (label.key().to_owned(), label.value().to_owned());
        (Cow::Owned(name), Cow::Owned(value))
    };
    let mut labels: Labels = key.labels().map(label).collect();
    labels.sort();
    labels
}

impl Recorder {
    fn describe(&self, name: &KeyName, kind: Kind, unit: Option<Unit>, help: &str) {
        self.0.describe(name.as_str(), kind, unit_of(unit), help);
    }

    fn series(&self, key: &Key, kind: Kind) -> Option<Instrument> {
        self.0.series(key.name(), kind, labels_of(key))
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(&name, Kind::Counter, unit, &help);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(&name, Kind::Gauge, unit, &help);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(&name, Kind::Histogram, unit, &help);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        match self.series(key, Kind::Counter) {
            Some(Instrument::Counter(count)) => Counter::from_arc(count),
            _ => Counter::noop(),
        }
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        match self.series(key, Kind::Gauge) {
            Some(Instrument::Gauge(bits)) => Gauge::from_arc(bits),
            _ => Gauge::noop(),
        }
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> metrics::Histogram {
        match self.series(key, Kind::Histogram) {
            Some(Instrument::Histogram(histogram)) => metrics::Histogram::from_arc(histogram),
            _ => metrics::Histogram::noop(),
        }
    }
}

impl HistogramFn for Histogram {
    fn record(&self, value: f64) {
        Self::record(self, value);
    }
}
