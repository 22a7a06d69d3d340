//! What stands beside the primary data of a document.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::schema::{Id, Relationship, ResourceType};
use crate::store::Resource;

/// A resource with its type.
#[derive(Debug, Clone)]
pub struct Typed {
    /// Its type.
    pub resource_type: Arc<ResourceType>,
    /// The resource.
    pub resource: Arc<Resource>,
}

/// The linkage of a relationship as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linkage {
    /// The ids that are shown.
    pub ids: Vec<Id>,
    /// How many there are.
    pub total: u64,
    /// How many are shown at most.
    pub size: u64,
    /// See [`super::Inclusion::path`].
    pub path: String,
}

/// What stands beside the primary data.
#[derive(Debug, Default)]
pub struct Compound {
    /// The included resources, each once and none that is in the primary data.
    pub included: Vec<Typed>,
    pub(super) linkages: HashMap<(Key, String), Linkage>,
    /// Every resource that was read.
    pub(super) known: HashMap<Key, Arc<Resource>>,
    pub(super) in_document: HashSet<Key>,
}

/// The type and the id of a resource.
pub(super) type Key = (String, Id);

pub(super) fn key(resource_type: &ResourceType, id: &Id) -> Key {
    (resource_type.name.clone(), id.clone())
}

impl Compound {
    /// The linkage of a relationship that is included.
    #[must_use]
    pub fn linkage(&self, of: &ResourceType, id: &Id, relationship: &str) -> Option<&Linkage> {
        self.linkages.get(&(key(of, id), relationship.to_owned()))
    }

    pub(super) fn link(&mut self, parent: &Typed, relationship: &Relationship, linkage: Linkage) {
        let parent = key(&parent.resource_type, &parent.resource.id);
        self.linkages
            .insert((parent, relationship.name.clone()), linkage);
    }

    /// Notes a resource that is included, unless it is in the document already.
    pub(super) fn include(&mut self, found: &Typed) {
        let key = key(&found.resource_type, &found.resource.id);
        self.known.insert(key.clone(), found.resource.clone());
        if self.in_document.insert(key) {
            self.included.push(found.clone());
        }
    }
}
