//! The body of a request: a JSON:API document or the attributes as one plain object.

use std::error::Error as _;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use http::StatusCode;
use http_body_util::LengthLimitError;
use jsonapi::{BodyFormat, Error, Errors, ResourceObject};
use serde_json::Value;

use super::Service;
use crate::controller::Draft;
use crate::schema::ResourceType;

/// What a body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// A new resource, whose id the server may choose.
    Create,
    /// A change of one; JSON:API wants its id in the document.
    Change,
}

/// The body of a request that creates a resource.
pub(super) struct CreateBody {
    pub(super) format: BodyFormat,
    pub(super) draft: Draft,
}

impl FromRequest<Arc<Service>> for CreateBody {
    type Rejection = Errors;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Self, Errors> {
        let (format, draft) = read(service, request, Purpose::Create).await?;
        Ok(Self { format, draft })
    }
}

/// The body of a request that changes a resource.
pub(super) struct ChangeBody {
    pub(super) format: BodyFormat,
    pub(super) draft: Draft,
}

impl FromRequest<Arc<Service>> for ChangeBody {
    type Rejection = Errors;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Self, Errors> {
        let (format, draft) = read(service, request, Purpose::Change).await?;
        Ok(Self { format, draft })
    }
}

/// Reads a body wholly or says all that is wrong with it.
async fn read(
    service: &Service,
    request: Request,
    purpose: Purpose,
) -> Result<(BodyFormat, Draft), Errors> {
    let format = jsonapi::http::body_format(request.headers())?;
    let text = to_bytes(request.into_body(), service.body_bytes_max).await;
    let text = text.map_err(|error| unread(&error, service.body_bytes_max))?;
    let value = jsonapi::parse_json(&text)?;
    let of = service.resource_type();
    let draft = match format {
        BodyFormat::JsonApi => from_document(of, value, purpose)?,
        BodyFormat::PlainJson => from_object(of, value)?,
    };
    Ok((format, draft))
}

fn from_document(of: &ResourceType, document: Value, purpose: Purpose) -> Result<Draft, Errors> {
    let object = ResourceObject::from_document(document)?;
    if object.resource_type != of.name {
        return Err(Error::new(
            StatusCode::CONFLICT,
            "type_conflict",
            "Type does not belong here",
        )
        .detail(format!(
            "This collection has resources of the type '{}', not '{}'.",
            of.name, object.resource_type
        ))
        .pointer("/data/type")
        .into());
    }
    if purpose == Purpose::Change && object.id.is_none() {
        return Err(
            malformed("The resource object has no 'id'; it must be that of the URL.")
                .pointer("/data")
                .into(),
        );
    }
    let unknown: Vec<Error> = object
        .relationships
        .keys()
        .map(|name| {
            malformed(format!("'{}' has no relationship '{name}'.", of.name)).pointer(format!(
                "/data/relationships/{}",
                jsonapi::pointer_token(name)
            ))
        })
        .collect();
    if unknown.is_empty() {
        Ok(Draft {
            id: object.id,
            attributes: object.attributes,
        })
    } else {
        Err(Errors::new(unknown))
    }
}

fn from_object(of: &ResourceType, value: Value) -> Result<Draft, Error> {
    let Value::Object(object) = value else {
        let detail = "An application/json body is one object with the attributes.";
        return Err(malformed(detail).pointer(""));
    };
    // Stored as attributes, a whole document would be answered with 201 and be of no use.
    let is_document = object
        .get("data")
        .is_some_and(|data| data.get("type").is_some());
    if is_document && !of.attributes.declared().any(|name| name == "data") {
        let media_type = jsonapi::MEDIA_TYPE;
        let detail =
            format!("This is a JSON:API document: send it with Content-Type {media_type}.");
        return Err(malformed(detail).header("Content-Type"));
    }
    Ok(Draft::plain(of, object))
}

fn malformed(detail: impl Into<String>) -> Error {
    Error::new(
        StatusCode::BAD_REQUEST,
        "malformed_document",
        "Malformed JSON:API document",
    )
    .detail(detail)
}

fn unread(error: &axum::Error, bytes_max: usize) -> Error {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<LengthLimitError>() {
            return Error::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "Request body is too large",
            )
            .detail(format!("The body has more than {bytes_max} bytes."));
        }
        source = cause.source();
    }
    Error::new(
        StatusCode::BAD_REQUEST,
        "incomplete_body",
        "Request body is incomplete",
    )
    .detail("The connection ended before the body did.")
}
