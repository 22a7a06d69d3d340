//! The body of a request: a JSON:API document or the attributes as one plain object.

use std::error::Error as _;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::LengthLimitError;
use jsonapi::{BodyFormat, Error, Errors, ResourceObject};
use serde_json::Value;

use super::Service;
use crate::controller::{Draft, IdPlace};
use crate::schema::ResourceType;

/// The body of a request that creates or changes a resource.
pub(super) struct Body {
    pub(super) layout: Layout,
    pub(super) draft: Draft,
}

/// Where the parts of a resource stand in a body, for pointers into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// There is no body.
    None,
    /// A JSON:API document.
    Document {
        /// Whether it has attributes.
        attributes: bool,
    },
    /// The attributes as one object.
    Object,
}

impl Layout {
    /// The attributes, or what should hold them.
    pub(super) fn attributes(self) -> &'static str {
        match self {
            Self::Document { attributes: true } => "/data/attributes",
            Self::Document { attributes: false } => "/data",
            Self::None | Self::Object => "",
        }
    }

    /// The id in the body, or what should hold it.
    pub(super) fn id(self, of: &ResourceType, place: IdPlace) -> Option<String> {
        let repeated = jsonapi::pointer_token(of.plain_id_member());
        match (self, place) {
            (Self::None, _) | (_, IdPlace::Url) => None,
            (Self::Document { .. }, IdPlace::Beside) => Some("/data/id".to_owned()),
            (Self::Document { .. }, IdPlace::Attribute) => {
                Some(format!("/data/attributes/{repeated}"))
            }
            (Self::Document { .. }, IdPlace::Nowhere) => Some("/data".to_owned()),
            (Self::Object, IdPlace::Beside | IdPlace::Attribute) => Some(format!("/{repeated}")),
            (Self::Object, IdPlace::Nowhere) => Some(String::new()),
        }
    }
}

impl FromRequest<Arc<Service>> for Body {
    type Rejection = Errors;

    /// Reads a body wholly or says all that is wrong with it.
    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Self, Errors> {
        let format = jsonapi::http::body_format(request.headers())?;
        // JSON:API wants the id in the document of a change; a new resource may have none.
        let id_needed = request.method() != Method::POST;
        let text = to_bytes(request.into_body(), service.body_bytes_max).await;
        let text = text.map_err(|error| unread(&error, service.body_bytes_max))?;
        let value = jsonapi::parse_json(&text)?;
        let of = service.resource_type();
        match format {
            BodyFormat::JsonApi => from_document(of, value, id_needed),
            BodyFormat::PlainJson => Ok(from_object(of, value)?),
        }
    }
}

/// Whether a request says that it has a body.
pub(super) fn announced(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    length.is_some_and(|length| length != "0") || headers.contains_key(header::TRANSFER_ENCODING)
}

fn from_document(of: &ResourceType, document: Value, id_needed: bool) -> Result<Body, Errors> {
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
    if id_needed && object.id.is_none() {
        return Err(Error::malformed_document(
            "The resource object has no 'id'; it must be that of the URL.",
        )
        .pointer("/data")
        .into());
    }
    let unknown: Vec<Error> = object
        .relationships
        .keys()
        .map(|name| {
            Error::malformed_document(format!("'{}' has no relationship '{name}'.", of.name))
                .pointer(format!(
                    "/data/relationships/{}",
                    jsonapi::pointer_token(name)
                ))
        })
        .collect();
    if unknown.is_empty() {
        let layout = Layout::Document {
            attributes: !object.attributes.is_empty(),
        };
        let draft = Draft {
            id: object.id,
            attributes: object.attributes,
        };
        Ok(Body { layout, draft })
    } else {
        Err(Errors::new(unknown))
    }
}

fn from_object(of: &ResourceType, value: Value) -> Result<Body, Error> {
    let Value::Object(object) = value else {
        let detail = "An application/json body is one object with the attributes.";
        return Err(Error::malformed_document(detail).pointer(""));
    };
    // Stored as attributes, a whole document would be answered with 201 and be of no use.
    let is_document = object
        .get("data")
        .is_some_and(|data| data.get("type").is_some());
    if is_document && !of.attributes.declared().any(|name| name == "data") {
        let media_type = jsonapi::MEDIA_TYPE;
        let detail =
            format!("This is a JSON:API document: send it with Content-Type {media_type}.");
        return Err(Error::malformed_document(detail).header("Content-Type"));
    }
    Ok(Body {
        layout: Layout::Object,
        draft: Draft::plain(of, object),
    })
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
            .detail(format!(
                "The request body may hold at most {bytes_max} bytes."
            ));
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
