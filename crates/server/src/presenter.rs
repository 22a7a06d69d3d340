//! How this process words what the chassis has to say: in the format of the service that owns
//! the path.

use axum::response::{IntoResponse, Response};
use chassis::fault::Fault;
use chassis::presenter::{Presenter, Report, ReportKind};
use http::{HeaderValue, header};
use jsonapi::{ATOMIC, Applied, Error, Errors};
use serde_json::{Map, Value, json};

/// JSON:API for everyone but the Fibonacci service.
pub(crate) struct Wording {
    /// Whether the Fibonacci service is there to own its paths.
    pub(crate) fibonacci: bool,
    /// Whether it is the only one, so that `/` is its too.
    pub(crate) fibonacci_alone: bool,
}

impl Presenter for Wording {
    fn fault(&self, path: &str, fault: &Fault) -> Response {
        let owns = path == "/fibonacci" || path.starts_with("/fibonacci/");
        if self.fibonacci && owns || self.fibonacci_alone && path == "/" {
            return fibonacci_error(fault);
        }
        let error = Error::new(fault.status(), fault.code(), fault.title()).detail(fault.detail());
        let mut response = Errors::from(error).into_response();
        // Also what is refused before the service sees it is an answer of the extension.
        let is_operations = path.trim_end_matches('/') == "/operations";
        if is_operations && !matches!(fault, Fault::NotFound) {
            let applied = Applied {
                extensions: vec![ATOMIC],
                profiles: Vec::new(),
            };
            if let Ok(value) = HeaderValue::try_from(applied.to_string()) {
                response.headers_mut().insert(header::CONTENT_TYPE, value);
            }
        }
        response
    }

    fn report(&self, report: &Report) -> Response {
        let attributes: Map<String, Value> = report.attributes.iter().cloned().collect();
        if report.status.is_success() {
            let data = json!({"type": report.kind.name(), "id": "0", "attributes": attributes});
            return jsonapi::http::document(report.status, jsonapi::document("data", &data));
        }
        let (code, title, detail) = match report.kind {
            ReportKind::Liveness => (
                "not_alive",
                "Not functional",
                "This process should be replaced.",
            ),
            ReportKind::Startup => (
                "not_started",
                "Not started",
                "This process does not have all that it needs to serve yet.",
            ),
            ReportKind::Ping | ReportKind::Readiness | ReportKind::LogLevel => (
                "not_ready",
                "Not ready",
                "This process cannot serve now; it may be able to later.",
            ),
        };
        let mut error = Error::new(report.status, code, title).detail(detail);
        error.meta = attributes;
        Errors::from(error).into_response()
    }
}

/// The shape of that service's errors.
fn fibonacci_error(fault: &Fault) -> Response {
    let code = fault.code().to_ascii_uppercase();
    let text = format!("ERR_{code}: {}", fault.detail());
    fibonacci::error(fault.status(), &text)
}
