//! One log line for each request.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::{Method, StatusCode, Uri, header};
use http_body::{Frame, SizeHint};
use tracing::Span;

use crate::operations;

/// A request on its way. Its line is written when this value is dropped: when the last byte of the
/// response was handed to the connection, or when the client had left before that. So the line has
/// the bytes that were sent and the time that the whole answer took, also of a streamed one.
pub(super) struct AccessRecord {
    started: Instant,
    method: Method,
    uri: Uri,
    logged_parameters: &'static [&'static str],
    span: Span,
    outcome: Option<Outcome>,
}

/// What became of the request, as far as is known.
struct Outcome {
    status: StatusCode,
    cause: Option<Arc<dyn Error + Send + Sync>>,
    bytes_sent: u64,
    /// Nothing more is owed to the client.
    complete: bool,
}

impl AccessRecord {
    pub(super) fn open(
        request: &Request,
        span: &Span,
        logged_parameters: &'static [&'static str],
    ) -> Self {
        Self {
            started: Instant::now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            logged_parameters,
            span: span.clone(),
            outcome: None,
        }
    }

    pub(super) fn path(&self) -> &str {
        self.uri.path()
    }

    /// Follows the response until its body ends.
    pub(super) fn follow(mut self, mut response: Response) -> Response<LoggedBody> {
        let bodiless = self.method == Method::HEAD || response.body().is_end_stream();
        self.outcome = Some(Outcome {
            status: response.status(),
            cause: response.extensions_mut().remove(),
            bytes_sent: 0,
            complete: bodiless,
        });
        if bodiless {
            // The line is written now.
            drop(self);
            return response.map(|body| LoggedBody {
                body,
                length: None,
                record: None,
            });
        }
        // A connection does not ask for the end of a body whose announced length it has.
        let announced = response.headers().get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
        let length = announced.or(response.body().size_hint().exact());
        response.map(|body| LoggedBody {
            body,
            length,
            record: Some(self),
        })
    }
}

impl Drop for AccessRecord {
    fn drop(&mut self) {
        let (status, bytes_sent, complete) = match &self.outcome {
            Some(outcome) => (
                outcome.status.as_u16(),
                outcome.bytes_sent,
                outcome.complete,
            ),
            // The client left before there was an answer; the number is what Nginx logs then.
            None => (499, 0, false),
        };
        let cause = self
            .outcome
            .as_ref()
            .and_then(|outcome| outcome.cause.as_deref());
        let query = self
            .uri
            .query()
            .map(|query| presentable(query, self.logged_parameters));
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    parent: &self.span,
                    method = self.method.as_str(),
                    path = self.uri.path(),
                    query = query.as_deref(),
                    status,
                    duration_micros = u64::try_from(self.started.elapsed().as_micros())
                        .unwrap_or(u64::MAX),
                    bytes_sent,
                    aborted = (!complete).then_some(true),
                    error = cause.map(chain),
                    "request"
                )
            };
        }
        // Probes come all the time. A 503 is what they are asked for, and no error of the process.
        if operations::is_probe(self.uri.path()) {
            if status < 400 {
                line!(debug);
            } else {
                line!(info);
            }
        } else if status >= 500 {
            line!(error);
        } else {
            line!(info);
        }
    }
}

/// A query without the values that must not be shown.
fn presentable<'a>(query: &'a str, shown: &[&str]) -> Cow<'a, str> {
    let name = |pair: &'a str| pair.split('=').next().unwrap_or_default();
    let may_be_shown = |pair: &'a str| {
        let decoded = percent_encoding::percent_decode_str(name(pair));
        // Where nothing is encoded nothing is allocated.
        decoded
            .decode_utf8()
            .is_ok_and(|name| shown.contains(&&*name))
    };
    if query.split('&').all(may_be_shown) {
        return Cow::Borrowed(query);
    }
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match name(pair) {
            _ if may_be_shown(pair) => pair.to_owned(),
            name => format!("{name}=…"),
        })
        .collect();
    Cow::Owned(pairs.join("&"))
}

/// An error and all its sources as one line.
fn chain(error: &(dyn Error + Send + Sync + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}

/// The body of a response, followed by the log. What its production logs carries the id of the
/// request.
pub struct LoggedBody {
    body: Body,
    length: Option<u64>,
    record: Option<AccessRecord>,
}

impl HttpBody for LoggedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Some(record) = &mut this.record else {
            return Pin::new(&mut this.body).poll_frame(context);
        };
        let polled = record
            .span
            .in_scope(|| Pin::new(&mut this.body).poll_frame(context));
        let Some(outcome) = &mut record.outcome else {
            return polled;
        };
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                outcome.bytes_sent += frame.data_ref().map_or(0, |data| data.len() as u64);
                outcome.complete =
                    this.body.is_end_stream() || this.length == Some(outcome.bytes_sent);
            }
            Poll::Ready(None) => outcome.complete = true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for LoggedBody {
    fn drop(&mut self) {
        // What the rest of the body logs as it goes carries the id too.
        if let Some(record) = &self.record {
            let body = std::mem::take(&mut self.body);
            record.span.in_scope(|| drop(body));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_only_of_parameters_that_may_be_shown() {
        for (query, expected) in [
            ("count=10", "count=10"),
            ("count=10&email=ada@example.org&x", "count=10&email=…&x=…"),
            ("filter%5Bphone%5D=1", "filter%5Bphone%5D=…"),
            (
                "page%5Bsize%5D=1&page[size]=%32",
                "page%5Bsize%5D=1&page[size]=%32",
            ),
            ("page%FF=1&%63ount=7", "page%FF=…&%63ount=7"),
        ] {
            assert_eq!(presentable(query, &["count", "page[size]"]), expected);
        }
    }
}
