//! Failure to status and text: the only failure statuses in the crate.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::number::Failure;

/// When a refused client may expect better, in seconds.
const RETRY_AFTER_S: u64 = 5;

/// Why there is no answer. The texts are for whoever wrote the request.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("ERR_NO_ARG: '{0}' argument required to {1}")]
    NoArgument(&'static str, &'static str),
    #[error("ERR_INVALID_TYPE: '{0}' must be {1}")]
    InvalidType(&'static str, &'static str),
    #[error("ERR_OUT_OF_BOUNDS: '{0}' must not be negative")]
    Negative(&'static str),
    #[error("ERR_OUT_OF_BOUNDS: {0} must not be above {1}")]
    TooLarge(&'static str, u64),
    #[error("ERR_UNKNOWN_ARG: '{0}' is not an argument of {1}, which takes {2}")]
    UnknownArgument(String, &'static str, &'static str),
    #[error("ERR_DUPLICATE_ARG: '{0}' is given more than once")]
    DuplicateArgument(&'static str),
    #[error("ERR_METHOD_NOT_ALLOWED: only GET and HEAD are possible here")]
    MethodNotAllowed,
    #[error("ERR_RANGE_NOT_SATISFIABLE: the answer has {0} bytes, none of them in this range")]
    RangeNotSatisfiable(u64),
    #[error("ERR_BUSY: as many large answers as allowed are under way, try again later")]
    Busy,
    #[error("ERR_INTERNAL: the answer could not be made")]
    Internal,
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoArgument(..)
            | Self::InvalidType(..)
            | Self::Negative(_)
            | Self::TooLarge(..)
            | Self::UnknownArgument(..)
            | Self::DuplicateArgument(_) => StatusCode::FORBIDDEN,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RangeNotSatisfiable(_) => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// An error in the form of this service, which no cache keeps: `{"error":"CODE: what is wrong"}`.
#[must_use]
pub fn error(status: StatusCode, text: &str) -> Response {
    let body = json!({ "error": text }).to_string();
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Busy => Self::Busy,
            // The panic hook has reported it; the client learns no internals.
            Failure::Broken => Self::Internal,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = error(self.status(), &self.to_string());
        let headers = response.headers_mut();
        match self {
            Self::RangeNotSatisfiable(length) => {
                let range = HeaderValue::try_from(format!("bytes */{length}"));
                headers.insert(CONTENT_RANGE, range.expect("digits in a header"));
            }
            Self::Busy => {
                headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
            }
            _ => {}
        }
        response
    }
}
