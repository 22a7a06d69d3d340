//! A write as data: what is to be changed, and under which conditions.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Key, Resource};
use crate::query::Filter;
use crate::schema::{Attributes, Id, ResourceType};

/// Writes that are done together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Unit {
    /// The writes, in their order.
    pub writes: Vec<Write>,
    /// What must hold after them.
    pub absences: Vec<Absence>,
    /// Under which key what they leave is kept, in the unit itself.
    pub key: Option<Key>,
}

impl Unit {
    /// A unit of these writes without a key.
    #[must_use]
    pub fn new(writes: Vec<Write>) -> Self {
        Self {
            writes,
            ..Self::default()
        }
    }

    /// The same, done only if these hold after its writes.
    #[must_use]
    pub fn with_absences(mut self, absences: Vec<Absence>) -> Self {
        self.absences = absences;
        self
    }

    /// The same under a key: done only if no unit with the key was done before.
    #[must_use]
    pub fn with_key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }
}

/// That no resource of a type passes a filter: a unit that deletes a resource demands so that no
/// relationship is left which names it.
#[derive(Debug, Clone)]
pub struct Absence {
    /// The type.
    pub resource_type: Arc<ResourceType>,
    /// The filter, which is local: see [`Filter::is_local`].
    pub filter: Filter,
}

/// One change of one resource.
#[derive(Debug, Clone)]
pub struct Write {
    /// The type of the resource.
    pub resource_type: Arc<ResourceType>,
    /// Which resource.
    pub id: Id,
    /// What must hold inside the unit for the change to be done.
    pub guard: Guard,
    /// What is to be done.
    pub change: Change,
    /// Members that a replacement leaves as they are.
    pub kept: Vec<String>,
    /// Members that are set too if an update, a change of links or a replacement that keeps
    /// something changes anything.
    pub stamps: Attributes,
}

/// The conditions of a write.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Whether the resource must be there already.
    pub presence: Presence,
    /// The versions of which the resource must have one; any will do for `None`.
    pub versions: Option<Vec<Version>>,
    /// What the resource must pass; one that does not pass is treated as absent.
    pub scope: Filter,
    /// Whether the result is held against the schema of the type. Only the change itself counts:
    /// see [`crate::schema::AttributesSchema::validate_change`].
    pub validated: bool,
}

/// Whether a resource must be there before a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Refused with [`super::Refusal::Absent`] if it is not there.
    MustExist,
    /// Refused with [`super::Refusal::IdTaken`] if it is there.
    MustBeNew,
    /// Either is fine.
    Either,
}

/// What a [`Write`] does.
#[derive(Debug, Clone)]
pub enum Change {
    /// Puts these members in the place of all that were there, if any; the position in the order
    /// of creation stays.
    Replace(Attributes),
    /// Sets the named members and leaves the others as they are. A member that exists keeps its
    /// position, a new one stands at the end; null is a value like any other.
    Update(Attributes),
    /// Changes the members of a to-many relationship. An id that is there is not added again, one
    /// that is absent is not removed.
    Link {
        /// The stored name of the relationship.
        relationship: String,
        /// Ids, as they are stored, that join at the end.
        add: Vec<serde_json::Value>,
        /// Ids, as they are stored, that leave.
        remove: Vec<serde_json::Value>,
    },
    /// Removes the resource.
    Delete,
    /// Changes nothing. With [`Presence::MustExist`] it makes the existence of a resource a
    /// condition of the unit.
    Nothing,
}

impl Guard {
    fn new(presence: Presence) -> Self {
        Self {
            presence,
            versions: None,
            scope: Filter::Everything,
            validated: false,
        }
    }
}

impl Write {
    /// Stores a new resource of valid members.
    #[must_use]
    pub fn insert(resource_type: &Arc<ResourceType>, id: Id, members: Attributes) -> Self {
        let guard = Guard::new(Presence::MustBeNew);
        Self::new(resource_type, id, guard, Change::Replace(members))
    }

    /// Changes the named members of a resource that is there; the result is validated.
    #[must_use]
    pub fn update(resource_type: &Arc<ResourceType>, id: Id, members: Attributes) -> Self {
        let mut guard = Guard::new(Presence::MustExist);
        guard.validated = true;
        Self::new(resource_type, id, guard, Change::Update(members))
    }

    /// Puts valid members in the place of all that a resource has.
    #[must_use]
    pub fn replace(resource_type: &Arc<ResourceType>, id: Id, members: Attributes) -> Self {
        let guard = Guard::new(Presence::MustExist);
        Self::new(resource_type, id, guard, Change::Replace(members))
    }

    /// Removes a resource that is there.
    #[must_use]
    pub fn delete(resource_type: &Arc<ResourceType>, id: Id) -> Self {
        let guard = Guard::new(Presence::MustExist);
        Self::new(resource_type, id, guard, Change::Delete)
    }

    /// Refuses the unit unless the resource is there.
    #[must_use]
    pub fn exists(resource_type: &Arc<ResourceType>, id: Id) -> Self {
        let guard = Guard::new(Presence::MustExist);
        Self::new(resource_type, id, guard, Change::Nothing)
    }

    fn new(resource_type: &Arc<ResourceType>, id: Id, guard: Guard, change: Change) -> Self {
        Self {
            resource_type: resource_type.clone(),
            id,
            guard,
            change,
            kept: Vec::new(),
            stamps: Attributes::new(),
        }
    }
}

/// What a [`Write`] left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// The resource as it is now stored.
    Stored(Resource),
    /// The resource is gone.
    Deleted,
    /// Nothing was changed.
    Unchanged,
}

/// Tells two states of a resource apart: the first 128 bits of the SHA-256 hash of its stored
/// text, so that it needs no field of its own and is the same in every process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version([u8; 16]);

impl Version {
    /// The version of a resource whose stored text this is.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let hash = Sha256::digest(text.as_bytes());
        let mut version = [0; 16];
        version.copy_from_slice(&hash[..16]);
        Self(version)
    }
}

impl FromStr for Version {
    type Err = ParseIntError;

    /// Reads what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let number = u128::from_str_radix(text, 16)?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for Version {
    /// 32 hexadecimal digits.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
