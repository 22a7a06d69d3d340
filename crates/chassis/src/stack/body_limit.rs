//! Keeps request bodies within their limit.

use std::mem;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{DefaultBodyLimit, Request};
use http::header;
use http_body_util::{BodyExt, Limited};

use crate::fault::Fault;

/// How much of a refused body is still read, and for how long. A connection that is closed with
/// unread data is reset, and the client may lose the answer that says why.
const DISCARD_BYTES_MAX: usize = 8 * 1024 * 1024;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// Refuses a body whose announced length is too large; cuts one without a length at the limit.
///
/// A handler that reads a body that was cut gets an error with
/// [`http_body_util::LengthLimitError`] in its chain of sources. Axum's own extractors look for it
/// and answer 413.
pub(super) fn limit(request: &mut Request, bytes_max: usize) -> Result<(), Fault> {
    // This limit replaces the one that axum's extractors have by default.
    DefaultBodyLimit::disable().apply(request);
    if request.body().is_end_stream() {
        return Ok(());
    }
    let size = request.body().size_hint();
    let bytes_max_wide = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    // Hyper holds a body to the length it announced.
    if size.upper().is_some_and(|bytes| bytes <= bytes_max_wide) {
        return Ok(());
    }
    let body = mem::take(request.body_mut());
    if size.lower() > bytes_max_wide {
        // Who waits to be asked for the body sends none.
        if !request.headers().contains_key(header::EXPECT) {
            discard(body);
        }
        return Err(Fault::BodyTooLarge { bytes_max });
    }
    *request.body_mut() = Body::new(Limited::new(body, bytes_max));
    Ok(())
}

fn discard(body: Body) {
    if body.size_hint().lower() > DISCARD_BYTES_MAX as u64 {
        return;
    }
    tokio::spawn(tokio::time::timeout(DISCARD_TIMEOUT, async move {
        let mut body = body;
        while let Some(Ok(_frame)) = body.frame().await {}
    }));
}
