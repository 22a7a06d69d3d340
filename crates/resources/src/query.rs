//! The typed request for data.

pub use jsonapi::Pagination;

/// What a collection is asked for. Resources come in the order of their creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Query {
    /// Which part of the collection.
    pub page: Pagination,
}
