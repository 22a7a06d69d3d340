//! What the kernel says of the process, under the names that clients of Prometheus give it.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

use super::{Descriptor, Kind, Registry, Samples};

const fn gauge(name: &'static str, unit: &'static str, help: &'static str) -> Descriptor {
    Descriptor {
        name,
        kind: Kind::Gauge,
        unit,
        help,
    }
}

const MEMORY: Descriptor = gauge(
    "process.resident_memory",
    "By",
    "Memory that is in use and not paged out",
);
const OPEN: Descriptor = gauge("process.open_fds", "", "Open file descriptors");
const MOST: Descriptor = gauge(
    "process.max_fds",
    "",
    "How many file descriptors may be open",
);
const START: Descriptor = gauge(
    "process.start_time",
    "s",
    "When the process began, in seconds since 1970",
);
const THREADS: Descriptor = gauge("process.threads", "", "Threads of the process");
const CPU: Descriptor = Descriptor {
    name: "process.cpu",
    kind: Kind::Counter,
    unit: "s",
    help: "Processor time that the process has used",
};
const PANICS: Descriptor = Descriptor {
    name: "process.panics",
    kind: Kind::Counter,
    unit: "",
    help: "Panics of any thread",
};

pub(super) fn observe(registry: &Registry) {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let started = since_epoch.unwrap_or_default().as_secs_f64();
    registry.observe(move |samples| {
        samples.add(&START, [], started);
        #[expect(clippy::cast_precision_loss, reason = "it is a small number")]
        samples.add(&PANICS, [], crate::telemetry::panics() as f64);
        if let Ok(stat) = fs::read_to_string("/proc/self/stat") {
            of_stat(&stat, samples);
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            #[expect(clippy::cast_precision_loss, reason = "it is a small number")]
            samples.add(&OPEN, [], open.count() as f64);
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            #[expect(clippy::cast_precision_loss, reason = "it is a small number")]
            samples.add(&MOST, [], most as f64);
        }
    });
}

/// The fields of proc(5), counted from the one behind the name, which may hold anything.
fn of_stat(stat: &str, samples: &mut Samples) {
    let Some((_, rest)) = stat.rsplit_once(") ") else {
        return;
    };
    let fields: Vec<f64> = rest
        .split_whitespace()
        .map(|field| field.parse().unwrap_or_default())
        .collect();
    let [user, system, threads, pages] = [11, 12, 17, 21].map(|at| fields.get(at).copied());
    #[expect(clippy::cast_precision_loss, reason = "both are small numbers")]
    let (ticks, page) = (clock_ticks_per_second() as f64, page_size() as f64);
    if let (Some(user), Some(system), Some(threads), Some(pages)) = (user, system, threads, pages) {
        samples.add(&CPU, [], (user + system) / ticks);
        samples.add(&THREADS, [], threads);
        samples.add(&MEMORY, [], pages * page);
    }
}
