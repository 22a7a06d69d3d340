//! Where a schema says how values are stored.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Stored;

/// What a schema says of a value and of what is in it: the keyword `stored`, in the schema itself
/// and in those that `properties`, `items`, `allOf` and references reach from there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    here: Option<Stored>,
    members: BTreeMap<String, Places>,
    items: Option<Box<Places>>,
}

/// A place of a schema that says `stored` where it means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    /// The JSON pointer of the schema that says it.
    pub pointer: String,
    /// Why it means nothing.
    pub message: &'static str,
}

impl Places {
    /// Those of a schema whose references count from itself.
    #[must_use]
    pub fn new(schema: &Value) -> Self {
        Search::new(schema).places(schema, "")
    }

    /// What says `stored` and is not among the places.
    #[must_use]
    pub fn unreached(schema: &Value) -> Vec<Unreached> {
        let mut search = Search::new(schema);
        let _ = search.places(schema, "");
        let mut unreached = Vec::new();
        said("", schema, &mut |pointer| {
            let message = if search.circles.iter().any(|circle| is_in(&pointer, circle)) {
                "cannot be said in a schema that leads back to itself"
            } else if search.reached.contains(&pointer) {
                return;
            } else {
                "has no effect here: it is said of attributes, of members of objects and of \
                 'items', also through 'allOf' and '$ref'"
            };
            unreached.push(Unreached { pointer, message });
        });
        unreached
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.here.is_none() && self.members.is_empty() && self.items.is_none()
    }

    /// How the value itself is stored.
    #[must_use]
    pub fn here(&self) -> Option<Stored> {
        self.here
    }

    /// What is said of a member of the object that the value is.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        self.members.get(name)
    }

    /// What is said of the elements of the array that the value is.
    #[must_use]
    pub fn items(&self) -> Option<&Self> {
        self.items.as_deref()
    }

    /// How the value is stored to which names of members lead.
    #[must_use]
    pub fn at<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<Stored> {
        let mut names = names.into_iter();
        names.try_fold(self, |at, name| at.member(name))?.here
    }

    /// Gives `meet` each value that stands where something is said.
    pub fn walk<'v>(&self, value: &'v mut Value, meet: &mut dyn FnMut(Stored, &'v mut Value)) {
        if let Some(stored) = self.here {
            return meet(stored, value);
        }
        match value {
            Value::Object(members) => self.walk_members(members, meet),
            Value::Array(elements) => {
                if let Some(places) = &self.items {
                    for element in elements {
                        places.walk(element, meet);
                    }
                }
            }
            _ => {}
        }
    }

    /// [`Self::walk`] for the members of an object.
    pub fn walk_members<'v>(
        &self,
        members: &'v mut Map<String, Value>,
        meet: &mut dyn FnMut(Stored, &'v mut Value),
    ) {
        for (name, value) in members {
            if let Some(places) = self.members.get(name) {
                places.walk(value, meet);
            }
        }
    }

    /// Both together; what this one says counts first.
    fn and(mut self, other: Self) -> Self {
        self.here = self.here.or(other.here);
        for (name, places) in other.members {
            let known = self.members.remove(&name).unwrap_or_default();
            self.members.insert(name, known.and(places));
        }
        self.items = match (self.items, other.items) {
            (Some(one), Some(other)) => Some(Box::new(one.and(*other))),
            (one, other) => one.or(other),
        };
        self
    }
}

struct Search<'a> {
    root: &'a Value,
    /// The references that are being followed.
    open: Vec<String>,
    /// Schemas that lead back to themselves.
    circles: Vec<String>,
    reached: Vec<String>,
}

impl<'a> Search<'a> {
    fn new(root: &'a Value) -> Self {
        Self {
            root,
            open: Vec::new(),
            circles: Vec::new(),
            reached: Vec::new(),
        }
    }

