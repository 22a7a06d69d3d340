//! Filters as MongoDB's queries.

use mongodb::bson::{Bson, Document, doc};
use resources::query::Filter;

use crate::ids;

/// The documents that pass a filter.
pub(crate) fn matching(filter: &Filter) -> Document {
    match filter {
        Filter::Everything => doc! {},
    }
}

/// The documents with one of these ids that pass a filter.
pub(crate) fn with_ids(mut ids: Vec<Bson>, scope: &Filter) -> Document {
    let mut filter = matching(scope);
    let condition = match ids.len() {
        1 => ids.swap_remove(0),
        _ => doc! { "$in": ids }.into(),
    };
    filter.insert(ids::ID, condition);
    filter
}
