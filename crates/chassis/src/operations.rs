//! The routes that a scheduler and an operator ask: `/ping`, `/liveness`, `/readiness`, `/startup`,
//! each of them also below `/-/`, where no service is.
//!
//! No answer of these performs I/O: what they report was written down before they were asked.
//! Operators have `/metrics` and `/-/log-level` besides.

mod log_level;
mod metrics;
mod port;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderValue, header};
use serde_json::{Value, json};

pub use self::log_level::router as log_level;
pub use self::metrics::router as metrics;
pub use self::port::Port;
use crate::health::{Condition, Health, Policy, UpstreamState};
use crate::lifecycle::{Answers, State};
use crate::presenter::{Presenter, Report, ReportKind};

const KINDS: [ReportKind; 4] = [
    ReportKind::Ping,
    ReportKind::Liveness,
    ReportKind::Readiness,
    ReportKind::Startup,
];

/// First segments of paths that belong to the process itself. What it needs beside the routes of
/// probes goes below `/-/`.
pub const RESERVED: [&str; 5] = ["-", "ping", "liveness", "readiness", "startup"];

/// A response extension: the request is one of those that come all the time, and its line is at
/// level debug as those of probes are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quiet;

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

/// Who can reach the routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Whoever can reach the services.
    Public,
    /// Those who run the process: `?verbose` tells more, and `?exclude=` leaves upstreams out.
    Operators,
}

/// The routes. They take GET and HEAD.
pub fn router(
    health: &Health,
    build: &BuildInfo,
    audience: Audience,
    presenter: &Arc<dyn Presenter>,
) -> Router {
    let mut router = Router::new();
    for kind in KINDS {
        let (health, presenter) = (health.clone(), Arc::clone(presenter));
        let build = build.clone();
        let handler = move |request: Request| {
            let wishes = Wishes::of(&request, audience);
            let excluded: Vec<&str> = wishes.excluded.iter().map(String::as_str).collect();
            let condition = health.condition(&excluded);
            let answers = condition.state.answers();
            let report = match kind {
                ReportKind::Ping => ping(&build, answers),
                ReportKind::Liveness => liveness(&health, answers),
                ReportKind::Readiness => readiness(&condition, &excluded, wishes.verbose),
                ReportKind::Startup | ReportKind::LogLevel => startup(answers),
            };
            std::future::ready(answer(&*presenter, &report))
        };
        let name = kind.name();
        router = router
            .route(&format!("/{name}"), get(handler.clone()))
            .route(&format!("/-/{name}"), get(handler));
    }
    router
}

/// Whether `path` is one of the routes: probes are exempt from shedding, and their log lines are at
/// level debug unless they
/// fail.
#[must_use]
pub fn is_probe(path: &str) -> bool {
    let name = path.strip_prefix("/-").unwrap_or(path);
    matches!(name, "/ping" | "/liveness" | "/readiness" | "/startup")
}

/// What the query of an operator asks for.
#[derive(Debug, Default)]
struct Wishes {
    verbose: bool,
    excluded: Vec<String>,
}

impl Wishes {
    fn of(request: &Request, audience: Audience) -> Self {
        let mut wishes = Self::default();
        if audience == Audience::Public {
            return wishes;
        }
        let pairs = request.uri().query().unwrap_or_default().split('&');
        for pair in pairs {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("verbose", _) => wishes.verbose = true,
                ("exclude", name) => wishes.excluded.push(name.to_owned()),
                _ => {}
            }
        }
        wishes
    }
}

fn answer(presenter: &dyn Presenter, report: &Report) -> Response {
    let mut response = presenter.report(report);
    // A cached answer to "are you ready?" is a wrong one.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn ping(build: &BuildInfo, answers: Answers) -> Report {
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
    Report::new(ReportKind::Ping, answers.ping, attributes)
}

fn liveness(health: &Health, answers: Answers) -> Report {
    let Some(seen) = health.liveness() else {
        // Nobody watches the workers. That this line runs proves one of them.
        let attributes = vec![("workers".into(), json!("ok"))];
        return Report::new(ReportKind::Liveness, answers.liveness, attributes);
    };
    let verdict = match seen.stuck.as_slice() {
        [] if seen.watching => "ok".to_owned(),
        [] => "the watchdog stopped".to_owned(),
        stuck => format!("stuck: {stuck:?}"),
    };
    let mut attributes = vec![
        ("workers".to_owned(), json!(verdict)),
        ("workersCount".to_owned(), json!(seen.workers)),
    ];
    if !seen.failures.is_empty() {
        attributes.push(("failures".to_owned(), json!(seen.failures)));
    }
    Report::new(ReportKind::Liveness, answers.liveness, attributes)
}

fn startup(answers: Answers) -> Report {
    let attributes = vec![("started".to_owned(), json!(answers.startup))];
    Report::new(ReportKind::Startup, answers.startup, attributes)
}

fn readiness(condition: &Condition, excluded: &[&str], verbose: bool) -> Report {
    let mut attributes = Vec::new();
    if condition.state != State::Ready || verbose {
        attributes.push(("state".to_owned(), json!(condition.state.name())));
    }
    for upstream in &condition.upstreams {
        let outcome = upstream.failure.as_deref().unwrap_or("ok");
        let left_out = excluded.contains(&upstream.name.as_str());
        let outcome = if left_out { "excluded" } else { outcome };
        attributes.push((upstream.name.clone(), json!(outcome)));
        if let Some(duration) = upstream.ping_duration {
            let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
            attributes.push((
                format!("{}PingDurationMicros", upstream.name),
                json!(micros),
            ));
        }
        if verbose {
            attributes.extend(particulars(upstream));
        }
    }
    let known = |name: &&&str| condition.upstreams.iter().any(|known| known.name == **name);
    let unknown: Vec<_> = excluded.iter().filter(|name| !known(name)).collect();
    if !unknown.is_empty() {
        attributes.push(("excludedButUnknown".to_owned(), json!(unknown)));
    }
    if verbose {
        attributes.push(("panics".to_owned(), json!(crate::telemetry::panics())));
    }
    Report::new(
        ReportKind::Readiness,
        condition.state.answers().readiness,
        attributes,
    )
}

fn particulars(upstream: &UpstreamState) -> [(String, Value); 2] {
    let policy = match upstream.policy {
        Policy::Required => "required",
        Policy::Degraded => "degraded",
        Policy::Informational => "informational",
    };
    let age = upstream
        .age
        .map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    [
        (format!("{}Policy", upstream.name), json!(policy)),
        (format!("{}AgeMillis", upstream.name), json!(age)),
    ]
}
