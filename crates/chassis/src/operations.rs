//! The routes that a scheduler and an operator ask: `/ping`, `/liveness`, `/readiness`.
//!
//! No answer performs I/O: what the routes report was written down before they were asked.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::health::Health;
use crate::presenter::Presenter;

const PING: &str = "/ping";
const LIVENESS: &str = "/liveness";
const READINESS: &str = "/readiness";

/// What was built, from what: the answer to "which version runs here?".
#[derive(Clone, Debug, Default)]
pub struct BuildInfo {
    /// The name of the program.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The commit it was built from; empty where that is not known.
    pub commit: String,
    /// The compiler that built it; empty where that is not known.
    pub rustc: String,
}

/// Which of the operations routes a [`Report`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// Can somebody connect to us?
    Ping,
    /// Are we functional, or should the scheduler replace us?
    Liveness,
    /// Can we serve now?
    Readiness,
}

impl ReportKind {
    /// The name of the route without its slash: `ping`, `liveness`, `readiness`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Liveness => "liveness",
            Self::Readiness => "readiness",
        }
    }
}

/// What an operations route has to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The route that was asked.
    pub kind: ReportKind,
    /// 200 when the answer to the route's question is yes, 503 when it is no.
    pub status: StatusCode,
    /// Names and values in the order in which they are to be shown. Names are in `camelCase`.
    pub attributes: Vec<(String, Value)>,
}

impl Report {
    fn new(kind: ReportKind, yes: bool, attributes: Vec<(String, Value)>) -> Self {
        let status = if yes {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        Self {
            kind,
            status,
            attributes,
        }
    }
}

/// The three routes. They take GET and HEAD.
pub fn router(health: Health, build: &BuildInfo, presenter: Arc<dyn Presenter>) -> Router {
    let ping_report = Arc::new(ping(build));
    let readiness_health = health.clone();
    let (ping_presenter, liveness_presenter) = (Arc::clone(&presenter), Arc::clone(&presenter));
    Router::new()
        .route(
            PING,
            get(async move || answer(&*ping_presenter, &ping_report)),
        )
        .route(
            LIVENESS,
            get(async move || answer(&*liveness_presenter, &liveness(&health))),
        )
        .route(
            READINESS,
            get(async move || answer(&*presenter, &readiness(&readiness_health))),
        )
}

/// Whether `path` is one of the three routes: probes are exempt from shedding, and their log lines
/// are at level debug.
#[must_use]
pub fn is_probe(path: &str) -> bool {
    matches!(path, PING | LIVENESS | READINESS)
}

fn answer(presenter: &dyn Presenter, report: &Report) -> Response {
    let mut response = presenter.report(report);
    // A cached answer to "are you ready?" is a wrong one.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn ping(build: &BuildInfo) -> Report {
    let known = [
        ("name", &build.name),
        ("version", &build.version),
        ("commit", &build.commit),
        ("rustc", &build.rustc),
    ];
    let attributes = known
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    Report::new(ReportKind::Ping, true, attributes)
}

fn liveness(health: &Health) -> Report {
    let Some(workers) = health.workers() else {
        // Nobody watches the workers. That this line runs proves one of them.
        return Report::new(
            ReportKind::Liveness,
            true,
            vec![("workers".into(), json!("ok"))],
        );
    };
    let verdict = match workers.stuck.as_slice() {
        [] if workers.watching => "ok".to_owned(),
        [] => "the watchdog stopped".to_owned(),
        stuck => format!("stuck: {stuck:?}"),
    };
    let attributes = vec![
        ("workers".to_owned(), json!(verdict)),
        ("workersCount".to_owned(), json!(workers.count)),
    ];
    Report::new(ReportKind::Liveness, workers.alive(), attributes)
}

fn readiness(health: &Health) -> Report {
    let readiness = health.readiness();
    let mut attributes = Vec::new();
    if readiness.draining {
        attributes.push(("state".to_owned(), json!("draining")));
    }
    for upstream in &readiness.upstreams {
        let outcome = upstream.failure.as_deref().unwrap_or("ok");
        attributes.push((upstream.name.clone(), json!(outcome)));
        if let Some(duration) = upstream.ping_duration {
            let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
            attributes.push((
                format!("{}PingDurationMicros", upstream.name),
                json!(micros),
            ));
        }
    }
    Report::new(ReportKind::Readiness, readiness.ready, attributes)
}
