//! Which route took a request: a name of bounded length from a bounded set, whatever clients ask
//! for.

use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use axum::extract::{MatchedPath, Request};
use http::Method;
use tower::{Layer, Service};

/// What stands for every method that no standard has.
pub(super) const OTHER_METHOD: &str = "_OTHER";

/// The methods that have names of their own in telemetry.
const METHODS: [&str; 10] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "CONNECT", "TRACE",
];

/// The method, or what stands for it.
pub(super) fn method_name(method: &Method) -> &'static str {
    let known = METHODS.iter().find(|known| **known == method.as_str());
    known.copied().unwrap_or(OTHER_METHOD)
}

/// Where the route leaves its template, such as `/contacts/{id}`: a request extension, since the
/// route is found behind all that can fail.
#[derive(Clone, Debug, Default)]
pub(super) struct RouteNote(Arc<OnceLock<MatchedPath>>);

impl RouteNote {
    pub(super) fn leave_with(request: &mut Request) -> Self {
        let note = Self::default();
        request.extensions_mut().insert(note.clone());
        note
    }

    /// The template; nothing where no route has the path.
    pub(super) fn read(&self) -> Option<&str> {
        self.0.get().map(MatchedPath::as_str)
    }
}

/// Has each route note its template.
#[derive(Clone, Debug)]
pub(super) struct NoteRoute;

/// A route that does.
#[derive(Clone, Debug)]
pub(super) struct Noting<S>(S);

impl<S> Layer<S> for NoteRoute {
    type Service = Noting<S>;

    fn layer(&self, route: S) -> Noting<S> {
        Noting(route)
    }
}

impl<S: Service<Request>> Service<Request> for Noting<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> S::Future {
        let extensions = request.extensions();
        if let (Some(note), Some(path)) = (
            extensions.get::<RouteNote>(),
            extensions.get::<MatchedPath>(),
        ) {
            let _ = note.0.set(path.clone());
        }
        self.0.call(request)
    }
}
