//! What the process counts and measures, whoever asks for it: `/metrics` or a collector.
//!
//! Crates that are measured know the facade `metrics` alone. The chassis, which needs exemplars and
//! cheap handles, uses the registry itself: docs/decisions/0032-metrics.md.

mod exposition;
mod histogram;
mod http;
mod process;
mod recorder;
mod runtime;
mod series;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

pub use self::exposition::{Exposition, exposition};
pub use self::histogram::{Distribution, Exemplar, Histogram};
pub(crate) use self::http::{Answered, HttpMetrics};
pub use self::recorder::install;
pub use self::runtime::{observe_health, observe_runtime};
pub(crate) use self::series::Series;

/// The most series of one name. What would be more is not measured: a mistake of the program must
/// not fill the memory of whoever collects.
const SERIES_MAX: usize = 4096;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only rises.
    Counter,
    /// It rises and falls.
    Gauge,
    /// How often values were in which range.
    Histogram,
}

/// A metric as it is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Its name by the conventions of OpenTelemetry: `http.server.request.duration`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its unit by UCUM: `s`, `By`; empty for a mere number.
    pub unit: &'static str,
    /// What it says, in one sentence.
    pub help: &'static str,
}

/// The names and values that tell series of one name apart, in the order of their names.
pub type Labels = Vec<(Cow<'static, str>, Cow<'static, str>)>;

/// One series at one moment.
#[derive(Clone, Debug)]
pub struct Point {
    /// What tells it apart.
    pub labels: Labels,
    /// Its value.
    pub value: PointValue,
}

/// The value of a series at one moment.
#[derive(Clone, Debug)]
pub enum PointValue {
    /// Of a counter or a gauge.
    Number(f64),
    /// Of a histogram.
    Distribution(Distribution),
}

/// All series of one name at one moment.
#[derive(Clone, Debug)]
pub struct Family {
    /// What they are.
    pub name: String,
    /// What kind of metric it is.
    pub kind: Kind,
    /// Their unit by UCUM.
    pub unit: String,
    /// What they say.
    pub help: String,
    /// The series.
    pub points: Vec<Point>,
}

/// What is asked of those who know values that nobody counts, such as the number of threads.
type Observer = Box<dyn Fn(&mut Samples) + Send + Sync>;

/// All metrics of a process.
#[derive(Default)]
pub struct Registry {
    families: Mutex<BTreeMap<String, Declared>>,
    observers: RwLock<Vec<Observer>>,
    refused: AtomicU64,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}

/// A name with its series.
struct Declared {
    kind: Kind,
    unit: String,
    help: String,
    series: HashMap<Labels, Instrument>,
}

#[derive(Clone)]
enum Instrument {
    Counter(Arc<AtomicU64>),
    /// The bits of a float.
    Gauge(Arc<AtomicU64>),
    Histogram(Arc<Histogram>),
}

impl Instrument {
    fn new(kind: Kind, name: &str) -> Self {
        match kind {
            Kind::Counter => Self::Counter(Arc::default()),
            Kind::Gauge => Self::Gauge(Arc::default()),
            Kind::Histogram => Self::Histogram(Arc::new(Histogram::for_name(name))),
        }
    }

    fn value(&self) -> PointValue {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "so are the numbers of the formats"
            )]
            Self::Counter(count) => PointValue::Number(count.load(Ordering::Relaxed) as f64),
            Self::Gauge(bits) => PointValue::Number(f64::from_bits(bits.load(Ordering::Relaxed))),
            Self::Histogram(histogram) => PointValue::Distribution(histogram.snapshot()),
        }
    }
}

const REFUSED: Descriptor = Descriptor {
    name: "telemetry.series.refused",
    kind: Kind::Counter,
    unit: "",
    help: "Series that were not measured because their metric has too many",
};

