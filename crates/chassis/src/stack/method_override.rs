//! `PATCH` for clients that cannot send it:
//! <https://jsonapi.org/recommendations/#patchless-clients>.

use axum::extract::Request;
use http::Method;

const HEADER: &str = "x-http-method-override";

/// Takes a `POST` for the `PATCH` that its header names. Other methods cannot be named so: they
/// would pass what a proxy allows of them.
pub(super) fn apply(request: &mut Request) {
    let named = request.headers().get(HEADER);
    let is_patch = named.is_some_and(|name| name.as_bytes().eq_ignore_ascii_case(b"PATCH"));
    if is_patch && request.method() == Method::POST {
        *request.method_mut() = Method::PATCH;
    }
}
