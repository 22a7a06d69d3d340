//! The order of resources. [`Order::compare`] is its specification: every store gives the resources
//! in this order.

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::{Number, Value};

use super::filter::{MemberPath, Related};
use super::scalar::compare_numbers;
use crate::schema::{Id, Relationship, Stored};

/// What resources are sorted by. Without keys they stand in the order of their creation; with keys,
/// those that are equal in all of them stand in the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Order {
    /// The most significant first.
    pub keys: Vec<Key>,
}

/// One of the keys that resources are sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// What is compared.
    pub path: KeyPath,
    /// Whether the greatest stands first.
    pub descending: bool,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeyPath {
    /// The id: integers by their value, texts by their bytes in UTF-8, others by their bytes. Keys
    /// after it decide nothing.
    Id,
    /// A member of the resource, or of a related one.
    Member {
        /// The to-one relationships that lead from the resource to the one that has the member.
        through: Vec<Arc<Relationship>>,
        /// The member; where there is none, or no such resource, it counts as null.
        path: MemberPath,
    },
}

/// A value as it is sorted: by its kind first, in the order of these variants, which is MongoDB's
/// (<https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/>).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SortValue {
    /// Null or absent.
    Nothing,
    /// A number, by its exact value.
    Number(Number),
    /// A text, by its bytes in UTF-8.
    Text(String),
    /// A text in the normal form of what it is stored as, by that.
    Stored(Stored, String),
    /// An object; they are all equal.
    Object,
    /// An array; they are all equal.
    Array,
    /// False before true.
    Boolean(bool),
}

impl Order {
    /// By the id alone.
    #[must_use]
    pub fn by_id() -> Self {
        let path = KeyPath::Id;
        let descending = false;
        Self {
            keys: vec![Key { path, descending }],
        }
    }

    /// Whether resources stand in the order of their creation.
    #[must_use]
    pub fn is_creation(&self) -> bool {
        self.keys.is_empty()
    }

    /// The members of the resource itself that decide its place.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter_map(|key| match &key.path {
            KeyPath::Id => None,
            KeyPath::Member { through, path } => match through.first() {
                Some(relationship) => relationship.own_member(),
                None => path.names.first().map(String::as_str),
            },
        })
    }

    /// The first key that is a member of a related resource, if there is one.
    #[must_use]
    pub fn related_key(&self) -> Option<String> {
        self.keys.iter().find_map(|key| match &key.path {
            KeyPath::Member { through, path } if !through.is_empty() => {
                let through = through.iter().map(|one| one.name.as_str());
                let names: Vec<_> = through
                    .chain(path.names.iter().map(String::as_str))
                    .collect();
                Some(names.join("."))
            }
            _ => None,
        })
    }

    /// The values of a resource that decide its place, one for each key.
    #[must_use]
    pub fn values(&self, id: &Id, members: &Value, related: &dyn Related) -> Vec<SortValue> {
        let value = |key: &Key| key.path.value(id, members, related);
        self.keys.iter().map(value).collect()
    }

    /// How two resources stand, by their values and ids. Those of one order of creation are equal
    /// here, which only a store tells apart.
    #[must_use]
    pub fn compare(&self, left: (&[SortValue], &Id), right: (&[SortValue], &Id)) -> Ordering {
        if self.is_creation() {
            return Ordering::Equal;
        }
        for (key, (one, other)) in self.keys.iter().zip(left.0.iter().zip(right.0)) {
            let ordering = match key.path {
                KeyPath::Id => left.1.cmp(right.1),
                KeyPath::Member { .. } => one.cmp(other),
            };
            let ordering = if key.descending {
                ordering.reverse()
            } else {
                ordering
            };
            // Keys behind the id decide nothing, also where a bound has outlived its values.
            if ordering.is_ne() || key.path == KeyPath::Id {
                return ordering;
            }
        }
        left.1.cmp(right.1)
    }
}

impl MemberPath {
    /// The value at this path as it is sorted.
    #[must_use]
    pub fn sort_value(&self, members: &Value) -> SortValue {
        match (self.value(members), self.stored) {
            (Some(Value::String(text)), Some(stored)) => SortValue::Stored(stored, text.clone()),
            (Some(value), _) => SortValue::of(value),
            (None, _) => SortValue::Nothing,
        }
    }
}

impl KeyPath {
    fn value(&self, id: &Id, members: &Value, related: &dyn Related) -> SortValue {
        match self {
            Self::Id => SortValue::Nothing,
            Self::Member { through, path } => match through.split_first() {
                None => path.sort_value(members),
                Some((first, others)) => {
                    let rest = Self::Member {
                        through: others.to_vec(),
                        path: path.clone(),
                    };
                    let found = related.related(first, id, members);
                    let found = found.first();
                    found.map_or(SortValue::Nothing, |(id, members)| {
                        rest.value(id, members, related)
                    })
                }
            },
        }
    }
}

impl SortValue {
    /// How a JSON value is sorted.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Object(_) => Self::Object,
            Value::Array(_) => Self::Array,
            Value::Bool(value) => Self::Boolean(*value),
        }
    }

    /// The place of its kind among the kinds, from 0.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Number(_) => 1,
            Self::Text(_) | Self::Stored(..) => 2,
            Self::Object => 3,
            Self::Array => 4,
            Self::Boolean(_) => 5,
        }
    }
}

impl Ord for SortValue {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => compare_numbers(left, right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Stored(stored, left), Self::Stored(_, right)) => stored.compare(left, right),
            (Self::Boolean(left), Self::Boolean(right)) => left.cmp(right),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for SortValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
