//! A response on its way to the client: its request is open until its body has been taken.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::activity::{OpenRequest, ResponseProgress};

/// HTTP/2 sends frames of this size anyway. A larger piece would wait in its buffers, where nobody
/// sees whether the client takes it.
const HTTP2_PIECE_BYTES: usize = 16 * 1024;

/// The body of a response that is watched.
pub(super) struct WatchedBody<B> {
    body: B,
    _open: OpenRequest,
    http2: Option<Http2>,
}

struct Http2 {
    progress: Arc<ResponseProgress>,
    /// What the client has not yet taken of the last piece of `body`.
    rest: Bytes,
}

impl<B> WatchedBody<B> {
    pub(super) fn new(body: B, open: OpenRequest, http2: bool) -> Self {
        let http2 = http2.then(|| Http2 {
            progress: open.activity().begin_response(),
            rest: Bytes::new(),
        });
        Self {
            body,
            _open: open,
            http2,
        }
    }
}

impl<B> Body for WatchedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        let Some(http2) = &mut this.http2 else {
            return Pin::new(&mut this.body).poll_frame(context);
        };
        if !http2.rest.is_empty() {
            http2.progress.note(true);
            return Poll::Ready(Some(Ok(Frame::data(http2.next_piece()))));
        }
        let polled = Pin::new(&mut this.body).poll_frame(context);
        http2.progress.note(polled.is_ready());
        match polled {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(match frame.into_data() {
                Ok(data) => {
                    http2.rest = data;
                    Frame::data(http2.next_piece())
                }
                Err(other) => other,
            }))),
            other => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        let rest = self
            .http2
            .as_ref()
            .is_some_and(|http2| !http2.rest.is_empty());
        !rest && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self
            .http2
            .as_ref()
            .map_or(0, |http2| http2.rest.len() as u64);
        let mut hint = self.body.size_hint();
        if rest > 0 {
            if let Some(upper) = hint.upper() {
                hint.set_upper(upper + rest);
            }
            hint.set_lower(hint.lower() + rest);
        }
        hint
    }
}

impl Http2 {
    fn next_piece(&mut self) -> Bytes {
        let size = self.rest.len().min(HTTP2_PIECE_BYTES);
        self.rest.split_to(size)
    }
}
