//! Filters as typed trees. [`Filter::matches`] is their specification: every store gives the
//! resources for which it holds.

mod matching;

use std::sync::Arc;

use super::Scalar;
use crate::schema::{Declared, Id, Kinds, Relationship, Stored};

pub use jsonapi::filter::{Comparison, TextMatch};
pub use matching::{NoRelated, Related};

/// Which resources a read or a write may touch. Stores match it exhaustively, so a form that is
/// added here cannot be overlooked by one of them.
///
/// A filter holds or does not hold; there is no third answer. What compares with a member that is
/// absent, or of another kind than the value, does not hold, and its negation does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Filter {
    /// All of them.
    #[default]
    Everything,
    /// Each of these holds; all of them for an empty list.
    All(Vec<Self>),
    /// At least one of these holds; none for an empty list.
    Any(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// The id is one of these. Not within [`Test::AnyObject`].
    Ids(Vec<Id>),
    /// A member of the stored object passes a test.
    Member {
        /// Which one.
        path: MemberPath,
        /// What it must be like.
        test: Test,
    },
    /// There is a related resource that passes a filter. Not within [`Test::AnyObject`].
    Related {
        /// Through which relationship.
        relationship: Arc<Relationship>,
        /// Seen from the related resource.
        filter: Box<Self>,
    },
    /// So many resources are related: those whose ids a stored to-many relationship names, or
    /// those that name this one. Not within [`Test::AnyObject`], nor of a to-one relationship.
    Count {
        /// Through which relationship.
        relationship: Arc<Relationship>,
        /// How the number compares.
        comparison: Comparison,
        /// With which number.
        number: u64,
    },
}

/// A member of the stored object, or of an object within it. Nothing is at a path that leads
/// through something else than objects; arrays are no way to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MemberPath {
    /// Member names from the outside in; at least one.
    pub names: Vec<String>,
    /// What values the schema allows there. A store may rely on that to use an index, since what
    /// it has stored passed the schema; what others wrote may not.
    pub kinds: Kinds,
    /// How the texts there are stored, or those that are elements of an array there, where that is
    /// otherwise than as texts. Only scalars that are stored so compare with them, and no
    /// [`Test::Text`] holds.
    pub stored: Option<Stored>,
}

/// What the value of a member must be like. Where there is no such member, only
/// [`Test::Missing`] holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    /// It compares so with a value of its kind: numbers by their exact values, texts by their
    /// bytes, false before true.
    Compare(Comparison, Scalar),
    /// It equals one of these.
    OneOf(Vec<Scalar>),
    /// It is null.
    Null,
    /// There is no such member.
    Missing,
    /// It is a text, and another one is in it.
    Text {
        /// Where.
        relation: TextMatch,
        /// Whether upper and lower case are the same; see [`super::folded`].
        ignores_case: bool,
        /// The other text.
        text: String,
    },
    /// It is an array of so many elements.
    Size(Comparison, u64),
    /// It is an array, and an element equals one of these.
    AnyElement(Vec<Scalar>),
    /// It is an array, and an element is an object for which the filter holds, seen from the
    /// object: of [`Filter::Member`] and combinations of it.
    AnyObject(Box<Filter>),
    /// It is one of these ids, or an array with one of them; see [`Id::to_member`].
    Links(Vec<Id>),
}

impl MemberPath {
    /// A path to what is declared so.
    #[must_use]
    pub fn declared(names: &[String], declared: &Declared) -> Self {
        Self {
            names: names.to_vec(),
            kinds: declared.kinds(),
            stored: declared.stored(),
        }
    }

    /// Whether there can be values that compare with a scalar.
    #[must_use]
    pub fn compares_with(&self, scalar: &Scalar) -> bool {
        scalar.stored() == self.stored || !matches!(scalar.kind(), Kinds::TEXT)
    }

    /// A member whose relationship is stored under this name.
    #[must_use]
    pub fn linkage(member: &str) -> Self {
        Self {
            names: vec![member.to_owned()],
            kinds: Kinds::ANY,
            stored: None,
        }
    }
}

impl Filter {
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Everything, only) | (only, Self::Everything) => only,
            (Self::All(mut all), Self::All(more)) => {
                all.extend(more);
                Self::All(all)
            }
            (Self::All(mut all), one) | (one, Self::All(mut all)) => {
                all.push(one);
                Self::All(all)
            }
            (one, other) => Self::All(vec![one, other]),
        }
    }

    /// A member passes a test.
    #[must_use]
    pub fn member(path: MemberPath, test: Test) -> Self {
        Self::Member { path, test }
    }

    /// Whether the stored object and its id alone decide it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Everything | Self::Ids(_) | Self::Member { .. } => true,
            Self::All(filters) | Self::Any(filters) => filters.iter().all(Self::is_local),
            Self::Not(filter) => filter.is_local(),
            Self::Count { relationship, .. } => relationship.own_member().is_some(),
            Self::Related { .. } => false,
        }
    }
}
