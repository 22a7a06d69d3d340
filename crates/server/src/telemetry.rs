//! The log, the metrics and the traces of this process, as its settings want them.

use std::sync::Arc;

use axum::Router;
use chassis::health::{Health, Heartbeat};
use chassis::operations;
use chassis::presenter::Presenter;
use chassis::telemetry::metrics::{self, Registry};
use chassis::telemetry::otlp::{self, ExportGuard, OtlpSettings, Outboxes};
use chassis::telemetry::{self, Calls, LogSettings, Observation, TelemetryGuard};
use tokio::runtime::Handle;

use crate::commands::serve::THREAD_BUDGET;
use crate::failure::Failure;
use crate::settings::{self, Effective, Settings};
use crate::{probes, redaction};

/// Everything that is told of the process. Kept until its end: what waits is written and sent when
/// it is dropped.
pub(crate) struct Telemetry {
    /// Dropped first: what it says goes into the log.
    _export: Option<ExportGuard>,
    log: TelemetryGuard,
    registry: Option<Arc<Registry>>,
    outboxes: Option<Outboxes>,
}

impl Telemetry {
    /// Sets up the log, and the export if there is a collector.
    pub(crate) fn start(
        settings: &Settings,
        values: &[Effective],
        health: &Health,
    ) -> Result<Self, Failure> {
        let outboxes = settings.otlp_endpoint.as_ref().map(|_| Outboxes::default());
        let records = outboxes.as_ref().map(|all| all.records.clone());
        let log = LogSettings {
            mode: settings.log_mode,
            filter: settings.log_filter.0.clone(),
            service_name: settings.service_name.clone(),
            secrets: redaction::secrets(values),
            records,
            colours: settings::colours_are_wanted(),
            failure_bytes_per_second: settings.log_failures_bytes_per_second.0,
        };
        let heartbeat = |name| -> Heartbeat { health.heartbeat(name, THREAD_BUDGET) };
        let log = telemetry::init(&log, heartbeat("the thread that writes the log"))
            .map_err(|error| Failure::settings(error.to_string()))?;
        let registry = settings.metrics.then(metrics::install);
        if let Some(registry) = &registry {
            log.observe(registry);
            metrics::observe_health(registry, health, &probes::build());
        }
        let export = match (&settings.otlp_endpoint, &outboxes) {
            (Some(endpoint), Some(outboxes)) => {
                let otlp = OtlpSettings {
                    endpoint: endpoint.clone(),
                    metrics_interval: settings.otlp_metrics_interval_ms,
                    service_name: settings.service_name.clone(),
                    service_version: env!("CARGO_PKG_VERSION").to_owned(),
                };
                let known = registry.clone().unwrap_or_default();
                let heartbeat = heartbeat("the thread that talks to the collector");
                let export = otlp::export(otlp, outboxes, &known, heartbeat);
                Some(export.map_err(|error| Failure::internal(error.to_string()))?)
            }
            _ => None,
        };
        Ok(Self {
            _export: export,
            log,
            registry,
            outboxes,
        })
    }

    /// Has the metrics tell of the runtime.
    pub(crate) fn observe_runtime(&self, runtime: &Handle, health: &Health) {
        if let Some(registry) = &self.registry {
            metrics::observe_runtime(registry, runtime, health);
        }
    }

    /// What is noted of the requests to the services.
    pub(crate) fn observation(&self, settings: &Settings) -> Observation {
        let mut observation = Observation::default();
        if let Some(registry) = &self.registry {
            observation = observation.with_metrics(registry);
        }
        if let Some(outboxes) = &self.outboxes {
            let ratio = settings.trace_sample_ratio.0;
            observation = observation.with_spans(outboxes.spans.clone(), ratio);
        }
        if settings.trace_context {
            observation
        } else {
            observation.without_traces()
        }
    }

    /// What is noted of the calls of a store.
    pub(crate) fn calls(&self, system: &'static str) -> Calls {
        let spans = self.outboxes.as_ref().map(|all| all.spans.clone());
        Calls::new(system, self.registry.clone(), spans)
    }

    /// The routes for those who run the process.
    pub(crate) fn router(&self, wording: Arc<dyn Presenter>) -> Router {
        let router = operations::log_level(self.log.level(), wording);
        match &self.registry {
            Some(registry) => router.merge(operations::metrics(registry.clone())),
            None => router,
        }
    }
}

/// The state of the process as one log line.
pub(crate) fn log_state(health: &Health) {
    let condition = health.condition(&[]);
    let metrics = health.liveness();
    tracing::info!(
        state = condition.state.name(),
        ready = condition.state.answers().readiness,
        upstreams = ?condition.upstreams,
        liveness = ?metrics,
        panics = telemetry::panics(),
        refusals = ?chassis::serve::refusals(),
        "state of the process"
    );
}
