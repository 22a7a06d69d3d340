//! Handlers that read: parse, ask the controller, render.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use jsonapi::{Applied, CURSOR_PAGINATION, Error, Parameters};

use super::answer::Answer;
use super::failure::Answered;
use super::linkage::Linkage;
use super::page::{self, List};
use super::request::{Collection, RelatedTarget, Target, form};
use super::{Api, Service, conditions};
use crate::controller::Linked;
use crate::query::Filter;
use crate::schema::ResourceType;

pub(super) async fn list(
    State(service): Api,
    on: Collection,
    Extension(applied): Extension<Applied>,
    url: Uri,
) -> Response {
    let found = collection(&service, &on.resource_type, url.query(), &applied);
    let request = (&url, &applied);
    let found = service
        .cache
        .answer(&service, &on.resource_type, request, found)
        .await;
    service.respond(found)
}

/// `QUERY` has the parameters in its body:
/// <https://datatracker.ietf.org/doc/draft-ietf-httpbis-safe-method-w-body/>.
pub(super) async fn query(
    api: Api,
    on: Collection,
    applied: Extension<Applied>,
    request: Request,
) -> Response {
    if request.method().as_str() == "QUERY" {
        return posted_query(api, on, applied, request).await;
    }
    let (code, title) = ("method_not_allowed", "Method not allowed");
    let error = Error::new(StatusCode::METHOD_NOT_ALLOWED, code, title)
        .detail("The path exists, but not for this method; the Allow header names the methods that it takes.");
    ([(header::ALLOW, "GET,HEAD,POST,QUERY")], error).into_response()
}

/// The same for clients whose proxies do not let that method pass.
pub(super) async fn posted_query(
    State(service): Api,
    on: Collection,
    Extension(applied): Extension<Applied>,
    request: Request,
) -> Response {
    let found = async {
        let query = form(request, &service).await?;
        collection(&service, &on.resource_type, Some(&query), &applied).await
    };
    let found = found.await;
    service.respond(found)
}

pub(super) async fn find(
    State(service): Api,
    Extension(applied): Extension<Applied>,
    on: Target,
    url: Uri,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let answer = Answer::take(&service, &on.resource_type, url.query())?;
        let found = service.controller.find(&on.resource_type, &on.id).await?;
        answer.resource(StatusCode::OK, found).await
    };
    let request = (&url, &applied);
    let found = service
        .cache
        .answer(&service, &on.resource_type, request, found)
        .await;
    let found = found.and_then(|found| Ok(conditions::unless_known(&headers, found)?));
    service.respond(found)
}

/// The resources that a relationship leads to.
pub(super) async fn related(
    State(service): Api,
    on: RelatedTarget,
    Extension(applied): Extension<Applied>,
    RawQuery(query): RawQuery,
) -> Response {
    let found = async {
        let target = service.types.target(&on.relationship);
        let (resource, linked) = on.linked(&service).await?;
        let path = format!("{}/{}", on.url(&service, &resource.id), on.segment());
        let scope = match linked {
            Linked::One(linked) => {
                let answer = Answer::take(&service, target, query.as_deref())?;
                let found = match linked {
                    Some(linked) => service.controller.find_one(target, &linked).await?,
                    None => None,
                };
                return answer.related(&path, found).await;
            }
            Linked::Many(ids) => Filter::Ids(ids),
            Linked::Those(filter) => filter,
        };
        let list = List {
            path: &path,
            resource_type: target,
            scope: &scope,
            page: on.relationship.page,
            prefers_cursors: applied.has(CURSOR_PAGINATION),
        };
        page::answer(&service, list, Parameters::parse(query.as_deref())?).await
    };
    let found = found.await;
    service.respond(found)
}

/// The linkage of a relationship.
pub(super) async fn linkage(
    State(service): Api,
    on: RelatedTarget,
    Extension(applied): Extension<Applied>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let parameters = Parameters::parse(query.as_deref())?;
        let (resource, linked) = on.linked(&service).await?;
        // What is stored with the resource changes with it, what is found changes by itself; so
        // may what parameters ask for.
        let is_stored = !matches!(linked, Linked::Those(_)) && query.is_none();
        let linkage = Linkage::new(&service, &on, &resource.id, applied.has(CURSOR_PAGINATION));
        let mut answer = linkage.answer(linked, parameters).await?;
        if let Some(tag) = conditions::tag(&resource).filter(|_| is_stored) {
            answer.headers_mut().insert(header::ETAG, tag);
        }
        Ok(conditions::unless_known(&headers, answer)?)
    };
    let found = found.await;
    service.respond(found)
}

async fn collection(
    service: &Arc<Service>,
    resource_type: &Arc<ResourceType>,
    query: Option<&str>,
    applied: &Applied,
) -> Answered {
    let parameters = Parameters::parse(query)?;
    let list = List {
        path: service.writer(resource_type).collection(),
        resource_type,
        scope: &Filter::Everything,
        page: resource_type.page,
        prefers_cursors: applied.has(CURSOR_PAGINATION),
    };
    page::answer(service, list, parameters).await
}
