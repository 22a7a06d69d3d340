//! One connection from its first byte to its end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tower::Service;

use super::ServeLimits;

/// How long a connection that has not asked anything yet is waited for in a drain. Its request may
/// be on the wire: it would be lost, because hyper closes connections at once that it has read
/// nothing from.
const FIRST_REQUEST_GRACE: Duration = Duration::from_millis(500);

/// At which pace a peer of HTTP/2 is asked whether it is still there.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(20);
const HTTP2_STREAMS_MAX: u32 = 250;

/// What all connections of a server share.
pub(super) struct Connections {
    builder: Arc<Builder<TokioExecutor>>,
    router: Router,
    limits: ServeLimits,
    draining: watch::Receiver<bool>,
}

impl Connections {
    pub(super) fn new(
        router: Router,
        limits: ServeLimits,
        draining: watch::Receiver<bool>,
    ) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        // Without a timer hyper ignores its timeouts.
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.idle_timeout);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(HTTP2_PING_INTERVAL)
            .max_concurrent_streams(HTTP2_STREAMS_MAX);
        Self {
            builder: Arc::new(builder),
            router,
            limits,
            draining,
        }
    }

    /// Serves until the client or the drain ends it.
    pub(super) fn serve(&self, stream: TcpStream) -> impl Future<Output = ()> + Send + use<> {
        let builder = Arc::clone(&self.builder);
        let router = self.router.clone();
        let mut draining = self.draining.clone();
        let header_read_timeout = self.limits.header_read_timeout;
        async move {
            // Small answers must not wait for the acknowledgement of earlier ones.
            let _ = stream.set_nodelay(true);
            let asked = Arc::new(AtomicBool::new(false));
            let service = service_of(router, Arc::clone(&asked));
            let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
            // Hyper's own timeout begins when it knows the protocol, and a client that sends
            // nothing, or one letter, never gets there.
            let mut first_request_due = pin!(sleep_until(Instant::now() + header_read_timeout));
            let mut waiting = true;
            let mut told = false;
            loop {
                tokio::select! {
                    ended = connection.as_mut() => {
                        if let Err(error) = ended {
                            tracing::debug!(error = &*error, "connection failed");
                        }
                        return;
                    }
                    () = first_request_due.as_mut(), if waiting => {
                        waiting = false;
                        if !asked.load(Ordering::Relaxed) {
                            tracing::debug!("no request in time, connection cut");
                            return;
                        }
                        if told {
                            connection.as_mut().graceful_shutdown();
                        }
                    }
                    _ = draining.wait_for(|draining| *draining), if !told => {
                        told = true;
                        if asked.load(Ordering::Relaxed) {
                            connection.as_mut().graceful_shutdown();
                        } else {
                            let grace = Instant::now() + FIRST_REQUEST_GRACE;
                            let due = first_request_due.deadline().min(grace);
                            first_request_due.as_mut().reset(due);
                        }
                    }
                }
            }
        }
    }
}

/// The router as hyper calls it. Notes that there was a request.
fn service_of(
    router: Router,
    asked: Arc<AtomicBool>,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response,
    Error = Infallible,
    Future: Send + 'static,
> {
    service_fn(move |request| {
        asked.store(true, Ordering::Relaxed);
        // A router is always ready.
        router.clone().call(request)
    })
}
