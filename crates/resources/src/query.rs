//! The typed request for resources, as a store gets it.

/// Which resources of a type are wanted, in the order of their creation.
///
/// Two equal queries have the same answer at the same moment: everything that shapes an answer,
/// the rights of whoever asks included, belongs in here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Query {
    /// Which resources count at all.
    pub filter: Filter,
    /// How many of them stand before the first one that is wanted.
    pub skip: u64,
    /// How many are wanted at most.
    pub limit: u64,
    /// Whether the answer says how many there are, whatever `skip` and `limit` are.
    pub total: bool,
}

impl Query {
    /// Every resource of a type from the first one, at most `limit` of them, and their number.
    #[must_use]
    pub fn first(limit: u64) -> Self {
        Self {
            filter: Filter::Everything,
            skip: 0,
            limit,
            total: true,
        }
    }
}

/// Which resources a read or a write may touch. Stores match it exhaustively, so a form that is
/// added here cannot be overlooked by one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Filter {
    /// All of them.
    #[default]
    Everything,
}
