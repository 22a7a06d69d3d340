//! Handlers: parse, one call of the controller, render.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jsonapi::{Parameters, Total};

use super::request::{Collection, NoParameters, ResourceBody, Target, check_unread_body};
use super::{Service, document};

type Api = State<Arc<Service>>;

pub(super) async fn list(
    State(service): Api,
    on: Collection,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let limits = on.resource_type.page;
    let mut parameters = Parameters::parse(query.as_deref()).map_err(refused)?;
    let page = parameters.take_pagination(limits.default, limits.maximum);
    let page = page.map_err(refused)?;
    parameters.finish().map_err(refused)?;
    let found = service.controller.list(&on.resource_type, page).await;
    let found = found.map_err(|failure| service.refuse(failure))?;
    let total = found.total.map_or(0, Total::number);
    let links = parameters.page_links(on.writer.collection(), page, total);
    let room = service.room(&on.resource_type, document::bytes(&on.writer, &found))?;
    Ok(document::many(&on.writer, found, links, room))
}

pub(super) async fn create(
    State(service): Api,
    on: Collection,
    _: NoParameters,
    ResourceBody(draft): ResourceBody,
) -> Result<Response, Response> {
    let created = service.controller.create(&on.resource_type, draft).await;
    let created = created.map_err(|failure| service.refuse(failure))?;
    let url = on.writer.url(&created.id.to_string());
    let mut response = document::one(StatusCode::CREATED, &on.writer, &created);
    if let Ok(url) = HeaderValue::try_from(url) {
        response.headers_mut().insert(header::LOCATION, url);
    }
    Ok(response)
}

pub(super) async fn find(State(service): Api, on: Target) -> Result<Response, Response> {
    let found = service.controller.find(&on.resource_type, &on.id).await;
    let found = found.map_err(|failure| service.refuse(failure))?;
    let room = service.room(&on.resource_type, found.text.len())?;
    Ok(document::found(&on.writer, &found, room))
}

pub(super) async fn update(
    State(service): Api,
    on: Target,
    ResourceBody(draft): ResourceBody,
) -> Result<Response, Response> {
    let updated = service.controller.update(&on.resource_type, &on.id, draft);
    let updated = updated.await.map_err(|failure| service.refuse(failure))?;
    Ok(document::one(StatusCode::OK, &on.writer, &updated))
}

pub(super) async fn replace(
    State(service): Api,
    on: Target,
    ResourceBody(draft): ResourceBody,
) -> Result<Response, Response> {
    let replaced = service.controller.replace(&on.resource_type, &on.id, draft);
    let replaced = replaced.await.map_err(|failure| service.refuse(failure))?;
    Ok(document::one(StatusCode::OK, &on.writer, &replaced))
}

pub(super) async fn delete(
    State(service): Api,
    on: Target,
    headers: HeaderMap,
) -> Result<Response, Response> {
    check_unread_body(&headers, service.limits).map_err(refused)?;
    let deleted = service.controller.delete(&on.resource_type, &on.id).await;
    let deleted = deleted.map_err(|failure| service.refuse(failure))?;
    Ok(document::deleted(&on.resource_type, &deleted))
}

fn refused(error: jsonapi::Error) -> Response {
    error.into_response()
}
