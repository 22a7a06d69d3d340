//! The world file: what the server under test has.

mod yaml;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Problem;

/// What the server has, as its world file says it; docs/conformance.md describes the members.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct World {
    /// The type that most checks use.
    pub(crate) main: String,
    /// Every type that the runner may meet or use, by its name.
    pub(crate) types: BTreeMap<String, ResourceType>,
    /// Whether resources may be created, changed and deleted.
    #[serde(default)]
    pub(crate) writes: bool,
    /// Whether the server supports `include`.
    #[serde(default = "yes")]
    pub(crate) include: bool,
    /// Whether the server supports sparse fieldsets.
    #[serde(default = "yes")]
    pub(crate) fields: bool,
    /// The path of atomic operations, from the base.
    pub(crate) operations: Option<String>,
    /// The URIs of the profiles that the server says it supports.
    #[serde(default)]
    pub(crate) profiles: Vec<String>,
    /// The name of an equality filter, with `NAME` for the attribute.
    #[serde(default = "filter_name")]
    pub(crate) filter: String,
}

/// One type.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ResourceType {
    /// The path of the collection from the base; `/NAME` without it.
    path: Option<String>,
    /// Attributes that are strings and can be changed.
    #[serde(default)]
    pub(crate) strings: Vec<String>,
    /// Attributes that are integers and can be changed.
    #[serde(default)]
    pub(crate) integers: Vec<String>,
    /// Attributes that are points in time.
    #[serde(default)]
    pub(crate) times: Vec<String>,
    /// Attributes that a list can be sorted by.
    #[serde(default)]
    pub(crate) sort: Vec<String>,
    /// String attributes that a list can be filtered by.
    #[serde(default)]
    pub(crate) filters: Vec<String>,
    /// Relationships; the first of each kind is the one that checks change.
    #[serde(default)]
    pub(crate) relationships: Vec<Relationship>,
    /// An id of the right form that no resource has; without it, one is made of an existing id.
    pub(crate) absent_id: Option<String>,
    /// An id that a client may give a new resource; absent where clients may give none.
    pub(crate) client_id: Option<String>,
    /// Whether it takes attributes of any name, so that no name is an unknown one.
    #[serde(default)]
    pub(crate) open: bool,
    /// The attributes of a new resource. `{n}` in a text is a number that is new each time.
    pub(crate) create: Option<Map<String, Value>>,
    /// The to-one relationships that a new resource must have.
    #[serde(default)]
    pub(crate) requires: Vec<String>,
    /// Attributes and relationships that clients may not set.
    #[serde(default)]
    pub(crate) read_only: Vec<String>,
}

/// One relationship of a type.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Relationship {
    pub(crate) name: String,
    /// The type of the resources that it leads to.
    pub(crate) target: String,
    /// Whether it leads to many.
    #[serde(default)]
    pub(crate) many: bool,
}

fn yes() -> bool {
    true
}

fn filter_name() -> String {
    "filter[NAME]".to_owned()
}

impl World {
    /// Reads a world file, in YAML or JSON.
    ///
    /// # Errors
    /// What is wrong with the text and where.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let value = yaml::value(text).map_err(Problem::World)?;
        let world: Self =
            serde_json::from_value(value).map_err(|error| Problem::World(error.to_string()))?;
        world.check().map_err(Problem::World)?;
        Ok(world)
    }

    fn check(&self) -> Result<(), String> {
        if !self.types.contains_key(&self.main) {
            return Err(format!("main: '{}' is none of the types", self.main));
        }
        for (name, kind) in &self.types {
            for relationship in &kind.relationships {
                if !self.types.contains_key(&relationship.target) {
                    let Relationship {
                        name: of, target, ..
                    } = relationship;
                    return Err(format!(
                        "types.{name}: {of}: '{target}' is none of the types"
                    ));
                }
            }
            let known = |required: &String| kind.relationship(required).is_some_and(|it| !it.many);
            if let Some(name) = kind.requires.iter().find(|name| !known(name)) {
                return Err(format!("requires: '{name}' is no to-one relationship"));
            }
            if kind
                .path
                .as_ref()
                .is_some_and(|path| !path.starts_with('/'))
            {
                return Err(format!("types.{name}.path: a path begins with '/'"));
            }
        }
        Ok(())
    }

    /// The type that most checks use.
    pub(crate) fn main_type(&self) -> &ResourceType {
        &self.types[&self.main]
    }

    /// An attribute that a fieldset of a type can name; none where the server has no fieldsets.
    pub(crate) fn fieldset(&self, name: &str) -> Option<&String> {
        let kind = self.types.get(name).filter(|_| self.fields)?;
        kind.strings.first().or(kind.integers.first())
    }

    /// The path of a type's collection, from the base.
    pub(crate) fn path(&self, name: &str) -> String {
        let path = self.types.get(name).and_then(|kind| kind.path.clone());
        path.unwrap_or_else(|| format!("/{name}"))
    }
}

impl ResourceType {
    pub(crate) fn relationship(&self, name: &str) -> Option<&Relationship> {
        self.relationships.iter().find(|it| it.name == name)
    }

    /// The first relationship of a kind that clients may change.
    pub(crate) fn writable(&self, many: bool) -> Option<&Relationship> {
        let mut found = self.relationships.iter().filter(|it| it.many == many);
        found.find(|it| !self.read_only.contains(&it.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "main: notes\ntypes:\n  notes: {strings: [text]}\n";

    #[test]
    fn a_small_world_has_the_defaults() {
        let world = World::read(SMALL).unwrap();
        assert_eq!(world.path("notes"), "/notes");
        assert_eq!(world.main_type().strings, ["text"]);
        assert!(!world.writes && world.include && world.fields);
        assert_eq!(world.filter, "filter[NAME]");
    }

    #[test]
    fn a_mistake_in_a_world_file_is_named() {
        for (text, named) in [
            ("main: x\ntypes: {notes: {}}", "'x'"),
            ("types: {notes: {}}", "main"),
            ("main: notes\ntypes: {notes: {color: red}}", "color"),
            ("main: notes\ntypes: {notes: {path: n}}", "path"),
            (
                "main: notes\ntypes: {notes: {relationships: [{name: a, target: b}]}}",
                "'b'",
            ),
            ("main: [", "line 2"),
            ("", "empty"),
        ] {
            let error = World::read(text).unwrap_err().to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
