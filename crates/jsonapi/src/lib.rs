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

pub use document::{
    Identifier, Linkage, Operation, OperationCode, OperationData, OperationTarget, ResourceObject,
    Target, operations,
};
pub use error::{ERROR_BYTES_MAX, ERROR_PAGES, Error, ErrorLinks, Errors, Source};
pub use json::{DEPTH_MAX, InvalidJson, parse as parse_json, pointer_token};
pub use media_type::{
    ATOMIC, Applied, BodyFormat, CURSOR_PAGINATION, MEDIA_TYPE, Offered, accept, accepts,
    content_type, is_json_api,
};
pub use query::{
    CursorPage, Fieldsets, Page, PageLimits, Pagination, Parameters, Path, SortKey, column,
    excerpt, filter, invalid_cursor, path_segment, range_not_supported, unsupported_sort,
};
pub use writer::{
    Closing, DocumentWriter, IdentifierParts, LinkageParts, Links, RelationshipParts,
    ResourceParts, ResourceWriter, ResultsWriter, Total, document,
};
