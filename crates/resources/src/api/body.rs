//! The body of a request: a JSON:API document or the attributes as one plain object.

use std::error::Error as _;

use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use http_body_util::LengthLimitError;
use jsonapi::{BodyFormat, Error, Errors, ResourceObject};
use serde_json::Value;

use super::Service;
use crate::controller::Draft;
use crate::schema::ResourceType;

/// What a body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A new resource, whose id the server may choose.
    Create,
    /// A change of one; JSON:API wants its id in the document.
    Update,
}

/// Reads a body wholly or answers with what is wrong with it.
pub(super) async fn read(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
    purpose: Purpose,
) -> Result<(BodyFormat, Draft), Response> {
    let format = jsonapi::http::body_format(headers).map_err(IntoResponse::into_response)?;
    let text = to_bytes(body, service.body_bytes_max)
        .await
        .map_err(|error| unread(&error, service.body_bytes_max).into_response())?;
    let value = jsonapi::parse_json(&text).map_err(IntoResponse::into_response)?;
    let of = service.resource_type();
    let draft = match format {
        BodyFormat::JsonApi => from_document(of, value, purpose),
        BodyFormat::PlainJson => from_object(of, value).map_err(Errors::from),
    };
    Ok((format, draft.map_err(IntoResponse::into_response)?))
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
    if purpose == Purpose::Update && object.id.is_none() {
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
