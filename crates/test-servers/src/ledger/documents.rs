//! The documents that are sent, and what an error of the store says of them.

use std::sync::Arc;

use resources::schema::{Attributes, ResourceType};
use resources::store::StoreError;

use super::book::{Kind, Said};
use crate::TestStore;

pub(super) fn said_by(error: &StoreError) -> Said {
    match error {
        StoreError::Unavailable(_) | StoreError::Busy(_) => Said::NotDone,
        StoreError::OutcomeUnknown(_) => Said::Unknown,
        other => panic!("{other}"),
    }
}

/// The type of a kind of documents.
pub(super) fn resource_type(store: &TestStore, kind: Kind) -> &Arc<ResourceType> {
    match kind {
        Kind::Thing => &store.things,
        Kind::Order => &store.orders,
    }
}

pub(super) fn attributes(number: usize, unit: usize) -> Attributes {
    let number = ("number".to_owned(), number.into());
    Attributes::from_iter([number, ("unit".to_owned(), unit.into())])
}
