//! The protocol on axum: negotiation in front of a service, documents as responses.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{BodyFormat, Error, Errors, MEDIA_TYPE, accept, content_type};

/// A JSON:API document as a response, whole or as a stream of its pieces.
#[must_use]
pub fn document(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

impl IntoResponse for Errors {
    fn into_response(self) -> Response {
        document(self.status(), self.to_json())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Errors::from(self).into_response()
    }
}

/// Middleware that answers 406 to clients that do not take JSON:API documents.
pub async fn negotiate(request: Request, next: Next) -> Response {
    let ranges = request.headers().get_all(header::ACCEPT);
    // A header that is not visible ASCII names no media type.
    match accept(ranges.iter().map(|range| range.to_str().unwrap_or("?"))) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// How the body of a request is to be read.
///
/// # Errors
/// 415, see [`content_type`].
pub fn body_format(headers: &HeaderMap) -> Result<BodyFormat, Error> {
    let header = headers.get(header::CONTENT_TYPE);
    content_type(header.map(|value| value.to_str().unwrap_or("?")))
}
