//! One log line for each request.

mod observed;

use std::borrow::Cow;
use std::error::Error;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::{Method, StatusCode, Uri, Version, header};
use http_body::{Frame, SizeHint};
use tracing::Span;

use super::Stack;
use super::request_id::Identity;
use super::route::{OTHER_METHOD, RouteNote, method_name};
use crate::client::{ClientAddress, ClientCertificate};
use crate::operations;
use crate::telemetry::{REFUSED, RequestContext};

const TARGET: &str = module_path!();

/// Stands for the status where the client left before there was one.
const CLIENT_LEFT: u16 = 499;

/// How much is shown of a method that no standard has.
const METHOD_BYTES_MAX: usize = 64;

/// A request on its way. Its line is written when this value is dropped: when the last byte of the
/// response was handed to the connection, or when the client had left before that. So the line has
/// the bytes that were sent and the time that the whole answer took, also of a streamed one.
pub(super) struct AccessRecord {
    started: Instant,
    method: Method,
    uri: Uri,
    version: Version,
    context: RequestContext,
    stack: Arc<Stack>,
    route: RouteNote,
    client: Option<IpAddr>,
    certificate: Option<ClientCertificate>,
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
    is_quiet: bool,
}

impl AccessRecord {
    pub(super) fn open(
        request: &mut Request,
        identity: &Identity,
        span: &Span,
        stack: Arc<Stack>,
    ) -> Self {
        if let Some(metrics) = stack.metrics() {
            metrics.began();
        }
        let client = request.extensions().get::<ClientAddress>();
        Self {
            started: Instant::now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            context: identity.context(),
            stack,
            client: client.and_then(|address| address.client),
            certificate: request.extensions().get::<ClientCertificate>().cloned(),
            route: RouteNote::leave_with(request),
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
            is_quiet: response.extensions().get::<operations::Quiet>().is_some(),
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
            None => (CLIENT_LEFT, 0, false),
        };
        let took = self.started.elapsed();
        self.log(status, bytes_sent, complete, took);
        self.observe(status, took);
    }
}

impl AccessRecord {
    fn log(&self, status: u16, bytes_sent: u64, complete: bool, took: Duration) {
        let outcome = self.outcome.as_ref();
        let cause = outcome.and_then(|outcome| outcome.cause.as_deref());
        let query = self.uri.query();
        let query = query.map(|query| presentable(query, self.stack.limits.logged_parameters));
        let method = method_name(&self.method);
        let certificate = self.certificate.as_ref();
        let subject = certificate.map(|certificate| &*certificate.subject);
        let is_other = method == OTHER_METHOD;
        macro_rules! line {
            ($target:expr, $level:ident) => {
                tracing::$level!(
                    target: $target,
                    parent: &self.span,
                    {
                    http.request.method = method,
                    http.request.method_original = is_other.then(|| beginning(&self.method)),
                    url.path = self.uri.path(),
                    url.query = query.as_deref(),
                    http.route = self.route.read(),
                    http.response.status_code = status,
                    http.response.body.bytes = bytes_sent,
                    event.duration = nanos(took),
                    client.address = self.client.map(display),
                    tls.client.subject = subject,
                    aborted = (!complete).then_some(true),
                    error = cause.map(|cause| cause as &(dyn Error + 'static)),
                    },
                    "request"
                )
            };
        }
        // Probes come all the time. A 503 is what they are asked for, and no error of the process.
        let is_quiet = outcome.is_some_and(|outcome| outcome.is_quiet);
        let is_probe = is_quiet || operations::is_probe(self.uri.path());
        match status {
            ..400 if is_probe => line!(TARGET, debug),
            ..400 => line!(TARGET, info),
            500.. if !is_probe => line!(TARGET, error),
            _ => line!(REFUSED, info),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Clients make up methods of any length.
fn beginning(method: &Method) -> &str {
    let name = method.as_str();
    &name[..name.len().min(METHOD_BYTES_MAX)]
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
