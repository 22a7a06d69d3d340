//! Handlers: parse, one call of the controller, render.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jsonapi::{CollectionLinks, Parameters};

use super::body::{self, Body, Layout};
use super::{Service, page};
use crate::controller::Failure;
use crate::query::Query;
use crate::repository::Resource;

pub(super) async fn list(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
) -> Response {
    let page = match service.pagination(query.as_deref()) {
        Ok(page) => page,
        Err(error) => return error.into_response(),
    };
    let found = match service.controller.list(&Query { page }).await {
        Ok(found) => found,
        Err(failure) => return service.refuse(failure, Layout::None),
    };
    let links = CollectionLinks {
        page,
        total: found.total,
    };
    page::response(&service.writer, found, links)
}

pub(super) async fn create(
    State(service): State<Arc<Service>>,
    _: NoParameters,
    Body { layout, draft }: Body,
) -> Response {
    let created = service.controller.create(draft).await;
    let url = created
        .as_ref()
        .map(|resource| service.writer.url(&resource.id.to_string()));
    let url = url.ok().and_then(|url| HeaderValue::try_from(url).ok());
    let mut response = service.respond(StatusCode::CREATED, created, layout);
    if let Some(url) = url {
        response.headers_mut().insert(header::LOCATION, url);
    }
    response
}

pub(super) async fn find(State(service): State<Arc<Service>>, Target(id): Target) -> Response {
    let found = service.controller.find(&id).await;
    service.respond(StatusCode::OK, found, Layout::None)
}

pub(super) async fn update(
    State(service): State<Arc<Service>>,
    Target(id): Target,
    Body { layout, draft }: Body,
) -> Response {
    let updated = service.controller.update(&id, draft).await;
    service.respond(StatusCode::OK, updated, layout)
}

pub(super) async fn replace(
    State(service): State<Arc<Service>>,
    Target(id): Target,
    Body { layout, draft }: Body,
) -> Response {
    let replaced = service.controller.replace(&id, draft).await;
    service.respond(StatusCode::OK, replaced, layout)
}

pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    Target(id): Target,
    headers: HeaderMap,
) -> Response {
    // A body means nothing here, but its media type may ask for something that is not offered.
    if body::announced(&headers)
        && let Err(error) = jsonapi::http::body_format(&headers)
    {
        return error.into_response();
    }
    let deleted = match service.controller.delete(&id).await {
        Ok(id) => id.to_string(),
        Err(failure) => return service.refuse(failure, Layout::None),
    };
    let meta =
        serde_json::json!({"deleted": {"type": service.resource_type().name, "id": deleted}});
    jsonapi::http::document(StatusCode::OK, jsonapi::document("meta", &meta))
}

impl Service {
    /// The resource that an operation left, or why there is none.
    fn respond(
        &self,
        status: StatusCode,
        outcome: Result<Resource, Failure>,
        layout: Layout,
    ) -> Response {
        match outcome {
            Ok(resource) => {
                let text = self
                    .writer
                    .one(&resource.id.to_string(), &resource.attributes);
                jsonapi::http::document(status, text)
            }
            Err(failure) => self.refuse(failure, layout),
        }
    }

    fn pagination(&self, query: Option<&str>) -> Result<jsonapi::Pagination, jsonapi::Error> {
        let limits = self.resource_type().page;
        let mut parameters = Parameters::parse(query)?;
        let page = parameters.take_pagination(limits.default, limits.maximum)?;
        parameters.finish()?;
        Ok(page)
    }
}

/// A URL without query parameters.
pub(super) struct NoParameters;

impl<S: Sync> FromRequestParts<S> for NoParameters {
    type Rejection = jsonapi::Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, jsonapi::Error> {
        Parameters::parse(parts.uri.query())?.finish()?;
        Ok(Self)
    }
}

/// The id in the URL of one resource, which takes no query parameters.
pub(super) struct Target(String);

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = jsonapi::Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, jsonapi::Error> {
        NoParameters::from_request_parts(parts, state).await?;
        let id = Path::<String>::from_request_parts(parts, state).await;
        id.map(|Path(id)| Self(id)).map_err(|_| {
            jsonapi::Error::new(StatusCode::BAD_REQUEST, "malformed_url", "Malformed URL")
                .detail("The URL is not UTF-8 after percent-decoding.")
        })
    }
}
