//! Handlers that write: parse, one call of the controller, render.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jsonapi::Parameters;

use super::answer::Answer;
use super::request::{Collection, ResourceBody, Target, check_unread_body};
use super::{Api, document};

pub(super) async fn create(
    State(service): Api,
    on: Collection,
    RawQuery(query): RawQuery,
    ResourceBody(draft): ResourceBody,
) -> Response {
    let created = async {
        let answer = Answer::take(&service, &on.resource_type, query.as_deref())?;
        let created = service.controller.create(&on.resource_type, draft).await?;
        let url = service
            .writer(&on.resource_type)
            .url(&created.id.to_string());
        let mut response = answer.resource(StatusCode::CREATED, created).await?;
        if let Ok(url) = HeaderValue::try_from(url) {
            response.headers_mut().insert(header::LOCATION, url);
        }
        Ok(response)
    };
    let created = created.await;
    service.respond(created)
}

pub(super) async fn update(
    State(service): Api,
    on: Target,
    RawQuery(query): RawQuery,
    ResourceBody(draft): ResourceBody,
) -> Response {
    let updated = async {
        let answer = Answer::take(&service, &on.resource_type, query.as_deref())?;
        let updated = service.controller.update(&on.resource_type, &on.id, draft);
        answer.resource(StatusCode::OK, updated.await?).await
    };
    let updated = updated.await;
    service.respond(updated)
}

pub(super) async fn replace(
    State(service): Api,
    on: Target,
    RawQuery(query): RawQuery,
    ResourceBody(draft): ResourceBody,
) -> Response {
    let replaced = async {
        let answer = Answer::take(&service, &on.resource_type, query.as_deref())?;
        let replaced = service.controller.replace(&on.resource_type, &on.id, draft);
        answer.resource(StatusCode::OK, replaced.await?).await
    };
    let replaced = replaced.await;
    service.respond(replaced)
}

pub(super) async fn delete(
    State(service): Api,
    on: Target,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let deleted = async {
        Parameters::parse(query.as_deref())?.finish()?;
        check_unread_body(&headers, service.limits)?;
        let deleted = service.controller.delete(&on.resource_type, &on.id).await?;
        Ok(document::deleted(&on.resource_type, &deleted))
    };
    let deleted = deleted.await;
    service.respond(deleted)
}
