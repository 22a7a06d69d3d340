//! What is served.

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use tower::Service;

/// What answers the requests of a server.
pub trait HttpService: Clone + Send + Sync + 'static {
    /// The body of its answers.
    type Body: HttpBody<Data = Bytes, Error = axum::Error> + Send + Unpin + 'static;

    /// Answers a request.
    fn answer(
        &self,
        request: Request,
    ) -> impl Future<Output = Response<Self::Body>> + Send + use<Self>;

    /// The whole answer, head and body as they go over the wire, to an HTTP/1 request whose head
    /// cannot be read; `head` is the one that the HTTP library would send. Nothing leaves it so.
    fn answer_unreadable(&self, head: &[u8]) -> Option<Vec<u8>> {
        let _ = head;
        None
    }
}

impl HttpService for Router {
    type Body = Body;

    fn answer(&self, request: Request) -> impl Future<Output = Response> + Send + use<> {
        // A router is always ready and never fails.
        let answering = self.clone().call(request);
        async move {
            match answering.await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
    }
}
