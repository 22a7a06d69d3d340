//! The schemas inside an attributes schema, and their patterns.

use serde_json::{Map, Value, json};

use super::super::attributes::AttributesSchema;
use super::super::located_yaml::LocatedValue;
use super::mistake::{Mistake, mistake};

/// Keywords whose value is one schema.
const SCHEMA: [&str; 11] = [
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords whose value is a list of schemas.
const SCHEMAS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];

/// Keywords whose value is an object of schemas.
const NAMED_SCHEMAS: [&str; 4] = [
    "$defs",
    "dependentSchemas",
    "patternProperties",
    "properties",
];

/// The schemas under a keyword, each with the step to it.
pub(super) fn subschemas<'a>(keyword: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
    let token = jsonapi::pointer_token(keyword);
    if SCHEMA.contains(&keyword) {
        return vec![(format!("/{token}"), value)];
    }
    if SCHEMAS.contains(&keyword) {
        let schemas = value.as_array().into_iter().flatten().enumerate();
        return schemas
            .map(|(index, inner)| (format!("/{token}/{index}"), inner))
            .collect();
    }
    if NAMED_SCHEMAS.contains(&keyword) {
        let schemas = value.as_object().into_iter().flatten();
        let step = |name: &str| format!("/{token}/{}", jsonapi::pointer_token(name));
        return schemas.map(|(name, inner)| (step(name), inner)).collect();
    }
    Vec::new()
}

/// Patterns in the schema at `pointer` that cannot be compiled: the rest of what can be wrong with a
/// keyword is in the published schema.
pub(super) fn mistakes(schema: &Value, pointer: &str, located: &LocatedValue) -> Vec<Mistake> {
    let mut found = Vec::new();
    let mut wrong = |pattern: &str, pointer: &str| {
        let message = wrong_pattern(pattern);
        found.extend(message.map(|text| mistake(located.position(pointer), pointer, text)));
    };
    if let Some(pattern) = schema["pattern"].as_str() {
        wrong(pattern, &format!("{pointer}/pattern"));
    }
    let named = schema["patternProperties"].as_object();
    for pattern in named.into_iter().flat_map(Map::keys) {
        let token = jsonapi::pointer_token(pattern);
        wrong(pattern, &format!("{pointer}/patternProperties/{token}"));
    }
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        for (step, inner) in subschemas(keyword, value) {
            found.extend(mistakes(inner, &format!("{pointer}{step}"), located));
        }
    }
    found
}

fn wrong_pattern(pattern: &str) -> Option<String> {
    let alone = json!({ "pattern": pattern });
    if AttributesSchema::compile(&alone).is_ok() {
        return None;
    }
    // It is right, but only for an engine whose time has no bound.
    let needs_backtracking = jsonschema::draft202012::new(&alone).is_ok();
    let message = if needs_backtracking {
        "uses look-around or back-references, which can take for ever on a long text; say it \
         without them"
    } else {
        "is no regular expression"
    };
    Some(message.to_owned())
}
