//! The documentation page, part of the binary, and the way to it.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};

pub(super) const PATH: &str = "/fibonacci/docs/index.html";

pub(super) async fn redirect() -> Response {
    (StatusCode::FOUND, [(LOCATION, PATH)]).into_response()
}

pub(super) async fn page() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=3600"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
        ),
    ];
    (headers, include_str!("documentation/index.html")).into_response()
}
