//! How a process words what the chassis has to say.

use axum::response::Response;

use crate::fault::Fault;
use crate::operations::Report;

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
