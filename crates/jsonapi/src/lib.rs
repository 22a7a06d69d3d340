//! JSON:API 1.1 (<https://jsonapi.org/format/1.1/>) without a service and without a store.
//!
//! The modules stand in the order in which a request passes them; only [`http`] knows axum.

#![forbid(unsafe_code)]

mod media_type;
mod query;
mod json;
mod document;
mod writer;
mod error;
pub mod http;

pub use document::ResourceObject;
pub use error::{ERROR_BYTES_MAX, Error, Errors, Source};
pub use json::{DEPTH_MAX, InvalidJson, parse as parse_json, pointer_token};
pub use media_type::{BodyFormat, MEDIA_TYPE, accept, content_type, is_json_api};
pub use query::{Pagination, Parameters};
pub use writer::{DocumentWriter, Links, ResourceWriter, document};