impl Registry {
    /// The series of a histogram.
    pub(crate) fn histogram(&self, descriptor: &Descriptor, labels: Labels) -> Arc<Histogram> {
        self.describe(
            descriptor.name,
            descriptor.kind,
            descriptor.unit,
            descriptor.help,
        );
        match self.series(descriptor.name, descriptor.kind, labels) {
            Some(Instrument::Histogram(histogram)) => histogram,
            _ => Arc::new(Histogram::for_name(descriptor.name)),
        }
    }

    /// Asks `observer` whenever the metrics are collected.
    pub fn observe(&self, observer: impl Fn(&mut Samples) + Send + Sync + 'static) {
        let observers = self.observers.write();
        let mut observers = observers.unwrap_or_else(PoisonError::into_inner);
        observers.push(Box::new(observer));
    }

    fn describe(&self, name: &str, kind: Kind, unit: &str, help: &str) {
        let mut families = self.families();
        let declared = families.entry(name.to_owned()).or_insert_with(|| Declared {
            kind,
            unit: String::new(),
            help: String::new(),
            series: HashMap::new(),
        });
        if declared.help.is_empty() {
            unit.clone_into(&mut declared.unit);
            help.clone_into(&mut declared.help);
        }
    }

    /// Nothing where the name is one of another kind, or has too many series.
    fn series(&self, name: &str, kind: Kind, labels: Labels) -> Option<Instrument> {
        let mut families = self.families();
        if !families.contains_key(name) {
            let declared = Declared {
                kind,
                unit: String::new(),
                help: String::new(),
                series: HashMap::new(),
            };
            families.insert(name.to_owned(), declared);
        }
        let declared = families.get_mut(name)?;
        if let Some(instrument) = declared.series.get(&labels) {
            return Some(instrument.clone());
        }
        if declared.kind != kind || declared.series.len() >= SERIES_MAX {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let instrument = Instrument::new(kind, name);
        declared.series.insert(labels, instrument.clone());
        Some(instrument)
    }

    /// Everything as it is now, in the order of the names.
    #[must_use]
    pub fn collect(&self) -> Vec<Family> {
        let mut samples = Samples::default();
        for (name, declared) in &*self.families() {
            let points = declared.series.iter().map(|(labels, instrument)| Point {
                labels: labels.clone(),
                value: instrument.value(),
            });
            let mut points: Vec<Point> = points.collect();
            points.sort_by(|one, other| one.labels.cmp(&other.labels));
            let family = Family {
                name: name.clone(),
                kind: declared.kind,
                unit: declared.unit.clone(),
                help: declared.help.clone(),
                points,
            };
            samples.0.insert(name.clone(), family);
        }
        let observers = self.observers.read();
        for observer in observers.unwrap_or_else(PoisonError::into_inner).iter() {
            observer(&mut samples);
        }
        #[expect(clippy::cast_precision_loss, reason = "it is a small number")]
        let refused = self.refused.load(Ordering::Relaxed) as f64;
        samples.add(&REFUSED, [], refused);
        let families = samples.0.into_values();
        families
            .filter(|family| !family.points.is_empty())
            .collect()
    }

    fn families(&self) -> MutexGuard<'_, BTreeMap<String, Declared>> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What observers add to.
#[derive(Debug, Default)]
pub struct Samples(BTreeMap<String, Family>);

impl Samples {
    /// Adds the value of a series.
    pub fn add<const N: usize>(
        &mut self,
        descriptor: &Descriptor,
        labels: [(&'static str, Cow<'static, str>); N],
        value: f64,
    ) {
        let family = self.0.entry(descriptor.name.to_owned());
        let family = family.or_insert_with(|| Family {
            name: descriptor.name.to_owned(),
            kind: descriptor.kind,
            unit: descriptor.unit.to_owned(),
            help: descriptor.help.to_owned(),
            points: Vec::new(),
        });
        let labels = labels.map(|(name, value)| (Cow::Borrowed(name), value));
        family.points.push(Point {
            labels: labels.to_vec(),
            value: PointValue::Number(value),
        });
    }
}
