//! The middleware that every request passes, as one list.

mod access_log;
mod body_limit;
mod panics;
mod request_id;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderValue, header};
use tokio::sync::{Semaphore, SemaphorePermit};
use tower::Service;
use tracing::Instrument;

use self::access_log::AccessRecord;
pub use self::request_id::{Apitrace, RequestId};
use crate::fault::Fault;
use crate::operations;
use crate::presenter::Presenter;

/// When an overloaded process wants to be asked again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How much one request, and all of them together, may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes a request body may hold. Default 1 MiB.
    pub request_body_bytes_max: usize,
    /// How long a handler may take until it has the head of its response. Default 30 s. A body that
    /// is streamed after that is not limited.
    ///
    /// The future of a handler that takes longer is dropped where it waits. A handler that must not
    /// be dropped half-way, because it is inside an exchange with a store, spawns that part as a
    /// task of its own and waits for it; only the waiting is dropped then.
    pub request_timeout: Duration,
    /// The most handlers that run at once; more requests are refused at once, not queued.
    /// Default 4096. A request counts until it has the head of its response.
    pub requests_in_flight_max: usize,
    /// Query parameters whose values the log may show. Of the others it shows the names alone:
    /// people search by personal data. Default none.
    pub logged_parameters: &'static [&'static str],
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_body_bytes_max: 1024 * 1024,
            request_timeout: Duration::from_secs(30),
            requests_in_flight_max: 4096,
            logged_parameters: &[],
        }
    }
}

/// Puts the whole stack around `router`, which must have all of its routes.
///
/// Paths without a route are answered with [`Fault::NotFound`], and routes without the method with
/// [`Fault::MethodNotAllowed`] and an `Allow` header. A router that was nested with a fallback of
/// its own, and a route with one, keep theirs.
pub fn apply(router: Router, limits: &Limits, presenter: Arc<dyn Presenter>) -> Router {
    let stack = Arc::new(Stack {
        limits: *limits,
        free: Semaphore::new(limits.requests_in_flight_max.min(Semaphore::MAX_PERMITS)),
        presenter,
    });
    let (unknown, unfit) = (Arc::clone(&stack), Arc::clone(&stack));
    router
        .fallback(async move |request: Request| {
            unknown.refuse(request.uri().path(), &Fault::NotFound)
        })
        .method_not_allowed_fallback(async move |request: Request| {
            unfit.refuse(request.uri().path(), &Fault::MethodNotAllowed)
        })
        .layer(tower::layer::layer_fn(move |next| Guarded {
            stack: Arc::clone(&stack),
            next,
        }))
}

struct Stack {
    limits: Limits,
    free: Semaphore,
    presenter: Arc<dyn Presenter>,
}

impl Stack {
    /// The way of a request, from the outermost stage to the handler and back.
    async fn pass<S>(
        self: Arc<Self>,
        mut next: S,
        mut request: Request,
    ) -> Result<Response, Infallible>
    where
        S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
    {
        // 1. Request id: first, so that every line and every answer below carries it.
        let identity = request_id::identify(&mut request);
        let span = identity.span();
        // 2. Access log: outside of all that can refuse or fail, so that it sees every answer.
        let record = AccessRecord::open(&request, &span, self.limits.logged_parameters);
        let response = async {
            // 3. Body limit: before anything is spent on a request that announces too much.
            let bytes_max = self.limits.request_body_bytes_max;
            if let Err(fault) = body_limit::limit(&mut request, bytes_max) {
                return self.refuse(record.path(), &fault);
            }
            // 4. In-flight limit: refuses at once. A queue would only add waiting to overload.
            let _slot = match self.admit(record.path()) {
                Ok(slot) => slot,
                Err(fault) => return self.refuse(record.path(), &fault),
            };
            // 5. Deadline, 6. panics: around the handler alone, since nothing else waits or fails.
            let handler = panics::catch(next.call(request));
            match tokio::time::timeout(self.limits.request_timeout, handler).await {
                Ok(Ok(response)) => response,
                Ok(Err(panic)) => {
                    let mut response = self.refuse(record.path(), &Fault::Panicked);
                    response.extensions_mut().insert(panic.into_hidden_cause());
                    response
                }
                Err(_elapsed) => {
                    let after = self.limits.request_timeout;
                    self.refuse(record.path(), &Fault::DeadlineExceeded { after })
                }
            }
        }
        .instrument(span.clone())
        .await;
        Ok(identity.stamp(record.follow(response)))
    }

    /// A place among the requests in flight. Probes don't need one: under overload the answer to
    /// "are you alive?" must still be yes.
    fn admit(&self, path: &str) -> Result<Option<SemaphorePermit<'_>>, Fault> {
        if operations::is_probe(path) {
            return Ok(None);
        }
        let slot = self.free.try_acquire();
        slot.map(Some).map_err(|_full| Fault::Overloaded {
            retry_after: RETRY_AFTER,
        })
    }

    fn refuse(&self, path: &str, fault: &Fault) -> Response {
        let mut response = self.presenter.fault(path, fault);
        if let Some(retry_after) = fault.retry_after() {
            let seconds = HeaderValue::from(retry_after.as_secs().max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

/// The stack around one route.
#[derive(Clone)]
struct Guarded<S> {
    stack: Arc<Stack>,
    next: S,
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
    S: Clone + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.next.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The service that was made ready goes with the request, its clone stays.
        let clone = self.next.clone();
        let next = std::mem::replace(&mut self.next, clone);
        Box::pin(Arc::clone(&self.stack).pass(next, request))
    }
}
