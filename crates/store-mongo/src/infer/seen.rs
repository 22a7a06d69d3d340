//! Kinds of values by their places.

use std::collections::BTreeMap;
use std::fmt;

use bson::spec::BinarySubtype;
use mongodb::bson::{RawBsonRef, RawDocument};
use resources::schema::Stored;

/// Different names at one place that are told apart. An object with more of them is a map: its
/// names are values.
pub(super) const NAMES_MAX: usize = 100;

/// How deep objects and arrays are looked into.
const DEPTH_MAX: usize = 16;

/// The kind of a value of BSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Null, or the deprecated type undefined.
    Null,
    /// True or false.
    Boolean,
    /// An integer of 32 bits.
    Integer,
    /// A floating-point number.
    Double,
    /// A text.
    Text,
    /// A document.
    Object,
    /// An array.
    Array,
    /// What a definition declares with `stored`.
    Stored(Stored),
    /// What JSON cannot tell and no definition declares: a timestamp, a regular expression, bytes
    /// of a subtype.
    Other,
}

impl Kind {
    fn of(value: RawBsonRef<'_>) -> Self {
        match value {
            RawBsonRef::Null | RawBsonRef::Undefined => Self::Null,
            RawBsonRef::Boolean(_) => Self::Boolean,
            RawBsonRef::Int32(_) => Self::Integer,
            RawBsonRef::Int64(_) => Self::Stored(Stored::Long),
            RawBsonRef::Double(_) => Self::Double,
            RawBsonRef::String(_) => Self::Text,
            RawBsonRef::Document(_) => Self::Object,
            RawBsonRef::Array(_) => Self::Array,
            RawBsonRef::DateTime(_) => Self::Stored(Stored::Date),
            RawBsonRef::Decimal128(_) => Self::Stored(Stored::Decimal),
            RawBsonRef::ObjectId(_) => Self::Stored(Stored::ObjectId),
            RawBsonRef::Binary(binary) if binary.subtype == BinarySubtype::Uuid => {
                Self::Stored(Stored::Uuid)
            }
            RawBsonRef::Binary(binary) if binary.subtype == BinarySubtype::Generic => {
                Self::Stored(Stored::Binary)
            }
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "int",
            Self::Double => "double",
            Self::Text => "text",
            Self::Object => "object",
            Self::Array => "array",
            Self::Stored(stored) => stored.name(),
            Self::Other => "other",
        })
    }
}

/// What was seen at a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many values there were of each kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// The members of the objects among them, in the order in which they were first seen.
    pub members: Vec<(String, Seen)>,
    /// The elements of the arrays among them.
    pub elements: Option<Box<Seen>>,
    /// Whether there were more names of members than are told apart.
    pub is_map: bool,
}

impl Seen {
    /// Adds a value that stands so deep in a document.
    fn add(&mut self, value: RawBsonRef<'_>, depth: usize) {
        *self.kinds.entry(Kind::of(value)).or_default() += 1;
        if depth >= DEPTH_MAX {
            return;
        }
        match value {
            RawBsonRef::Document(document) => self.add_members(document, depth),
            RawBsonRef::Array(array) => {
                let elements = self.elements.get_or_insert_default();
                for element in array.into_iter().flatten() {
                    elements.add(element, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// Adds a whole document.
    pub(super) fn add_document(&mut self, document: &RawDocument) {
        *self.kinds.entry(Kind::Object).or_default() += 1;
        self.add_members(document, 0);
    }

    fn add_members(&mut self, document: &RawDocument, depth: usize) {
        for (name, value) in document.iter().flatten() {
            let name = name.as_str();
            let known = self.members.iter().position(|(known, _)| known == name);
            let place = match known {
                Some(place) => place,
                None if self.members.len() < NAMES_MAX => {
                    self.members.push((name.to_owned(), Self::default()));
                    self.members.len() - 1
                }
                None => {
                    self.is_map = true;
                    continue;
                }
            };
            self.members[place].1.add(value, depth + 1);
        }
    }

    /// How many values there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.kinds.values().sum()
    }

    /// The member of this name.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        let found = self.members.iter().find(|(known, _)| known == name);
        found.map(|(_, seen)| seen)
    }
}
