//! A connection's stream as its protocol sees it: counted, and with one kind of answer replaced.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use super::activity::Activity;

/// A stream that connections can be served on: TCP, or TLS over it.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// Has the stream drop what it could not send when it is closed, so that a peer that does not
    /// read holds no memory of the kernel either.
    fn abandon(&self);
}

impl<S: Transport> Transport for TlsStream<S> {
    fn abandon(&self) {
        self.get_ref().0.abandon();
    }
}

/// Writes the whole answer, head and body, to a request whose head cannot be read; given the head
/// that the HTTP library would have sent.
pub(super) type AnswerUnreadable = Box<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send>;

pub(super) struct WatchedStream<S: Transport> {
    stream: S,
    activity: Arc<Activity>,
    answer_unreadable: AnswerUnreadable,
    /// What is sent in the place of the library's own answer, and how much of it has been.
    replacement: Option<(Vec<u8>, usize)>,
}

impl<S: Transport> WatchedStream<S> {
    pub(super) fn new(
        stream: S,
        activity: Arc<Activity>,
        answer_unreadable: AnswerUnreadable,
    ) -> Self {
        Self {
            stream,
            activity,
            answer_unreadable,
            replacement: None,
        }
    }

    /// Hyper answers a head that it cannot read by itself, with a head alone, as the last it sends.
    /// Returns how many bytes at the end of `bytes` are such an answer.
    fn own_answer_at_end(&self, bytes: &[u8]) -> usize {
        if self.activity.may_be_unreadable() && bytes.ends_with(b"\r\n\r\n") {
            own_answer(bytes).map_or(0, <[u8]>::len)
        } else {
            0
        }
    }

    fn poll_replacement(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((answer, sent)) = &mut self.replacement {
            if *sent == answer.len() {
                break;
            }
            match Pin::new(&mut self.stream).poll_write(context, &answer[*sent..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    *sent += count;
                    self.activity.bytes_went(count);
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.activity.socket_is_full();
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(count)) => self.activity.bytes_went(*count),
            Poll::Pending => self.activity.socket_is_full(),
            Poll::Ready(Err(_)) => {}
        }
        written
    }
}

/// The answer that hyper made by itself at the end of `bytes`: a head that no service wrote, since
/// services give every answer an id.
fn own_answer(bytes: &[u8]) -> Option<&[u8]> {
    const START: &[u8] = b"HTTP/1.1 4";
    const OWN_ANSWER_BYTES_MAX: usize = 256;
    let tail = &bytes[bytes.len().saturating_sub(OWN_ANSWER_BYTES_MAX)..];
    let start = tail.windows(START.len()).rposition(|at| at == START)?;
    let head = &tail[start..];
    let has = |text: &[u8]| {
        head.windows(text.len())
            .any(|at| at.eq_ignore_ascii_case(text))
    };
    let alone = !head[..head.len() - 4]
        .windows(4)
        .any(|at| at == b"\r\n\r\n");
    (alone && has(b"\r\ncontent-length: 0\r\n") && !has(b"\r\nx-request-id:")).then_some(head)
}

impl<S: Transport> AsyncRead for WatchedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() && buffer.filled().len() > before {
            self.activity.bytes_came();
        }
        read
    }
}

impl<S: Transport> AsyncWrite for WatchedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.replacement.is_some() {
            // Nothing follows it.
            return Poll::Ready(Ok(bytes.len()));
        }
        let own = self.own_answer_at_end(bytes);
        if own == bytes.len()
            && own > 0
            && let Some(answer) = (self.answer_unreadable)(bytes)
        {
            self.replacement = Some((answer, 0));
            return Poll::Ready(Ok(own));
        }
        // What comes before it goes first; then it is offered alone.
        let end = if own < bytes.len() {
            bytes.len() - own
        } else {
            own
        };
        let written = Pin::new(&mut self.stream).poll_write(context, &bytes[..end]);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let single = slices.iter().filter(|slice| !slice.is_empty()).count() == 1;
        if single && let Some(slice) = slices.iter().find(|slice| !slice.is_empty()) {
            return self.poll_write(context, slice);
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_replacement(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_replacement(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: Transport> Drop for WatchedStream<S> {
    fn drop(&mut self) {
        if self.activity.was_cut() {
            self.stream.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &[u8] =
        b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

    #[test]
    fn only_an_answer_without_an_id_at_the_very_end_is_the_librarys_own() {
        assert_eq!(own_answer(OWN), Some(OWN));
        let before = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        assert_eq!(own_answer(&[before, OWN].concat()), Some(OWN));
        for other in [
            &b"HTTP/1.1 404 Not Found\r\nX-Request-Id: 7\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\n\r\n\r\n\r\n",
            b"\r\n\r\n",
        ] {
            assert_eq!(
                own_answer(other),
                None,
                "{}",
                String::from_utf8_lossy(other)
            );
        }
    }
}
