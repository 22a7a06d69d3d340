//! The keywords of an attributes schema, one by one: JSON Schema itself ignores what it does not
//! know, and a misspelled `additionalProperties` would leave a schema open.

use serde_json::{Map, Value};

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

/// Keywords that can be wrong in a way that only compiling them shows.
const COMPILED: [&str; 2] = ["format", "pattern"];

/// The other keywords of the draft 2020-12.
const PLAIN: [&str; 36] = [
    "$anchor",
    "$comment",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$schema",
    "$vocabulary",
    "const",
    "contentEncoding",
    "contentMediaType",
    "default",
    "dependentRequired",
    "deprecated",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
    "$ref",
];

/// Keywords that the schema at `pointer` uses wrongly, and unknown ones. Names that start with
/// `x-` are free for other programs.
pub(super) fn mistakes(schema: &Value, pointer: &str, located: &LocatedValue) -> Vec<Mistake> {
    // The other schemas are true and false.
    let Some(keywords) = schema.as_object() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (keyword, value) in keywords {
        let pointer = format!("{pointer}/{}", jsonapi::pointer_token(keyword));
        let inner = |value: &Value, step: &str| {
            let step = jsonapi::pointer_token(step);
            mistakes(value, &format!("{pointer}/{step}"), located)
        };
        match keyword.as_str() {
            name if SCHEMA.contains(&name) => found.extend(mistakes(value, &pointer, located)),
            name if SCHEMAS.contains(&name) => {
                let schemas = value.as_array().into_iter().flatten().enumerate();
                found.extend(schemas.flat_map(|(step, value)| inner(value, &step.to_string())));
            }
            name if NAMED_SCHEMAS.contains(&name) => {
                let schemas = value.as_object().into_iter().flatten();
                found.extend(schemas.flat_map(|(step, value)| inner(value, step)));
            }
            name => {
                let message = wrong(name, value);
                found.extend(
                    message.map(|text| mistake(located.position(&pointer), &pointer, text)),
                );
            }
        }
    }
    found
}

fn wrong(keyword: &str, value: &Value) -> Option<String> {
    if COMPILED.contains(&keyword) {
        let alone = Value::Object(Map::from_iter([(keyword.to_owned(), value.clone())]));
        return AttributesSchema::compile(&alone)
            .err()
            .map(|error| error.to_string());
    }
    let outside = keyword == "$ref" && value.as_str().is_some_and(|to| !to.starts_with('#'));
    if outside {
        return Some(
            "leads out of this file; only references that start with '#' are followed".into(),
        );
    }
    let known = PLAIN.contains(&keyword) || keyword.starts_with("x-");
    (!known).then(|| "is no keyword of JSON Schema; is it misspelled?".to_owned())
}
