//! The typed request for resources, as a store gets it, and what it means.

mod case;
mod cursor;
mod filter;
mod order;
mod scalar;

pub use case::{folded, variants};
pub use cursor::{Bound, InvalidCursor, Seal};
pub use filter::{Comparison, Filter, MemberPath, NoRelated, Related, Test, TextMatch};
pub use jsonapi::Total;
pub use order::{Key, KeyPath, Order, SortValue};
pub use scalar::Scalar;

/// Which resources of a type are wanted, and in which order.
///
/// Two equal queries have the same answer at the same moment: everything that shapes an answer,
/// the rights of whoever asks included, belongs in here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Query {
    /// Which resources count at all.
    pub filter: Filter,
    /// The order of the collection.
    pub order: Order,
    /// Only resources behind this place of the order, which is not that of creation.
    pub after: Option<Bound>,
    /// Only resources before this place of the order, which is not that of creation.
    pub before: Option<Bound>,
    /// Whether the last resources are wanted, not the first ones. They stand in the same order.
    /// Such a query skips none.
    pub from_end: bool,
    /// How many of them stand before the first one that is wanted.
    pub skip: u64,
    /// How many are wanted at most.
    pub limit: u64,
    /// Whether the answer says how many pass the filter, whatever the other members are.
    pub count: Count,
    /// The members that are wanted, if not all are: a store may leave out the others.
    pub members: Option<Vec<String>>,
}

/// How exactly the resources that pass a filter are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Count {
    /// Not at all.
    #[default]
    Never,
    /// Up to so many; of more the number is an estimate. Where the filter is
    /// [`Filter::Everything`] a store may give its own figure.
    UpTo(u64),
}

/// Up to how many resources are counted where no setting says otherwise.
pub const COUNTED_MAX: u64 = 100_000;

impl Query {
    /// Every resource of a type from the first one, at most `limit` of them, and their number.
    #[must_use]
    pub fn first(limit: u64) -> Self {
        Self {
            limit,
            count: Count::UpTo(COUNTED_MAX),
            ..Self::default()
        }
    }
}
