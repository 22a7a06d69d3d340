//! What every request passes, as one list.
//!
//! The list is one function and not a chain of layers: docs/decisions/0014-one-service.md.

mod access_log;
mod admission;
mod answer_headers;
mod body;
mod coding;
mod compression;
mod cors;
mod method_override;
mod host;
mod hosts;
mod panics;
mod request_id;
mod route;
mod rules;
mod unreadable;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderValue, header};
use tokio::sync::{Semaphore, SemaphorePermit};
use tower::Service as _;
use tracing::Instrument;

use self::access_log::AccessRecord;
pub use self::access_log::LoggedBody;
use self::body::{Bodies, BodyLimits};
use self::compression::Negotiation;
pub use self::cors::Origins;
pub use self::hosts::Hosts;
pub use self::request_id::{Apitrace, RequestId};
use self::route::NoteRoute;
pub use self::rules::Rules;
use crate::fault::{Fault, whole_seconds};
use crate::operations;
use crate::presenter::Presenter;
use crate::serve::HttpService;
use crate::telemetry::Observation;

/// When an overloaded process wants to be asked again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How much one request, and all of them together, may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes a request body may hold. Default 1 MiB.
    pub request_body_bytes_max: usize,
    /// The most bytes that request bodies may hold together, those that are coming and those of
    /// requests in flight. Default 128 MiB.
    pub request_bodies_bytes_max: usize,
    /// How many request bodies may be coming at once. For one more, the one that has been coming
    /// longest is refused. Default 4096.
    pub request_bodies_max: usize,
    /// How long a request body may take to come. Default 15 s.
    pub body_read_timeout: Duration,
    /// How long a handler may take until it has the head of its response. Default 30 s. A body that
    /// is streamed after that is not limited.
    ///
    /// The future of a handler that takes longer is dropped where it waits. A handler that must not
    /// be dropped half-way, because it is inside an exchange with a store, spawns that part as a
    /// task of its own and waits for it; only the waiting is dropped then. A task that is spawned
    /// with [`tracing::Instrument::in_current_span`] keeps the id of its request in its log lines.
    pub request_timeout: Duration,
    /// The most handlers that run at once; more requests are refused at once, not queued.
    /// Default 4096. A request counts from the end of its body until it has the head of its
    /// response.
    pub requests_in_flight_max: usize,
    /// Query parameters whose values the log may show, as they are called when nothing in them is
    /// percent-encoded. Of the others it shows the names alone: people search by personal data.
    /// Default none.
    pub logged_parameters: &'static [&'static str],
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_body_bytes_max: 1024 * 1024,
            request_bodies_bytes_max: 128 * 1024 * 1024,
            request_bodies_max: 4096,
            body_read_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            requests_in_flight_max: 4096,
            logged_parameters: &[],
        }
    }
}

/// A router with the whole stack around it. Clones share its limits.
#[derive(Clone)]
pub struct Service {
    stack: Arc<Stack>,
    router: Router,
}

struct Stack {
    limits: Limits,
    /// Set before the first request, or the default from then on.
    observation: OnceLock<Observation>,
    rules: Rules,
    bodies: Arc<Bodies>,
    free: Semaphore,
    presenter: Arc<dyn Presenter>,
}

/// Puts the whole stack around `router`, which must have all of its routes.
///
/// Paths without a route are answered with [`Fault::NotFound`], and routes without the method with
/// [`Fault::MethodNotAllowed`] and an `Allow` header. A router that was nested with a fallback of
/// its own, and a route with one, keep theirs.
pub fn apply(router: Router, limits: &Limits, presenter: Arc<dyn Presenter>) -> Service {
    apply_with(router, limits, Rules::default(), presenter)
}

/// [`apply`], with rules of an edge.
pub fn apply_with(
    router: Router,
    limits: &Limits,
    rules: Rules,
    presenter: Arc<dyn Presenter>,
) -> Service {
    let bodies = Bodies::new(BodyLimits {
        bytes_max: limits.request_body_bytes_max,
        read_timeout: limits.body_read_timeout,
        count_max: limits.request_bodies_max,
        bytes_together_max: limits.request_bodies_bytes_max,
        bytes_per_client: rules.body_bytes_per_client.clone(),
    });
    let stack = Arc::new(Stack {
        limits: *limits,
        observation: OnceLock::new(),
        rules,
        bodies: Arc::new(bodies),
        free: Semaphore::new(limits.requests_in_flight_max.min(Semaphore::MAX_PERMITS)),
        presenter,
    });
    let (unknown, unfit) = (Arc::clone(&stack), Arc::clone(&stack));
    let router = router
        .layer(NoteRoute)
        .fallback(async move |request: Request| {
            unknown.refuse(request.uri().path(), &Fault::NotFound)
        })
        .method_not_allowed_fallback(async move |request: Request| {
            unfit.refuse(request.uri().path(), &Fault::MethodNotAllowed)
        });
    Service { stack, router }
}

impl HttpService for Service {
    type Body = LoggedBody;

    fn answer(
        &self,
        request: Request,
    ) -> impl Future<Output = Response<LoggedBody>> + Send + use<> {
        Arc::clone(&self.stack).pass(self.router.clone(), request)
    }

