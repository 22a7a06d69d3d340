//! The documents that are sent, and what an error of the store says of them.

use std::sync::Arc;

use resources::schema::{Attributes, ResourceType};
use resources::store::StoreError;

use crate::TestStore;

/// What the store said of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Done,
    NotDone,
    Unknown,
}

/// Of which type a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its id is known without the store.
    Thing,
    /// The store hands its id out.
    Order,
}

/// What a unit does to a document, which is named by its number.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    Insert(usize),
    Replace(usize),
    Delete(usize),
    /// Sets the counter of one writer to the number of the unit, and leaves those of others.
    Count {
        document: usize,
        writer: usize,
    },
    /// Links the document to the number of the unit, in the place of the one to which the writer
    /// linked it before, and leaves the links of others.
    Link {
        document: usize,
        writer: usize,
    },
}

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
