//! How a process words what the chassis has to say.

use axum::response::Response;
use http::StatusCode;
use serde_json::Value;

use crate::fault::Fault;

/// Writes the documents for which no service answers.
///
/// Both methods must answer with the status of what they are given; they write the body and its
/// `Content-Type`. The chassis adds `X-Request-Id`, `Apitrace`, `Allow`, `Retry-After` and
/// `Cache-Control` itself.
pub trait Presenter: Send + Sync + 'static {
    /// The response for `fault`, in the format of the service that owns `path`.
    fn fault(&self, path: &str, fault: &Fault) -> Response;

    /// The response of an operations route.
    fn report(&self, report: &Report) -> Response;
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
    /// Have we begun to serve?
    Startup,
    /// Which log lines are written?
    LogLevel,
}

impl ReportKind {
    /// The name of the route without its slash: `ping`, `liveness`, `readiness`, `startup`, `log-level`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Liveness => "liveness",
            Self::Readiness => "readiness",
            Self::Startup => "startup",
            Self::LogLevel => "log-level",
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
    pub(crate) fn new(kind: ReportKind, yes: bool, attributes: Vec<(String, Value)>) -> Self {
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