    fn answer_unreadable(&self, head: &[u8]) -> Option<Vec<u8>> {
        unreadable::answer(head, &*self.stack.presenter)
    }
}

impl Stack {
    /// The way of a request, from the outermost stage to the handler and back.
    async fn pass(
        self: Arc<Self>,
        mut router: Router,
        mut request: Request,
    ) -> Response<LoggedBody> {
        // 1. Request id: first, so that every line and every answer below carries it.
        let identity = request_id::identify(&mut request, self.observation());
        let span = identity.span();
        // 2. Client: the access log names it, and its limits are its own.
        admission::resolve_client(&self.rules, &mut request);
        // 3. Access log: outside of all that can refuse or fail, so that it sees every answer.
        let record = AccessRecord::open(&mut request, &identity, &span, Arc::clone(&self));
        method_override::apply(&mut request);
        let browser = self.rules.origins.of(request.headers());
        let negotiation = self.negotiate(&mut request);
        let mut standing = None;
        let mut body_is_unread = !request.body().is_end_stream();
        let answering = async {
            // 4. Host: a request that names none, several or a foreign one may be meant for
            // somebody else. 5. Rate: before anything is done for the request.
            let mut fit = self.check_host(&request);
            if fit.is_ok() {
                if browser.is_some()
                    && let Some(response) = cors::preflight(&request)
                {
                    return Ok(response);
                }
                standing = admission::ask(&self.rules, &request);
                fit = admission::within(standing);
            }
            // 6. Body: read before the request counts as in flight, so that slow clients keep
            // nobody out. Where all places are taken it is not read at all.
            let fit = fit.and_then(|()| self.refuse_when_full(record.path()));
            if body_is_unread && fit.is_err() {
                body::discard_body(&mut request);
            }
            fit?;
            let _held = if body_is_unread {
                // Boxed, so that requests without a body need not carry the room for one.
                Some(Box::pin(self.bodies.read(&mut request)).await?)
            } else {
                None
            };
            body_is_unread = false;
            // 7. In-flight limit: refuses at once. A queue would only add waiting to overload.
            let _place = self.admit(record.path())?;
            // 8. Deadline, 9. panics: around the handler alone, since nothing else waits or fails.
            let handler = panics::catch(router.call(request));
            let timeout = self.limits.request_timeout;
            match tokio::time::timeout(timeout, handler).await {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(panic)) => {
                    let request_id = identity.request_id().to_owned();
                    let mut response = self.refuse(record.path(), &Fault::Panicked { request_id });
                    response.extensions_mut().insert(panic.into_hidden_cause());
                    Ok(response)
                }
                Err(_elapsed) => Err(Fault::DeadlineExceeded { after: timeout }),
            }
        };
        let answered: Result<Response, Fault> = answering.instrument(span.clone()).await;
        let mut response = answered.unwrap_or_else(|fault| self.refuse(record.path(), &fault));
        if body_is_unread {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        admission::stamp(&self.rules, standing, response.headers_mut());
        self.rules.origins.stamp(browser, response.headers_mut());
        answer_headers::stamp(&mut response);
        if let Some(negotiation) = negotiation {
            response = negotiation.apply(response);
        }
        record.follow(identity.stamp(response))
    }

    /// What the client says about the coding of the answer, where answers have one.
    fn negotiate(&self, request: &mut Request) -> Option<Negotiation> {
        let bytes_min = self.rules.compressed_bytes_min?;
        Some(Negotiation::of(request, bytes_min))
    }

    /// Probes are asked by whatever address their prober knows, and say nothing that a page could
    /// use.
    fn check_host(&self, request: &Request) -> Result<(), Fault> {
        host::check(request)?;
        if self.rules.hosts.allow(request) || operations::is_probe(request.uri().path()) {
            Ok(())
        } else {
            Err(Fault::HostUnknown)
        }
    }

    fn refuse_when_full(&self, path: &str) -> Result<(), Fault> {
        if self.free.available_permits() == 0 {
            self.admit(path)?;
        }
        Ok(())
    }

    /// A place among the requests in flight. Probes don't need one: under overload the answer to
    /// "are you alive?" must still be yes.
    fn admit(&self, path: &str) -> Result<Option<SemaphorePermit<'_>>, Fault> {
        if operations::is_probe(path) {
            return Ok(None);
        }
        let place = self.free.try_acquire();
        place.map(Some).map_err(|_full| Fault::Overloaded {
            retry_after: RETRY_AFTER,
        })
    }

    fn refuse(&self, path: &str, fault: &Fault) -> Response {
        if let Some(observation) = self.observation.get() {
            observation.refused(fault.code());
        }
        let mut response = self.presenter.fault(path, fault);
        let headers = response.headers_mut();
        if let Some(retry_after) = fault.retry_after() {
            let seconds = HeaderValue::from(whole_seconds(retry_after));
            headers.insert(header::RETRY_AFTER, seconds);
        }
        if *fault == Fault::CodingUnknown {
            let taken = HeaderValue::from_static(body::TAKEN);
            headers.insert(header::ACCEPT_ENCODING, taken);
        }
        response
    }
}
