//! `/metrics`: everything that the process counts and measures.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, header};

use super::Quiet;
use crate::telemetry::metrics::{Exposition, Registry, exposition};

/// The route, for those who run the process, also below `/-/`.
pub fn router(registry: Arc<Registry>) -> Router {
    let tell = move |request: Request| std::future::ready(answer(&registry, &request));
    Router::new()
        .route("/metrics", get(tell.clone()))
        .route("/-/metrics", get(tell))
}

fn answer(registry: &Registry, request: &Request) -> Response {
    let accept = request.headers().get(header::ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok());
    let format = Exposition::accepted(accept.unwrap_or_default());
    let text = exposition(&registry.collect(), format);
    let mut response = text.into_response();
    response.extensions_mut().insert(Quiet);
    let headers = response.headers_mut();
    let media_type = HeaderValue::from_static(format.content_type());
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
