//! What an operation is about: `ref` or `href`.

use std::borrow::Cow;
use std::sync::Arc;

use http::StatusCode;
use jsonapi::{Error, Identifier, OperationTarget};
use percent_encoding::percent_decode_str;

use crate::api::Service;
use crate::api::failure::Problem;
use crate::api::links::LocalIds;
use crate::controller::{Failure, Reason};
use crate::schema::{Id, Relationship, ResourceType};

/// What an operation is about.
pub(super) enum Target {
    /// A new resource of the type.
    Collection(Arc<ResourceType>),
    Resource(Arc<ResourceType>, Id),
    Relationship(Arc<ResourceType>, Id, Arc<Relationship>),
}

/// The target of an operation that stands at `pointer`.
pub(super) fn target(
    service: &Service,
    locals: &LocalIds,
    given: OperationTarget,
    pointer: &str,
) -> Result<Target, Problem> {
    match given {
        OperationTarget::Href(href) => by_url(service, &href, &format!("{pointer}/href")),
        OperationTarget::Ref {
            identifier,
            relationship,
        } => {
            let at = format!("{pointer}/ref");
            let (resource_type, id) = identified(service, locals, identifier)?;
            match relationship {
                None => Ok(Target::Resource(resource_type, id)),
                Some(name) => {
                    let at = format!("{at}/relationship");
                    related(resource_type, id, &name, &at)
                }
            }
        }
    }
}

/// The resource that an identifier names.
pub(super) fn identified(
    service: &Service,
    locals: &LocalIds,
    identifier: Identifier,
) -> Result<(Arc<ResourceType>, Id), Problem> {
    let Identifier {
        resource_type,
        target,
        pointer,
    } = identifier;
    let resource_type = operated(service, &resource_type, &format!("{pointer}/type"))?;
    let text = locals.id(&resource_type.name, target, &pointer)?;
    let id = parsed(&resource_type, &text, &format!("{pointer}/id"))?;
    Ok((resource_type, id))
}

/// The type of this name, if operations may be about its resources.
pub(super) fn operated(
    service: &Service,
    name: &str,
    pointer: &str,
) -> Result<Arc<ResourceType>, Error> {
    let served = service
        .types
        .get(name)
        .filter(|_| service.served.contains(name));
    let Some(resource_type) = served else {
        let detail = format!("There is no type '{name}' here.");
        let error = Error::new(StatusCode::NOT_FOUND, "unknown_type", "No such type");
        return Err(error.detail(detail).pointer(pointer));
    };
    if !resource_type.operations {
        let (code, title) = ("operations_not_allowed", "No atomic operations");
        let detail = format!("Resources of the type '{name}' take part in no atomic operations.");
        let error = Error::new(StatusCode::FORBIDDEN, code, title);
        return Err(error.detail(detail).pointer(pointer));
    }
    Ok(resource_type.clone())
}

/// The target of a path of this server.
fn by_url(service: &Service, href: &str, pointer: &str) -> Result<Target, Problem> {
    let refused = || {
        let detail = "'href' is a path of this server without parameters: /TYPE, /TYPE/ID or \
                      /TYPE/ID/relationships/NAME.";
        Error::malformed_document(detail).pointer(pointer)
    };
    let path = href.strip_prefix('/').ok_or_else(refused)?;
    if path.contains(['?', '#']) {
        return Err(refused().into());
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    let decode = |segment: &str| {
        let decoded = percent_decode_str(segment).decode_utf8();
        decoded.map(Cow::into_owned).map_err(|_| refused())
    };
    let segments: Vec<String> = path.split('/').map(decode).collect::<Result<_, _>>()?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (name, rest) = segments.split_first().ok_or_else(refused)?;
    match rest {
        [] => Ok(Target::Collection(operated(service, name, pointer)?)),
        [id] | [id, "relationships", _] => {
            let resource_type = operated(service, name, pointer)?;
            let id = parsed(&resource_type, id, pointer)?;
            match rest.get(2) {
                None => Ok(Target::Resource(resource_type, id)),
                Some(name) => related(resource_type, id, name, pointer),
            }
        }
        _ => Err(refused().into()),
    }
}

/// An id that is meant for a resource of a type.
pub(super) fn parsed(
    resource_type: &Arc<ResourceType>,
    text: &str,
    pointer: &str,
) -> Result<Id, Failure> {
    let id = resource_type.id.parse(text);
    id.map_err(|invalid| Failure::new(resource_type, Reason::InvalidId(invalid)).at(pointer))
}

fn related(
    resource_type: Arc<ResourceType>,
    id: Id,
    name: &str,
    pointer: &str,
) -> Result<Target, Problem> {
    let relationship = resource_type.relationship(name);
    let Some(relationship) = relationship.filter(|one| one.reading.readable).cloned() else {
        let reason = Reason::NoRelationship(name.to_owned());
        return Err(Failure::new(&resource_type, reason).at(pointer).into());
    };
    Ok(Target::Relationship(resource_type, id, relationship))
}
