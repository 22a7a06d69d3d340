//! Handlers: parse, one call of the controller, render.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State, rejection::PathRejection};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jsonapi::{BodyFormat, CollectionLinks, Parameters};

use super::{Service, body};
use crate::query::Query;
use crate::repository::Resource;

/// Both sides are complete responses; `Err` only ends a handler early.
type Answer = Result<Response, Response>;

type Id = Result<Path<String>, PathRejection>;

pub(super) async fn list(State(service): State<Arc<Service>>, RawQuery(query): RawQuery) -> Answer {
    let page = service.pagination(query.as_deref())?;
    let found = service.controller.list(&Query { page }).await;
    let found = found.map_err(|failure| service.refuse(failure, BodyFormat::JsonApi))?;
    let ids: Vec<String> = found
        .resources
        .iter()
        .map(|resource| resource.id.to_string())
        .collect();
    let resources = ids.iter().zip(&found.resources);
    let text = service.writer.page(
        resources.map(|(id, resource)| (id.as_str(), resource.attributes.as_str())),
        CollectionLinks {
            page,
            total: found.total,
        },
    );
    Ok(jsonapi::http::document(StatusCode::OK, text))
}

pub(super) async fn create(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    no_parameters(query.as_deref())?;
    let (format, draft) = body::read(&service, &headers, body, body::Purpose::Create).await?;
    let created = service.controller.create(draft).await;
    let created = created.map_err(|failure| service.refuse(failure, format))?;
    let mut response = service.one(StatusCode::CREATED, &created);
    // Percent-encoded, so it is visible ASCII.
    if let Ok(url) = HeaderValue::try_from(service.writer.url(&created.id.to_string())) {
        response.headers_mut().insert(header::LOCATION, url);
    }
    Ok(response)
}

pub(super) async fn find(
    State(service): State<Arc<Service>>,
    id: Id,
    RawQuery(query): RawQuery,
) -> Answer {
    no_parameters(query.as_deref())?;
    let found = service.controller.find(&id_text(id)?).await;
    let found = found.map_err(|failure| service.refuse(failure, BodyFormat::JsonApi))?;
    Ok(service.one(StatusCode::OK, &found))
}

pub(super) async fn update(
    State(service): State<Arc<Service>>,
    id: Id,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    no_parameters(query.as_deref())?;
    let (format, draft) = body::read(&service, &headers, body, body::Purpose::Update).await?;
    let updated = service.controller.update(&id_text(id)?, draft).await;
    let updated = updated.map_err(|failure| service.refuse(failure, format))?;
    Ok(service.one(StatusCode::OK, &updated))
}

pub(super) async fn replace(
    State(service): State<Arc<Service>>,
    id: Id,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    no_parameters(query.as_deref())?;
    let (format, draft) = body::read(&service, &headers, body, body::Purpose::Update).await?;
    let replaced = service.controller.replace(&id_text(id)?, draft).await;
    let replaced = replaced.map_err(|failure| service.refuse(failure, format))?;
    Ok(service.one(StatusCode::OK, &replaced))
}

pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    id: Id,
    RawQuery(query): RawQuery,
) -> Answer {
    no_parameters(query.as_deref())?;
    let deleted = service.controller.delete(&id_text(id)?).await;
    let deleted = deleted.map_err(|failure| service.refuse(failure, BodyFormat::JsonApi))?;
    let document = serde_json::json!({
        "meta": {"deleted": {"type": service.resource_type().name, "id": deleted.to_string()}},
        "jsonapi": {"version": "1.1"},
    });
    Ok(jsonapi::http::document(
        StatusCode::OK,
        document.to_string().into_bytes(),
    ))
}

impl Service {
    fn one(&self, status: StatusCode, resource: &Resource) -> Response {
        let text = self
            .writer
            .one(&resource.id.to_string(), &resource.attributes);
        jsonapi::http::document(status, text)
    }

    fn pagination(&self, query: Option<&str>) -> Result<jsonapi::Pagination, Response> {
        let limits = self.resource_type().page;
        let taken = Parameters::parse(query).and_then(|mut parameters| {
            let page = parameters.take_pagination(limits.default, limits.maximum)?;
            parameters.finish().map(|()| page)
        });
        taken.map_err(IntoResponse::into_response)
    }
}

fn no_parameters(query: Option<&str>) -> Result<(), Response> {
    Parameters::parse(query)
        .and_then(Parameters::finish)
        .map_err(IntoResponse::into_response)
}

fn id_text(id: Id) -> Result<String, Response> {
    id.map(|Path(text)| text).map_err(|_| {
        jsonapi::Error::new(StatusCode::BAD_REQUEST, "malformed_url", "Malformed URL")
            .detail("The URL is not UTF-8 after percent-decoding.")
            .into_response()
    })
}
