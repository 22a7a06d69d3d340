//! Linkage in the body of a request, held against the relationship that it is for.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Request;
use http::StatusCode;
use jsonapi::{Error, Errors, Identifier, Linkage, Target};
use serde_json::Value;

use super::Service;
use super::failure::Problem;
use super::request::json_api_body;
use crate::controller::{Failure, GivenLinks, LinkTarget, Reason};
use crate::schema::{Id, Relationship, ResourceType};

/// The linkage of each relationship that a resource object names, which stands at `base`.
pub(super) fn given(
    resource_type: &ResourceType,
    relationships: BTreeMap<String, Linkage>,
    base: &str,
) -> Result<Vec<GivenLinks>, Errors> {
    let (mut given, mut errors) = (Vec::new(), Vec::new());
    for (name, linkage) in relationships {
        let Some(relationship) = resource_type.relationship(&name) else {
            let detail = format!("'{}' has no relationship '{name}'.", resource_type.name);
            let pointer = format!("{base}/relationships/{}", jsonapi::pointer_token(&name));
            errors.push(Error::malformed_document(detail).pointer(pointer));
            continue;
        };
        let pointer = linkage.pointer().to_owned();
        match identifiers(relationship, linkage) {
            Ok(identifiers) => given.push(GivenLinks {
                relationship: relationship.clone(),
                value: value(relationship, identifiers),
                pointer,
            }),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(given)
    } else {
        Err(Errors::new(errors))
    }
}

/// The resources that the body of a request for a relationship names.
pub(super) async fn targets(
    request: Request,
    service: &Service,
    resource_type: &Arc<ResourceType>,
    relationship: &Arc<Relationship>,
) -> Result<Vec<LinkTarget>, Problem> {
    let document = json_api_body(request, service).await?;
    let linkage = Linkage::from_document(document)?;
    let mut targets = Vec::new();
    for (text, pointer) in identifiers(relationship, linkage)? {
        let id = relationship.target.id.parse(&text).map_err(|_| {
            let reason = Reason::RelatedNotFound {
                resource_type: relationship.target.name.clone(),
                id: text.chars().take(80).collect(),
            };
            Failure::new(resource_type, reason).at(&pointer)
        })?;
        targets.push(LinkTarget {
            relationship: relationship.clone(),
            id,
            pointer,
        });
    }
    Ok(targets)
}

/// The same where those that are named leave: what can be no id is not there anyway.
pub(super) async fn leaving(
    request: Request,
    service: &Service,
    relationship: &Relationship,
) -> Result<Vec<Id>, Problem> {
    let document = json_api_body(request, service).await?;
    let named = identifiers(relationship, Linkage::from_document(document)?)?;
    let ids = named
        .iter()
        .map(|(text, _)| relationship.target.id.parse(text));
    Ok(ids.filter_map(Result::ok).collect())
}

/// The ids that linkage names, with their places, if it is of the right kind and type.
fn identifiers(
    relationship: &Relationship,
    linkage: Linkage,
) -> Result<Vec<(String, String)>, Error> {
    let identifiers = if relationship.is_to_one() {
        linkage.into_one()?.into_iter().collect()
    } else {
        linkage.into_many()?
    };
    let id = |identifier| id(relationship, identifier);
    identifiers.into_iter().map(id).collect()
}

fn id(relationship: &Relationship, identifier: Identifier) -> Result<(String, String), Error> {
    let Identifier {
        resource_type,
        target,
        pointer,
    } = identifier;
    let expected = &relationship.target.name;
    if resource_type != *expected {
        let title = "Type does not belong here";
        let name = &relationship.name;
        let detail =
            format!("'{name}' leads to resources of the type '{expected}', not '{resource_type}'.");
        return Err(Error::new(StatusCode::CONFLICT, "type_conflict", title)
            .detail(detail)
            .pointer(format!("{pointer}/type")));
    }
    match target {
        Target::Id(id) => Ok((id, pointer)),
        Target::LocalId(_) => {
            let detail = "No resource is created under this 'lid' in the same request.";
            Err(Error::malformed_document(detail).pointer(format!("{pointer}/lid")))
        }
    }
}

fn value(relationship: &Relationship, identifiers: Vec<(String, String)>) -> Value {
    let mut ids = identifiers.into_iter().map(|(id, _)| Value::from(id));
    if relationship.is_to_one() {
        return ids.next().unwrap_or_default();
    }
    ids.collect()
}
