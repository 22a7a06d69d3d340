//! The types that are declared together.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Relationship, ResourceType};

/// Resource types by their names. Relationships lead from one to another of them.
#[derive(Debug, Clone, Default)]
pub struct Types(HashMap<String, Arc<ResourceType>>);

impl Types {
    /// These types.
    #[must_use]
    pub fn new(types: &[Arc<ResourceType>]) -> Self {
        let by_name = |one: &Arc<ResourceType>| (one.name.clone(), one.clone());
        Self(types.iter().map(by_name).collect())
    }

    /// The type of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<ResourceType>> {
        self.0.get(name)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ResourceType>> {
        self.0.values()
    }

    /// The type that a relationship leads to.
    ///
    /// # Panics
    /// For a relationship of types that were not declared together with these.
    #[must_use]
    pub fn target(&self, relationship: &Relationship) -> &Arc<ResourceType> {
        &self.0[&relationship.target.name]
    }
}
