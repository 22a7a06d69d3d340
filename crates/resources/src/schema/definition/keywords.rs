//! The schemas inside an attributes schema, and their patterns.

use serde_json::{Map, Value, json};

use super::super::attributes::AttributesSchema;
use super::super::located_yaml::LocatedValue;
use super::mistake::{Mistake, meant, mistake};

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

/// What is wrong with the keywords of the schema at `pointer` and those inside it, beyond what the
/// published schema can say.
pub(super) fn mistakes(schema: &Value, pointer: &str, located: &LocatedValue) -> Vec<Mistake> {
    let mut found = Vec::new();
    let mut wrong = |pointer: &str, message: String| {
        found.push(mistake(located.position(pointer), pointer, message));
    };
    if let Some(message) = schema["pattern"].as_str().and_then(wrong_pattern) {
        wrong(&format!("{pointer}/pattern"), message);
    }
    let named = schema["patternProperties"].as_object();
    for pattern in named.into_iter().flat_map(Map::keys) {
        if let Some(message) = wrong_pattern(pattern) {
            let token = jsonapi::pointer_token(pattern);
            wrong(&format!("{pointer}/patternProperties/{token}"), message);
        }
    }
    for (position, name) in undeclared(schema) {
        let declared = schema["properties"].as_object();
        let hint = meant(
            name,
            declared.into_iter().flat_map(Map::keys).map(String::as_str),
        );
        let message =
            format!("'{name}' is required and not declared, so that nothing is valid{hint}");
        wrong(&format!("{pointer}/required/{position}"), message);
    }
    // `/attributes/properties/NAME` is an attribute.
    let is_attribute = pointer.matches('/').count() == 3 && pointer.contains("/properties/");
    if schema.get("default").is_some() && !is_attribute {
        let message = "has no effect here: only an attribute itself can have a default".to_owned();
        wrong(&format!("{pointer}/default"), message);
    }
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        for (step, inner) in subschemas(keyword, value) {
            found.extend(mistakes(inner, &format!("{pointer}{step}"), located));
        }
    }
    found
}

/// Required names that a closed schema refuses, with their positions.
fn undeclared(schema: &Value) -> impl Iterator<Item = (usize, &str)> {
    let is_closed =
        schema["additionalProperties"] == false && schema.get("patternProperties").is_none();
    let required = schema["required"].as_array().filter(|_| is_closed);
    let names = required.into_iter().flatten().enumerate();
    names.filter_map(|(position, name)| {
        let name = name.as_str()?;
        schema["properties"]
            .get(name)
            .is_none()
            .then_some((position, name))
    })
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
