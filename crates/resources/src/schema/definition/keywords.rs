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

/// Keywords that the schema at `pointer` uses wrongly, and unknown ones. Names that start with
/// `x-` are free for other programs.
pub(super) fn mistakes(schema: &Value, pointer: &str, located: &LocatedValue) -> Vec<Mistake> {
    // The other schemas are true and false.
    let Some(keywords) = schema.as_object() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (keyword, value) in keywords {
        for (step, inner) in subschemas(keyword, value) {
            let pointer = format!("{pointer}{step}");
            if keyword == "patternProperties" {
                let pattern = step.trim_start_matches("/patternProperties/");
                let pattern = pattern.replace("~1", "/").replace("~0", "~");
                let message = wrong("pattern", &pattern.into());
                found.extend(
                    message.map(|text| mistake(located.position(&pointer), &pointer, text)),
                );
            }
            found.extend(mistakes(inner, &pointer, located));
        }
        let holds_schemas = [&SCHEMA[..], &SCHEMAS, &NAMED_SCHEMAS].concat();
        if !holds_schemas.contains(&keyword.as_str()) {
            let pointer = format!("{pointer}/{}", jsonapi::pointer_token(keyword));
            let message = wrong(keyword, value);
            found.extend(message.map(|text| mistake(located.position(&pointer), &pointer, text)));
        }
    }
    found
}

fn wrong(keyword: &str, value: &Value) -> Option<String> {
    if COMPILED.contains(&keyword) {
        let alone = Value::Object(Map::from_iter([(keyword.to_owned(), value.clone())]));
        if keyword == "pattern" && needs_backtracking(&alone) {
            return Some(
                "uses look-around or back-references, which can take for ever on a long text; \
                 say it without them"
                    .to_owned(),
            );
        }
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

/// Whether a pattern is right, but only for an engine whose time has no bound.
fn needs_backtracking(schema: &Value) -> bool {
    AttributesSchema::compile(schema).is_err() && jsonschema::draft202012::new(schema).is_ok()
}
