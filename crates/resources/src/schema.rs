//! A resource type as declared.

mod attributes;
mod definition;
mod id;
mod kinds;
mod located_yaml;
mod relationship;
mod stored;
mod timestamps;
mod types;
mod wording;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

pub use attributes::{Attributes, AttributesSchema, Declared, Known, Violation};
pub use definition::{DefinitionError, Mistake, contacts, load_folder, parse, parse_all};
pub use id::{Id, IdKind, InvalidId};
pub use kinds::Kinds;
pub use relationship::{Link, OnDelete, Reading, Relationship, Target, Writing};
pub use stored::{Places, Stored, Unreached, date_of_millis, millis_of_date};
pub use timestamps::{Timestamps, TimestampsStored};
pub use types::Types;

/// The JSON Schema of definition files, for editors and for [`parse`].
pub const DEFINITION_SCHEMA: &str = include_str!("../definitions/definition.schema.json");

/// Invented contacts for a first look: 500 objects, one on each line, without ids.
pub const SAMPLE_CONTACTS: &str = include_str!("../definitions/contacts.sample.ndjson");

/// A resource type: everything that the service knows about its resources.
#[derive(Debug)]
pub struct ResourceType {
    /// The JSON:API type and the first segment of the URLs.
    pub name: String,
    /// One resource in messages: `contact`.
    pub singular: String,
    /// The collection of the store.
    pub collection: String,
    /// What an id is.
    pub id: IdKind,
    /// The attribute that repeats the id.
    pub id_attribute: Option<String>,
    /// Page sizes.
    pub page: PageLimits,
    /// The schema of its attributes.
    pub attributes: AttributesSchema,
    /// The indexes over its attributes.
    pub indexes: Vec<Index>,
    /// Its relationships, in the order of the definition.
    pub relationships: Vec<Arc<Relationship>>,
    /// What readers may do with its attributes, where that is not everything.
    pub reading: BTreeMap<String, Reading>,
    /// What writers may do with its attributes, where that is not everything.
    pub writing: BTreeMap<String, Writing>,
    /// Whether lists say how many resources there are.
    pub totals: Totals,
    /// Whether a change must name the version that it is made for.
    pub if_match_required: bool,
    /// Whether atomic operations may be about its resources.
    pub operations: bool,
    /// The attributes that say when a resource was created and changed.
    pub timestamps: Timestamps,
    /// The attributes by which the MongoDB collection is sharded. Empty if it is sharded by `_id`
    /// or not at all.
    pub shard_key: Vec<String>,
}

impl ResourceType {
    /// The member that holds the id where a resource is one plain object: in
    /// `application/json` bodies and in imported and exported files.
    #[must_use]
    pub fn plain_id_member(&self) -> &str {
        self.id_attribute.as_deref().unwrap_or("id")
    }
}

impl ResourceType {
    /// The relationship of this name.
    #[must_use]
    pub fn relationship(&self, name: &str) -> Option<&Arc<Relationship>> {
        self.relationships.iter().find(|known| known.name == name)
    }

    /// What readers may do with an attribute.
    #[must_use]
    pub fn reading(&self, attribute: &str) -> Reading {
        self.reading.get(attribute).copied().unwrap_or_default()
    }

    /// The members of a stored object that clients cannot change.
    #[must_use]
    pub fn unchangeable(&self) -> Vec<String> {
        let attributes = self.writing.iter();
        let attributes = attributes.filter(|(_, writing)| !writing.changeable);
        let attributes = attributes.map(|(name, _)| name.clone());
        let links = self.relationships.iter();
        let links = links.filter(|one| !one.writable || !one.writing.changeable);
        let links = links.filter_map(|one| one.own_member().map(str::to_owned));
        attributes.chain(links).collect()
    }

    /// Tells two definitions apart that admit different resources: the SHA-256 hash of what they
    /// say of attributes, relationships and unique values, in hexadecimal digits. The same
    /// definition has the same one in every process.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let stored = self.relationships.iter();
        let stored = stored.filter(|one| one.own_member().is_some());
        let links = stored.map(|one| {
            let ids = one.target.id.to_string();
            json!([one.own_member(), one.is_to_one(), ids])
        });
        let unique = self.indexes.iter().filter(|index| index.unique);
        let unique = unique.map(|index| json!([index.attribute_names(), index.ignores_case]));
        let admitted = json!([
            self.attributes.source(),
            links.collect::<Vec<_>>(),
            unique.collect::<Vec<_>>()
        ]);
        let hash = Sha256::digest(admitted.to_string().as_bytes());
        hash.iter().fold(String::new(), |mut text, byte| {
            // A text takes everything.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// What writers may do with an attribute.
    #[must_use]
    pub fn writing(&self, attribute: &str) -> Writing {
        self.writing.get(attribute).copied().unwrap_or_default()
    }
}

/// Whether lists say how many resources there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Totals {
    /// Unless the client does not want it.
    #[default]
    Always,
    /// If the client wants it.
    OnRequest,
    /// Not at all.
    Never,
}

/// Page sizes, in resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageLimits {
    /// When the client does not say.
    pub default: u64,
    /// The most that a client may ask for.
    pub maximum: u64,
}

/// An index over attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Attribute names, in order.
    pub keys: Vec<IndexKey>,
    /// Whether two resources may not have the same values; null and absent values never clash.
    pub unique: bool,
    /// Whether texts that differ by the case of their letters are the same values. Only a unique
    /// index says so, and the texts in it are printable ASCII, of which all stores say the same.
    pub ignores_case: bool,
}

impl Index {
    /// The attribute names, joined by commas.
    #[must_use]
    pub fn attribute_names(&self) -> String {
        self.keys
            .iter()
            .map(|key| key.attribute.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// One attribute of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexKey {
    /// The attribute's name, or that of the member that holds a relationship. Dots lead into
    /// objects, since no name has one: `address.city`.
    pub attribute: String,
    /// Whether the greatest value stands first.
    pub descending: bool,
    /// How the value is stored, if otherwise than its JSON looks.
    pub stored: Option<Stored>,
    /// Whether the schema allows texts and null alone.
    pub holds_texts: bool,
}

impl IndexKey {
    /// The names that lead to the value, from the outside in.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.attribute.split('.')
    }
}