    fn places(&mut self, schema: &'a Value, pointer: &str) -> Places {
        let here = schema["stored"].as_str().and_then(Stored::named);
        if here.is_some() {
            self.reached.push(pointer.to_owned());
        }
        let mut places = Places {
            here,
            ..Places::default()
        };
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            let pointer = format!("{pointer}/properties/{}", jsonapi::pointer_token(name));
            let inner = self.places(inner, &pointer);
            if !inner.is_empty() {
                places.members.insert(name.clone(), inner);
            }
        }
        if let Some(items) = schema.get("items") {
            let items = self.places(items, &format!("{pointer}/items"));
            places.items = (!items.is_empty()).then(|| Box::new(items));
        }
        for (index, inner) in schema["allOf"].as_array().into_iter().flatten().enumerate() {
            let inner = self.places(inner, &format!("{pointer}/allOf/{index}"));
            places = places.and(inner);
        }
        match schema["$ref"].as_str() {
            Some(reference) => places.and(self.referred(reference)),
            None => places,
        }
    }

    fn referred(&mut self, reference: &str) -> Places {
        let pointer = reference.strip_prefix('#').unwrap_or_default();
        let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
        let Some(schema) = self.root.pointer(&pointer) else {
            return Places::default();
        };
        if self.open.iter().any(|open| *open == *pointer) || pointer.is_empty() {
            self.circles.push(pointer.into_owned());
            return Places::default();
        }
        self.open.push(pointer.clone().into_owned());
        let places = self.places(schema, &pointer);
        self.open.pop();
        places
    }
}

fn is_in(pointer: &str, around: &str) -> bool {
    let rest = pointer.strip_prefix(around);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Every schema that says `stored`, wherever it is: also in what is a value and no schema, which
/// nobody writes.
fn said(pointer: &str, schema: &Value, hear: &mut dyn FnMut(String)) {
    const VALUES: [&str; 4] = ["default", "const", "enum", "examples"];
    match schema {
        Value::Object(members) => {
            // A member of this name is a schema, not a word.
            if members.get("stored").is_some_and(Value::is_string) {
                hear(pointer.to_owned());
            }
            let inner = members
                .iter()
                .filter(|(name, _)| !VALUES.contains(&name.as_str()));
            for (name, inner) in inner {
                said(
                    &format!("{pointer}/{}", jsonapi::pointer_token(name)),
                    inner,
                    hear,
                );
            }
        }
        Value::Array(elements) => {
            for (index, inner) in elements.iter().enumerate() {
                said(&format!("{pointer}/{index}"), inner, hear);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_found_through_members_elements_and_references() {
        let schema = json!({
            "properties": {
                "at": {"type": "string", "stored": "date"},
                "lines": {"items": {"$ref": "#/$defs/line"}},
                "stored": {"type": "string"},
                "plain": {"type": "object", "properties": {"a": {}}}
            },
            "allOf": [{"properties": {"owner": {"stored": "objectId"}}}],
            "$defs": {"line": {"properties": {"price": {"stored": "decimal"}}}}
        });
        let places = Places::new(&schema);
        let here = |places: Option<&Places>| places.and_then(Places::here);
        assert_eq!(here(places.member("at")), Some(Stored::Date));
        assert_eq!(here(places.member("owner")), Some(Stored::ObjectId));
        let line = places.member("lines").and_then(Places::items);
        assert_eq!(
            here(line.and_then(|line| line.member("price"))),
            Some(Stored::Decimal)
        );
        assert_eq!(places.members.len(), 3);
        assert_eq!(Places::unreached(&schema), []);
        let mut value = json!({"at": 1, "lines": [{"price": 2}, 3], "plain": {"a": 4}});
        let mut met = Vec::new();
        places.walk(&mut value, &mut |stored, value| {
            met.push((stored, value.clone()));
        });
        assert_eq!(met, [(Stored::Date, json!(1)), (Stored::Decimal, json!(2))]);
    }

    #[test]
    fn what_means_nothing_is_found() {
        let schema = json!({
            "properties": {
                "a": {"anyOf": [{"stored": "date"}, {"type": "null"}]},
                "tree": {"$ref": "#/$defs/node"}
            },
            "additionalProperties": {"stored": "uuid"},
            "$defs": {"node": {"properties": {
                "at": {"stored": "date"}, "next": {"$ref": "#/$defs/node"}}}}
        });
        let unreached = Places::unreached(&schema);
        let pointers: Vec<_> = unreached.iter().map(|one| one.pointer.as_str()).collect();
        let expected = [
            "/$defs/node/properties/at",
            "/additionalProperties",
            "/properties/a/anyOf/0",
        ];
        let mut pointers = pointers;
        pointers.sort_unstable();
        assert_eq!(pointers, expected);
    }
}
