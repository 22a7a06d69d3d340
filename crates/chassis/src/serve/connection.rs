//! One connection from its first byte to its end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use http::{HeaderValue, Request, Response, Version, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;

use super::activity::{Activity, Order};
use super::entrance::Visitor;
use super::response::WatchedBody;
use super::stream::{Transport, WatchedStream};
use super::sweep::Registration;
use super::{HttpService, ServeLimits};

/// What every connection is served with.
pub(super) struct Protocol<S> {
    builder: Builder<TokioExecutor>,
    service: S,
}

impl<S: HttpService> Protocol<S> {
    pub(super) fn new(service: S, limits: &ServeLimits) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        // The sweep keeps the time of heads and of idle connections.
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(limits.head_bytes_max.max(8192));
        let head_bytes_max = u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(head_bytes_max)
            .max_concurrent_streams(limits.streams_max);
        Self { builder, service }
    }

    /// Serves until the client, the sweep or the drain ends it.
    pub(super) async fn serve<T: Transport>(
        self: Arc<Self>,
        stream: T,
        visitor: &Visitor,
        place: Registration,
    ) {
        let activity = &place.activity;
        let unreadable = self.service.clone();
        let answer = Box::new(move |head: &[u8]| unreadable.answer_unreadable(head));
        let stream = WatchedStream::new(stream, Arc::clone(activity), answer);
        let service = service_fn(|mut request: Request<Incoming>| {
            let extensions = request.extensions_mut();
            extensions.insert(visitor.address);
            if let Some(certificate) = &visitor.certificate {
                extensions.insert(certificate.clone());
            }
            self.answer(request, activity)
        });
        let mut connection = pin!(self.builder.serve_connection(TokioIo::new(stream), service));
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(error = &*error, "connection failed");
                    }
                    return;
                }
                order = activity.ordered() => match order {
                    Order::Finish => connection.as_mut().graceful_shutdown(),
                    Order::Cut => return,
                }
            }
        }
    }

    fn answer(
        &self,
        request: Request<Incoming>,
        activity: &Arc<Activity>,
    ) -> impl Future<Output = Result<Response<WatchedBody<S::Body>>, Infallible>> + Send + use<S>
    {
        let http2 = request.version() == Version::HTTP_2;
        let open = activity.begin_request(http2);
        let answering = self.service.answer(request.map(Body::new));
        async move {
            let mut response = answering.await;
            if !http2 && open.activity().next_response_is_the_last() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok(response.map(|body| WatchedBody::new(body, open, http2)))
        }
    }
}
