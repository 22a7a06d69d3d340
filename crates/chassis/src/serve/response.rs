//! A response on its way to the client: its request is open until its body has been taken.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};

use super::activity::{OpenRequest, ResponseProgress};

/// HTTP/2 sends frames of this size anyway. A larger piece would wait in its buffers, where nobody
/// sees whether the client takes it.
const HTTP2_PIECE_BYTES: usize = 16 * 1024;

/// The body of a response that is watched.
pub(super) struct WatchedBody<B> {
    body: B,
    held: Held,
}

/// What is open while the response is.
enum Held {
    Http1 {
        _open: OpenRequest,
    },
    Http2 {
        open: Arc<Open>,
        /// What the client has not yet taken of the last piece of the body.
        rest: Bytes,
    },
}

/// A request of HTTP/2 until the last piece of its response has left the library, which lets go of
/// the body when it is handed that piece, whether or not the client takes it.
struct Open {
    progress: Arc<ResponseProgress>,
    _request: OpenRequest,
}

/// Bytes of a body on their way. Over HTTP/2 they keep the request open.
pub(super) struct Piece {
    bytes: Bytes,
    _open: Option<Arc<Open>>,
}

impl<B> WatchedBody<B> {
    pub(super) fn new(body: B, open: OpenRequest, http2: bool) -> Self {
        let held = if http2 {
            Held::Http2 {
                open: Arc::new(Open {
                    progress: open.activity().begin_response(),
                    _request: open,
                }),
                rest: Bytes::new(),
            }
        } else {
            Held::Http1 { _open: open }
        };
        Self { body, held }
    }

    /// How many bytes of the body wait here.
    fn rest(&self) -> u64 {
        match &self.held {
            Held::Http1 { .. } => 0,
            Held::Http2 { rest, .. } => rest.len() as u64,
        }
    }
}

impl<B> Body for WatchedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Piece;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, B::Error>>> {
        let this = &mut *self;
        let body = Pin::new(&mut this.body);
        match &mut this.held {
            Held::Http1 { .. } => body.poll_frame(context).map(|polled| {
                let piece = |bytes| Piece { bytes, _open: None };
                polled.map(|frame| frame.map(|frame| frame.map_data(piece)))
            }),
            Held::Http2 { open, rest } => {
                if !rest.is_empty() {
                    open.progress.note(true);
                    return Poll::Ready(Some(Ok(Frame::data(next_piece(rest, open)))));
                }
                let polled = body.poll_frame(context);
                open.progress.note(polled.is_ready());
                let piece = |bytes| {
                    *rest = bytes;
                    next_piece(rest, open)
                };
                polled.map(|polled| polled.map(|frame| frame.map(|frame| frame.map_data(piece))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest() == 0 && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest();
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

fn next_piece(rest: &mut Bytes, open: &Arc<Open>) -> Piece {
    let size = rest.len().min(HTTP2_PIECE_BYTES);
    Piece {
        bytes: rest.split_to(size),
        _open: Some(Arc::clone(open)),
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        self.bytes.copy_to_bytes(count)
    }
}
