//! How the resources of a type are related to those of others.
//!
//! A relationship is a member of the stored object: an id, or an array of ids. Its inverse is
//! stored nowhere: it is the list of the resources whose member names this one.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::{Id, IdKind, PageLimits};

/// A relationship as declared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Relationship {
    /// Its name in documents and URLs.
    pub name: String,
    /// The type of the related resources.
    pub target: Target,
    /// Where it is stored.
    pub link: Link,
    /// Whether its resources can be included in the documents of others.
    pub includable: bool,
    /// Whether clients may change it.
    pub writable: bool,
    /// What becomes of the resource when a related one is deleted.
    pub on_delete: OnDelete,
    /// How much of a to-many relationship is shown at once.
    pub page: PageLimits,
    /// What readers may do with it.
    pub reading: Reading,
    /// What writers may do with it, if it is writable.
    pub writing: Writing,
}

/// The other side of a relationship.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The name of the type.
    pub name: String,
    /// The collection of the store.
    pub collection: String,
    /// What its ids are.
    pub id: IdKind,
}

/// Where a relationship is stored. `member` is a member of the stored object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Link {
    /// To-one: the member is an id, null or absent.
    One {
        /// In the resource itself.
        member: String,
    },
    /// To-many: the member is an array of ids, each once, or absent.
    Many {
        /// In the resource itself.
        member: String,
    },
    /// To-many: the related resources whose member names this one.
    Inverse {
        /// The relationship of the target whose inverse this is.
        relationship: String,
        /// In the related resources.
        member: String,
        /// Whether the member is an array of ids.
        is_many: bool,
    },
}

/// What happens to a resource when a resource that its relationship names is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnDelete {
    /// The deletion is refused while there is such a resource.
    #[default]
    Restrict,
    /// The link is taken away.
    Clear,
    /// The resource is deleted too.
    Cascade,
}

/// What readers may do with an attribute or a relationship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reading {
    /// Documents show it. What is not readable is unknown to readers: they can neither filter nor
    /// sort by it, whatever else is declared.
    pub readable: bool,
    /// Filters may name it.
    pub filterable: bool,
    /// Resources may be sorted by it.
    pub sortable: bool,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            readable: true,
            filterable: true,
            sortable: true,
        }
    }
}

/// What writers may do with an attribute or a relationship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Writing {
    /// It may be set when a resource is created.
    pub settable: bool,
    /// It may be changed later.
    pub changeable: bool,
}

impl Default for Writing {
    fn default() -> Self {
        Self {
            settable: true,
            changeable: true,
        }
    }
}

impl Relationship {
    /// The member of the resource itself that holds the relationship; none for an inverse.
    #[must_use]
    pub fn own_member(&self) -> Option<&str> {
        match &self.link {
            Link::One { member } | Link::Many { member } => Some(member),
            Link::Inverse { .. } => None,
        }
    }

    /// What the member of a stored object holds that names these resources, each once: the first
    /// of them or null if the relationship is to-one, else an array.
    #[must_use]
    pub fn member_value(&self, ids: &[Id]) -> Value {
        if self.is_to_one() {
            return ids.first().map_or(Value::Null, Id::to_member);
        }
        let mut named = HashSet::new();
        let first = ids.iter().filter(|id| named.insert(*id));
        first.map(Id::to_member).collect()
    }

    /// The ids in the JSON text of its member. What is no id of the target's kind leads nowhere.
    #[must_use]
    pub fn ids(&self, member: &str) -> Vec<Id> {
        let value = serde_json::from_str(member).unwrap_or_default();
        let id = |value: &Value| self.target.id.of_member(value);
        match (&self.link, &value) {
            (Link::One { .. }, one) => id(one).into_iter().collect(),
            (Link::Many { .. }, Value::Array(many)) => many.iter().filter_map(id).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether it leads to one resource at most.
    #[must_use]
    pub fn is_to_one(&self) -> bool {
        matches!(self.link, Link::One { .. })
    }
}

impl Id {
    /// The id as a member of a stored object: an integer as a number, others as their text.
    #[must_use]
    pub fn to_member(&self) -> Value {
        match self {
            Self::Integer(number) => Value::from(*number),
            other => Value::from(other.to_string()),
        }
    }
}

impl IdKind {
    /// The id that a member of a stored object holds, if it is one of this kind.
    #[must_use]
    pub fn of_member(self, value: &Value) -> Option<Id> {
        match (self, value) {
            (Self::Integer, Value::Number(number)) => self.parse(&number.to_string()).ok(),
            (Self::Integer, _) => None,
            (_, Value::String(text)) => self.parse(text).ok(),
            _ => None,
        }
    }
}
