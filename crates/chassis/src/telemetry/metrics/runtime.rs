//! What the runtime and the watchdog know: workers, tasks, upstreams, the state of the process.

use std::borrow::Cow;

use tokio::runtime::Handle;

use super::{Descriptor, Kind, Registry, Samples};
use crate::health::Health;
use crate::operations::BuildInfo;

macro_rules! descriptors {
    ($($name:ident = $kind:ident $metric:literal $unit:literal $help:literal;)+) => {
        $(const $name: Descriptor = Descriptor {
            name: $metric,
            kind: Kind::$kind,
            unit: $unit,
            help: $help,
        };)+
    };
}

descriptors! {
    WORKERS = Gauge "tokio.workers" "" "Worker threads of the runtime";
    BUSY = Counter "tokio.worker.busy" "s" "Time that a worker was busy";
    PARKS = Counter "tokio.worker.parks" "" "How often a worker had nothing to do";
    STUCK = Gauge "tokio.worker.stuck" "" "1 for a worker that the watchdog finds standing still";
    REFUSED = Counter "http.server.connections.refused" "" "Connections that were closed before their first request";
    TASKS = Gauge "tokio.tasks.alive" "" "Tasks that have not ended";
    QUEUE = Gauge "tokio.global_queue.depth" "" "Tasks that wait for any worker";
    STATE = Gauge "process.state" "" "1 for the state that the process is in";
    READY = Gauge "process.ready" "" "1 while the process is ready to serve";
    ALIVE = Gauge "process.alive" "" "0 when a proof of life is missing";
    UP = Gauge "upstream.up" "" "1 while an upstream answers";
    PING = Gauge "upstream.check.duration" "s" "How long the last check of an upstream took";
    BUILD = Gauge "build.info" "" "1; what was built, from what";
}

/// Has the registry tell of the runtime's workers.
#[expect(clippy::cast_precision_loss, reason = "no float is exact for ever")]
pub fn observe_runtime(registry: &Registry, runtime: &Handle, health: &Health) {
    let (metrics, health) = (runtime.metrics(), health.clone());
    registry.observe(move |samples| {
        let refused = crate::serve::refusals();
        for (reason, count) in [
            ("proxy_header", refused.proxy_headers),
            ("handshake", refused.handshakes),
            ("client_share", refused.clients_with_too_many),
        ] {
            samples.add(&REFUSED, [("reason", Cow::Borrowed(reason))], count as f64);
        }
        let workers = metrics.num_workers();
        samples.add(&WORKERS, [], workers as f64);
        samples.add(&TASKS, [], metrics.num_alive_tasks() as f64);
        samples.add(&QUEUE, [], metrics.global_queue_depth() as f64);
        let stuck = health.liveness().map(|liveness| liveness.stuck);
        let stuck = stuck.unwrap_or_default();
        for worker in 0..workers {
            let label = || [("worker", Cow::Owned(worker.to_string()))];
            let busy = metrics.worker_total_busy_duration(worker).as_secs_f64();
            samples.add(&BUSY, label(), busy);
            samples.add(&PARKS, label(), metrics.worker_park_count(worker) as f64);
            samples.add(&STUCK, label(), one_if(stuck.contains(&worker)));
        }
    });
}

/// Has the registry tell of the state of the process and of its upstreams, and of its build.
pub fn observe_health(registry: &Registry, health: &Health, build: &BuildInfo) {
    let (health, build) = (health.clone(), build.clone());
    registry.observe(move |samples| {
        let condition = health.condition(&[]);
        for state in ["starting", "ready", "degraded", "draining", "stuck"] {
            let value = one_if(condition.state.name() == state);
            samples.add(&STATE, [("state", Cow::Borrowed(state))], value);
        }
        let answers = condition.state.answers();
        samples.add(&READY, [], one_if(answers.readiness));
        samples.add(&ALIVE, [], one_if(answers.liveness));
        for upstream in condition.upstreams {
            let label = || [("upstream", Cow::Owned(upstream.name.clone()))];
            samples.add(&UP, label(), one_if(upstream.failure.is_none()));
            if let Some(duration) = upstream.ping_duration {
                samples.add(&PING, label(), duration.as_secs_f64());
            }
        }
        add_build(&build, samples);
    });
}

fn add_build(build: &BuildInfo, samples: &mut Samples) {
    let labels = [
        ("commit", build.commit.clone().into()),
        ("name", build.name.clone().into()),
        ("rustc", build.rustc.clone().into()),
        ("version", build.version.clone().into()),
    ];
    samples.add(&BUILD, labels, 1.0);
}

fn one_if(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}
