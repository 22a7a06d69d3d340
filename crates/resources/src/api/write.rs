//! Handlers that write: parse, one call of the controller, render.

use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jsonapi::Parameters;

use super::answer::Answer;
use super::failure::{Answered, Problem};
use super::links::LocalIds;
use super::request::{Collection, RelatedTarget, ResourceBody, Target, check_unread_body};
use super::retries::{Keyed, marked};
use super::{Api, Service, conditions, document, links};
use crate::controller::{Done, Failure, LinkChange, LinkTarget, Linking, Reason, Versions};
use crate::schema::ResourceType;
use crate::store::Resource;

pub(super) async fn create(
    State(service): Api,
    on: Collection,
    (RawQuery(query), headers, keyed): (RawQuery, HeaderMap, Keyed),
    ResourceBody(draft): ResourceBody,
) -> Response {
    let created = async {
        let answer = Answer::take(&service, &on.resource_type, query.as_deref())?.of_change();
        let must_be_new = conditions::must_be_new(&headers)?;
        let (controller, key) = (&service.controller, keyed.key());
        let created = controller.create(&on.resource_type, draft, key).await;
        let Done {
            left: created,
            is_repeated,
        } = created.map_err(|failure| match failure {
            Failure {
                reason: Reason::IdTaken(id),
                resource_type,
                ..
            } if must_be_new => Failure::new(&resource_type, Reason::Exists(id)),
            failure => failure,
        })?;
        let url = service
            .writer(&on.resource_type)
            .url(&created.id.to_string());
        let mut response = answer.resource(StatusCode::CREATED, created).await?;
        if let Ok(url) = HeaderValue::try_from(url) {
            response.headers_mut().insert(header::LOCATION, url);
        }
        Ok(marked(response, is_repeated))
    };
    let created = created.await;
    service.respond(created)
}

pub(super) async fn update(
    State(service): Api,
    on: Target,
    (RawQuery(query), headers, keyed): (RawQuery, HeaderMap, Keyed),
    ResourceBody(draft): ResourceBody,
) -> Response {
    let (controller, resource_type) = (&service.controller, &on.resource_type);
    let update =
        |versions| controller.update(resource_type, &on.id, draft, (versions, keyed.key()));
    let updated = changed(&service, resource_type, query.as_deref(), &headers, update);
    let updated = updated.await;
    service.respond(updated)
}

pub(super) async fn replace(
    State(service): Api,
    on: Target,
    (RawQuery(query), headers, keyed): (RawQuery, HeaderMap, Keyed),
    ResourceBody(draft): ResourceBody,
) -> Response {
    let (controller, resource_type) = (&service.controller, &on.resource_type);
    let replace =
        |versions| controller.replace(resource_type, &on.id, draft, (versions, keyed.key()));
    let replaced = changed(&service, resource_type, query.as_deref(), &headers, replace);
    let replaced = replaced.await;
    service.respond(replaced)
}

/// Changes a resource of one of the versions that the client allows, and shows it.
async fn changed<C>(
    service: &Arc<Service>,
    resource_type: &Arc<ResourceType>,
    query: Option<&str>,
    headers: &HeaderMap,
    change: impl FnOnce(Versions) -> C,
) -> Answered
where
    C: Future<Output = Result<Done<Resource>, Failure>>,
{
    let answer = Answer::take(service, resource_type, query)?.of_change();
    let versions = conditions::if_match(headers, resource_type)?;
    let Done { left, is_repeated } = change(versions).await?;
    let response = answer.resource(StatusCode::OK, left).await?;
    Ok(marked(response, is_repeated))
}

pub(super) async fn delete(
    State(service): Api,
    on: Target,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    keyed: Keyed,
) -> Response {
    let deleted = async {
        Parameters::parse(query.as_deref())?.finish()?;
        check_unread_body(&headers, service.limits)?;
        let versions = conditions::if_match(&headers, &on.resource_type)?;
        let deleted = service
            .controller
            .delete(&on.resource_type, &on.id, versions, keyed.key())
            .await?;
        let response = document::deleted(&on.resource_type, &deleted.left);
        Ok(marked(response, deleted.is_repeated))
    };
    let deleted = deleted.await;
    service.respond(deleted)
}

/// Puts other linkage in the place of that of a relationship.
pub(super) async fn relink(
    State(service): Api,
    on: RelatedTarget,
    keyed: Keyed,
    request: Request,
) -> Response {
    let linked = async {
        Parameters::parse(request.uri().query())?.finish()?;
        let headers = request.headers().clone();
        let targets = targets(request, &service, &on).await?;
        change(
            &service,
            &on,
            (&headers, &keyed),
            LinkChange::Replace(targets),
        )
        .await
    };
    let linked = linked.await;
    service.respond(linked)
}

/// Adds to the linkage of a to-many relationship.
pub(super) async fn link(
    State(service): Api,
    on: RelatedTarget,
    keyed: Keyed,
    request: Request,
) -> Response {
    let linked = async {
        Parameters::parse(request.uri().query())?.finish()?;
        must_be_to_many(&on)?;
        let headers = request.headers().clone();
        let targets = targets(request, &service, &on).await?;
        change(&service, &on, (&headers, &keyed), LinkChange::Add(targets)).await
    };
    let linked = linked.await;
    service.respond(linked)
}

/// Takes away from the linkage of a to-many relationship.
pub(super) async fn unlink(
    State(service): Api,
    on: RelatedTarget,
    keyed: Keyed,
    request: Request,
) -> Response {
    let linked = async {
        Parameters::parse(request.uri().query())?.finish()?;
        must_be_to_many(&on)?;
        let headers = request.headers().clone();
        let linkage = links::read(request, &service).await?;
        let ids = links::leaving(&on.relationship, linkage, &LocalIds::default())?;
        change(&service, &on, (&headers, &keyed), LinkChange::Remove(ids)).await
    };
    let linked = linked.await;
    service.respond(linked)
}

async fn targets(
    request: Request,
    service: &Service,
    on: &RelatedTarget,
) -> Result<Vec<LinkTarget>, Problem> {
    let linkage = links::read(request, service).await?;
    let locals = LocalIds::default();
    links::targets(&on.resource_type, &on.relationship, linkage, &locals)
}

async fn change(
    service: &Service,
    on: &RelatedTarget,
    (headers, keyed): (&HeaderMap, &Keyed),
    change: LinkChange,
) -> Answered {
    let versions = conditions::if_match(headers, &on.resource_type)?;
    let linking = Linking {
        relationship: on.relationship.clone(),
        change,
        versions,
    };
    let (controller, key) = (&service.controller, keyed.key());
    let changed = controller.link(&on.resource_type, &on.id, linking, key);
    let Done { left, is_repeated } = changed.await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(tag) = conditions::tag(&left) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(marked(response, is_repeated))
}

fn must_be_to_many(on: &RelatedTarget) -> Result<(), Problem> {
    if on.relationship.is_to_one() {
        let reason = Reason::ToOne(on.relationship.name.clone());
        return Err(Failure::new(&on.resource_type, reason).into());
    }
    Ok(())
}
