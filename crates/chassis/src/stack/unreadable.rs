//! The answer to a request whose head the HTTP library refuses: in the service's own format, with
//! an id and a line in the log, as every other.

use axum::response::Response;
use futures_util::FutureExt;
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt;

use super::answer_headers;
use super::request_id::RequestId;
use crate::fault::Fault;
use crate::presenter::Presenter;
use crate::telemetry::REFUSED;

/// Head and body as they go over the wire. `head` is the answer that the library would send; its
/// status is kept.
pub(super) fn answer(head: &[u8], presenter: &dyn Presenter) -> Option<Vec<u8>> {
    // "HTTP/1.1 400 Bad Request"
    let status = head
        .get(9..12)
        .and_then(|code| StatusCode::from_bytes(code).ok())?;
    let id = RequestId::fresh();
    let fault = Fault::HeadUnreadable { status };
    let mut response = presenter.fault("", &fault);
    answer_headers::stamp(&mut response);
    tracing::info!(
        target: REFUSED,
        {
        http.request.id = id.as_str(),
        http.response.status_code = status.as_u16(),
        error = fault.detail(),
        },
        "request"
    );
    Some(written(response, &id))
}

fn written(response: Response, id: &RequestId) -> Vec<u8> {
    let (mut parts, body) = response.into_parts();
    // A presenter has the whole body at hand.
    let collected = body.collect().now_or_never().and_then(Result::ok);
    let body = collected
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let headers = &mut parts.headers;
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert("x-request-id", id);
    }
    let reason = parts.status.canonical_reason().unwrap_or_default();
    let mut text = format!("HTTP/1.1 {} {reason}\r\n", parts.status.as_u16()).into_bytes();
    for (name, value) in headers.iter() {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    text.extend_from_slice(&body);
    text
}
