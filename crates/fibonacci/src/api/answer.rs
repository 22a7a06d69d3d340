//! The head of an answer, and bodies whose bytes exist already.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body::{Frame, SizeHint};

use super::ApiError;
use super::conditional::{self, Part};

/// Room for all headers of an answer.
const HEADERS: usize = 10;

/// What is known of an answer before any of it is made. The same question always has the same
/// answer, so caches may keep it for ever.
pub(super) struct Answer {
    pub(super) content_type: &'static str,
    /// A strong entity tag, with its quotes.
    pub(super) etag: String,
    pub(super) length: u64,
    /// Whether the answer depends on `Accept`.
    pub(super) negotiated: bool,
}

/// The bytes of an answer that are to be sent.
pub(super) struct Wanted {
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl Answer {
    /// Decides by the request's headers what to send: the response without its body, and the bytes
    /// of the body. There are none if the method is `HEAD` or the client has the answer already.
    pub(super) fn plan<B>(
        self,
        request: &Request<B>,
    ) -> Result<(Response, Option<Wanted>), ApiError> {
        let whole = self.length;
        let part = conditional::part(request.method(), request.headers(), &self.etag, whole)?;
        let mut head = Response::new(Body::empty());
        self.describe(head.headers_mut());
        let (offset, length) = match part {
            Part::Nothing => {
                *head.status_mut() = StatusCode::NOT_MODIFIED;
                return Ok((head, None));
            }
            Part::Whole => (0, whole),
            Part::Range { offset, length } => {
                *head.status_mut() = StatusCode::PARTIAL_CONTENT;
                let range = format!("bytes {offset}-{}/{whole}", offset + length - 1);
                head.headers_mut().insert(CONTENT_RANGE, header(range));
                (offset, length)
            }
        };
        head.headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        head.headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
        let is_head = request.method() == Method::HEAD;
        Ok((head, (!is_head).then_some(Wanted { offset, length })))
    }

    fn describe(&self, headers: &mut HeaderMap) {
        const FOR_EVER: HeaderValue =
            HeaderValue::from_static("public, max-age=31536000, immutable");
        // Room for these headers and those that the server adds, so that nothing is moved later.
        headers.reserve(HEADERS);
        headers.insert(ETAG, header(self.etag.clone()));
        headers.insert(CACHE_CONTROL, FOR_EVER);
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if self.negotiated {
            headers.insert(VARY, HeaderValue::from_static("accept"));
        }
    }
}

fn header(value: String) -> HeaderValue {
    HeaderValue::try_from(value).expect("printable ASCII")
}

/// Shared bytes in a row, sent without being copied.
pub(super) struct Slices {
    parts: VecDeque<Bytes>,
    left: u64,
}

impl Slices {
    /// `length` bytes of the joined `parts`, from `offset` on.
    pub(super) fn cut(
        parts: impl IntoIterator<Item = Bytes>,
        mut offset: u64,
        length: u64,
    ) -> Body {
        let mut left = length;
        let mut kept = VecDeque::new();
        for part in parts {
            let size = part.len() as u64;
            let skipped = offset.min(size);
            let taken = left.min(size - skipped);
            offset -= skipped;
            left -= taken;
            if taken > 0 {
                kept.push_back(part.slice(narrow(skipped)..narrow(skipped + taken)));
            }
        }
        Body::new(Self {
            parts: kept,
            left: length,
        })
    }
}

impl http_body::Body for Slices {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = self.parts.pop_front();
        self.left -= part.as_ref().map_or(0, |part| part.len() as u64);
        Poll::Ready(part.map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// A position within bytes in memory.
fn narrow(position: u64) -> usize {
    usize::try_from(position).expect("a position in memory")
}
