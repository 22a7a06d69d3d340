//! Linkage in the body of a request, held against the relationship that it is for.

use std::collections::{BTreeMap, HashMap};
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

/// The ids of the resources that earlier operations of the same request create, by their types and
/// local ids.
#[derive(Debug, Default)]
pub(super) struct LocalIds(HashMap<(String, String), Id>);

impl LocalIds {
    /// Notes a new resource; false if the local id is taken.
    pub(super) fn note(&mut self, resource_type: &str, lid: &str, id: Id) -> bool {
        let key = (resource_type.to_owned(), lid.to_owned());
        self.0.insert(key, id).is_none()
    }

    /// The id as a text.
    ///
    /// # Errors
    /// 400 where nothing is created under the local id; `pointer` is that of the object that has
    /// it.
    pub(super) fn id(
        &self,
        resource_type: &str,
        target: Target,
        pointer: &str,
    ) -> Result<String, Error> {
        let lid = match target {
            Target::Id(id) => return Ok(id),
            Target::LocalId(lid) => lid,
        };
        let known = self.0.get(&(resource_type.to_owned(), lid));
        known.map(Id::to_string).ok_or_else(|| {
            let detail = "No resource of this type is created under this 'lid' before.";
            Error::malformed_document(detail).pointer(format!("{pointer}/lid"))
        })
    }
}

/// The linkage of each relationship that a resource object names, which stands at `base`.
pub(super) fn given(
    resource_type: &ResourceType,
    relationships: BTreeMap<String, Linkage>,
    locals: &LocalIds,
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
        match identifiers(relationship, linkage, locals) {
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

/// The linkage in the body of a request.
pub(super) async fn read(request: Request, service: &Service) -> Result<Linkage, Problem> {
    let document = json_api_body(request, service).await?;
    Ok(Linkage::from_document(document)?)
}

/// The resources that linkage names.
pub(super) fn targets(
    resource_type: &Arc<ResourceType>,
    relationship: &Arc<Relationship>,
    linkage: Linkage,
    locals: &LocalIds,
) -> Result<Vec<LinkTarget>, Problem> {
    let mut targets = Vec::new();
    for (text, pointer) in identifiers(relationship, linkage, locals)? {
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
pub(super) fn leaving(
    relationship: &Relationship,
    linkage: Linkage,
    locals: &LocalIds,
) -> Result<Vec<Id>, Error> {
    let named = identifiers(relationship, linkage, locals)?;
    let ids = named
        .iter()
        .map(|(text, _)| relationship.target.id.parse(text));
    Ok(ids.filter_map(Result::ok).collect())
}

/// The ids that linkage names, with their places, if it is of the right kind and type.
fn identifiers(
    relationship: &Relationship,
    linkage: Linkage,
    locals: &LocalIds,
) -> Result<Vec<(String, String)>, Error> {
    let identifiers = if relationship.is_to_one() {
        linkage.into_one()?.into_iter().collect()
    } else {
        linkage.into_many()?
    };
    let id = |identifier| id(relationship, identifier, locals);
    identifiers.into_iter().map(id).collect()
}

fn id(
    relationship: &Relationship,
    identifier: Identifier,
    locals: &LocalIds,
) -> Result<(String, String), Error> {
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
    let id = locals.id(&resource_type, target, &pointer)?;
    Ok((id, pointer))
}

fn value(relationship: &Relationship, identifiers: Vec<(String, String)>) -> Value {
    let mut ids = identifiers.into_iter().map(|(id, _)| Value::from(id));
    if relationship.is_to_one() {
        return ids.next().unwrap_or_default();
    }
    ids.collect()
}
