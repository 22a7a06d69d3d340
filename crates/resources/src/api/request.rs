//! What a request is about: a collection, a resource, a body. Each is read wholly or refused with
//! all that is wrong.

mod form;

use std::error::Error as _;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::LengthLimitError;
use jsonapi::{BodyFormat, Error, Errors, ResourceObject};
use serde_json::Value;

use super::links::LocalIds;
use super::{Limits, Service, links};
use crate::controller::{Draft, Failure, GivenId, Linked};
use crate::schema::{Id, Relationship, ResourceType};
use crate::store::Resource;

pub(super) use self::form::form;

/// The collection that a URL names.
pub(super) struct Collection {
    pub(super) resource_type: Arc<ResourceType>,
}

/// The resource that a URL names.
pub(super) struct Target {
    pub(super) resource_type: Arc<ResourceType>,
    /// As it stands in the URL, decoded.
    pub(super) id: String,
}

/// The relationship of a resource that a URL names.
pub(super) struct RelatedTarget {
    pub(super) resource_type: Arc<ResourceType>,
    pub(super) relationship: Arc<Relationship>,
    /// As it stands in the URL, decoded.
    pub(super) id: String,
}

/// The body of a request that creates or changes a resource: a JSON:API document, or the
/// attributes as one plain object.
pub(super) struct ResourceBody(pub(super) Draft);

impl FromRequestParts<Arc<Service>> for Collection {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, on: &Arc<Service>) -> Result<Self, Error> {
        let resource_type = on.resource_type(parts.uri.path())?.clone();
        Ok(Self { resource_type })
    }
}

impl FromRequestParts<Arc<Service>> for Target {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, on: &Arc<Service>) -> Result<Self, Error> {
        let resource_type = on.resource_type(parts.uri.path())?.clone();
        let id = Path::<String>::from_request_parts(parts, on).await;
        let Path(id) = id.map_err(|_| malformed_url())?;
        Ok(Self { resource_type, id })
    }
}

impl FromRequestParts<Arc<Service>> for RelatedTarget {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, on: &Arc<Service>) -> Result<Self, Error> {
        let resource_type = on.resource_type(parts.uri.path())?.clone();
        let names = Path::<(String, String)>::from_request_parts(parts, on).await;
        let Path((id, name)) = names.map_err(|_| malformed_url())?;
        Self::find(&resource_type, id, &name)
    }
}

impl RelatedTarget {
    /// The relationship of this name.
    ///
    /// # Errors
    /// 404 where the type has none that clients may see.
    pub(super) fn find(
        resource_type: &Arc<ResourceType>,
        id: String,
        name: &str,
    ) -> Result<Self, Error> {
        let relationship = resource_type.relationship(name);
        let relationship = relationship.filter(|one| one.reading.readable);
        let relationship = relationship.ok_or_else(|| {
            let title = "Relationship not found";
            let detail = format!("'{}' has no relationship '{name}'.", resource_type.name);
            Error::new(StatusCode::NOT_FOUND, "relationship_not_found", title).detail(detail)
        })?;
        Ok(Self {
            relationship: relationship.clone(),
            resource_type: resource_type.clone(),
            id,
        })
    }

    /// The resource itself, and where the related ones are found.
    pub(super) async fn linked(&self, service: &Service) -> Result<(Resource, Linked), Failure> {
        let controller = &service.controller;
        controller
            .linked(&self.resource_type, &self.id, &self.relationship)
            .await
    }

    /// The URL of the resource.
    pub(super) fn url(&self, service: &Service, id: &Id) -> String {
        service.writer(&self.resource_type).url(&id.to_string())
    }

    /// The relationship's name within a URL.
    pub(super) fn segment(&self) -> String {
        jsonapi::path_segment(&self.relationship.name).to_string()
    }
}

fn malformed_url() -> Error {
    Error::new(StatusCode::BAD_REQUEST, "malformed_url", "Malformed URL")
        .detail("The URL is not UTF-8 after percent-decoding.")
}

impl FromRequest<Arc<Service>> for ResourceBody {
    type Rejection = Errors;

    async fn from_request(request: Request, on: &Arc<Service>) -> Result<Self, Errors> {
        let read = read(request, on).await;
        read.map(Self)
            .map_err(|errors| errors.within(on.limits.error_bytes_max))
    }
}

async fn read(request: Request, on: &Service) -> Result<Draft, Errors> {
    let resource_type = on.resource_type(request.uri().path())?;
    let format = format(request.headers(), on.limits)?;
    // JSON:API wants the id in the document of a change; a new resource may have none.
    let is_new = request.method() == Method::POST;
    let value = json(request, on).await?;
    let draft = match format {
        BodyFormat::JsonApi => {
            let object = ResourceObject::from_document(value)?;
            from_resource_object(resource_type, object, &LocalIds::default(), "/data", is_new)?
        }
        BodyFormat::PlainJson => from_plain_object(resource_type, value)?,
    };
    Ok(draft)
}

pub(super) async fn json(request: Request, on: &Service) -> Result<Value, Errors> {
    let text = text(request.into_body(), on).await?;
    Ok(jsonapi::parse_json(&text)?)
}

pub(super) async fn text(body: Body, on: &Service) -> Result<Bytes, Error> {
    let bytes_max = on.limits.body_bytes_max;
    let text = to_bytes(body, bytes_max).await;
    text.map_err(|error| unread(&error, bytes_max))
}

/// The document of a request that takes JSON:API documents alone.
pub(super) async fn json_api_body(request: Request, on: &Service) -> Result<Value, Errors> {
    let format = jsonapi::http::body_format(request.headers())?;
    if format == BodyFormat::PlainJson {
        let (code, title) = ("unsupported_media_type", "Unsupported media type");
        let detail = format!("Linkage is sent as {}.", jsonapi::MEDIA_TYPE);
        let error = Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, title);
        return Err(error.detail(detail).header("Content-Type").into());
    }
    json(request, on).await
}

/// A body means nothing to some requests, but its media type may ask for something that is not
/// offered.
pub(super) fn check_unread_body(headers: &HeaderMap, limits: Limits) -> Result<(), Error> {
    let length = headers.get(header::CONTENT_LENGTH);
    let has_body = length.is_some_and(|length| length != "0")
        || headers.contains_key(header::TRANSFER_ENCODING);
    if has_body {
        format(headers, limits)?;
    }
    Ok(())
}

fn format(headers: &HeaderMap, limits: Limits) -> Result<BodyFormat, Error> {
    let format = jsonapi::http::body_format(headers);
    let names_json_api = || {
        let media_type = headers.get(header::CONTENT_TYPE);
        let text = media_type.and_then(|value| value.to_str().ok());
        text.is_some_and(jsonapi::is_json_api)
    };
    match format {
        // What names JSON:API and asks too much of it is no plain JSON.
        Err(_) if limits.any_media_type && !names_json_api() => Ok(BodyFormat::PlainJson),
        format => format,
    }
}

/// A draft from the resource object that stands at `base` in the request document.
pub(super) fn from_resource_object(
    resource_type: &ResourceType,
    mut object: ResourceObject,
    locals: &LocalIds,
    base: &str,
    is_new: bool,
) -> Result<Draft, Errors> {
    if object.resource_type != resource_type.name {
        let (own, other) = (&resource_type.name, &object.resource_type);
        let title = "Type does not belong here";
        let error = Error::new(StatusCode::CONFLICT, "type_conflict", title);
        let detail = format!("This collection has resources of the type '{own}', not '{other}'.");
        return Err(error.detail(detail).pointer(format!("{base}/type")).into());
    }
    if !is_new && object.id.is_none() {
        let detail = "The resource object has no 'id'; it must be that of the URL.";
        return Err(Error::malformed_document(detail).pointer(base).into());
    }
    let relationships = links::given(
        resource_type,
        std::mem::take(&mut object.relationships),
        locals,
        base,
    )?;
    let mut ids = Vec::new();
    if let Some(id) = object.id {
        ids.push(GivenId {
            value: id.into(),
            pointer: format!("{base}/id"),
        });
    }
    let has_attributes = !object.attributes.is_empty();
    let repeated = resource_type.id_attribute.as_ref();
    let repeated = repeated.and_then(|name| object.attributes.shift_remove_entry(name));
    if let Some((name, value)) = repeated {
        ids.push(GivenId {
            value,
            pointer: format!("{base}/attributes/{}", jsonapi::pointer_token(&name)),
        });
    }
    let attributes = if has_attributes {
        format!("{base}/attributes")
    } else {
        base.to_owned()
    };
    Ok(Draft {
        relationships,
        ..Draft::new(ids, object.attributes, base.to_owned(), attributes)
    })
}

fn from_plain_object(resource_type: &ResourceType, value: Value) -> Result<Draft, Error> {
    let Value::Object(object) = value else {
        let detail = "A body of plain JSON is one object with the attributes.";
        return Err(Error::malformed_document(detail).pointer(""));
    };
    // Stored as attributes, a whole document would be answered with 201 and be of no use.
    let data = object.get("data");
    let is_document = data.is_some_and(|data| data.get("type").is_some());
    let mut declared = resource_type.attributes.declared();
    if is_document && !declared.any(|name| name == "data") {
        let media_type = jsonapi::MEDIA_TYPE;
        let detail =
            format!("This is a JSON:API document: send it with Content-Type {media_type}.");
        return Err(Error::malformed_document(detail).header("Content-Type"));
    }
    Ok(Draft::plain(resource_type, object))
}

fn unread(error: &axum::Error, bytes_max: usize) -> Error {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<LengthLimitError>() {
            let (status, title) = (StatusCode::PAYLOAD_TOO_LARGE, "Request body is too large");
            return Error::new(status, "body_too_large", title).detail(format!(
                "The request body may hold at most {bytes_max} bytes."
            ));
        }
        source = cause.source();
    }
    let title = "Request body is incomplete";
    Error::new(StatusCode::BAD_REQUEST, "incomplete_body", title)
        .detail("The connection ended before the body did.")
}
