//! Parts of a schema as validators of their own, compiled when an explanation first needs them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::{PatternOptions, Registry, ValidationError, ValidationOptions, Validator};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::place::Place;
use crate::schema::Places;

/// Under which name a part finds the whole schema.
const WHOLE: &str = "urn:attributes";

/// What cannot stand in the fragment of a reference.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'~')
    .remove(b'$')
    .remove(b'_');

/// Keywords that say something about a value without another schema.
const LOCAL: [&str; 20] = [
    "const",
    "dependentRequired",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
    "type",
    "uniqueItems",
    // With what is declared beside it.
    "additionalProperties",
];

/// Compiles a schema of the draft 2020-12. Formats are checked, and patterns are matched in a time
/// that is linear in the text.
pub(super) fn compile(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    options().build(schema)
}

fn options<'a>() -> ValidationOptions<'a> {
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(PatternOptions::regex())
}

/// A schema and its parts.
pub(super) struct Parts {
    // Its address is a key, too.
    root: Box<Value>,
    stored: Places,
    compiled: Mutex<HashMap<Key, Option<Arc<Validator>>>>,
}

/// The address of a schema inside the root, which nobody changes, and which part of it.
type Key = (usize, &'static str);

impl std::fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.root.fmt(formatter)
    }
}

impl Parts {
    pub(super) fn new(root: Value) -> Self {
        Self {
            stored: Places::new(&root),
            root: Box::new(root),
            compiled: Mutex::default(),
        }
    }

    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    pub(super) fn stored(&self) -> &Places {
        &self.stored
    }

    /// Whether references inside a schema count from that schema.
    pub(super) fn is_apart(&self, place: &Place<'_>, schema: &Value) -> bool {
        schema.get("$id").is_some()
            && !(place.is_root() && std::ptr::eq(schema, &raw const *self.root))
    }

    /// What a reference points to, and its JSON pointer; `None` for anchors.
    pub(super) fn resolve(&self, reference: &str) -> Option<(String, &Value)> {
        let pointer = reference.strip_prefix('#')?;
        let pointer = percent_decode_str(pointer).decode_utf8().ok()?.into_owned();
        let schema = self.root.pointer(&pointer)?;
        Some((pointer, schema))
    }

    /// The keywords of a schema that need no other schema; `None` where it has none.
    pub(super) fn local(&self, schema: &Value) -> Option<Arc<Validator>> {
        self.part(schema, "local", || {
            let keywords = schema.as_object()?;
            let mut local: Map<String, Value> = keywords
                .iter()
                .filter(|(name, _)| LOCAL.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            if local.get("additionalProperties") == Some(&Value::Bool(false)) {
                for declared in ["properties", "patternProperties"] {
                    let names = keywords.get(declared).and_then(Value::as_object);
                    let open = names.into_iter().flat_map(Map::keys);
                    let open: Map<_, _> = open.map(|name| (name.clone(), true.into())).collect();
                    local.insert(declared.to_owned(), Value::Object(open));
                }
            } else {
                local.remove("additionalProperties");
            }
            if keywords.get("items") == Some(&Value::Bool(false)) {
                let first = keywords.get("prefixItems").and_then(Value::as_array);
                local.insert("maxItems".to_owned(), first.map_or(0, Vec::len).into());
            }
            (!local.is_empty()).then(|| compile(&Value::Object(local)).ok())?
        })
    }

    /// Whether a value fits one keyword of a schema, or the whole schema (`""`). What cannot be
    /// compiled alone fits.
    pub(super) fn fits(
        &self,
        place: &Place<'_>,
        schema: &Value,
        keyword: &'static str,
        value: &Value,
    ) -> bool {
        let validator = self.part(schema, keyword, || {
            let at = |step: &str| {
                let pointer = format!("{place}{step}");
                json!({ "$ref": format!("{WHOLE}#{}", utf8_percent_encode(&pointer, ENCODED)) })
            };
            let part = match (keyword, schema.get(keyword)) {
                ("", _) => at(""),
                ("if", _) => at("/if"),
                ("contains", _) => {
                    let mut part = json!({ "contains": at("/contains") });
                    for count in ["minContains", "maxContains"] {
                        if let Some(value) = schema.get(count) {
                            part[count] = value.clone();
                        }
                    }
                    part
                }
                (_, Some(Value::Array(schemas))) => {
                    let all = (0..schemas.len()).map(|index| at(&format!("/{keyword}/{index}")));
                    json!({ keyword: all.collect::<Vec<_>>() })
                }
                _ => json!({ keyword: at(&format!("/{keyword}")) }),
            };
            self.compile_part(&part)
        });
        validator.is_none_or(|validator| validator.is_valid(value))
    }

    /// Whether a name matches a pattern of `patternProperties`, under which `schema` stands.
    pub(super) fn matches(&self, pattern: &str, schema: &Value, name: &str) -> bool {
        let validator = self.part(schema, "pattern", || {
            compile(&json!({ "pattern": pattern })).ok()
        });
        validator.is_some_and(|validator| validator.is_valid(&Value::from(name)))
    }

    fn compile_part(&self, part: &Value) -> Option<Validator> {
        let registry = Registry::new().add(WHOLE, &*self.root).ok()?;
        let registry = registry.prepare().ok()?;
        options().with_registry(&registry).build(part).ok()
    }

    fn part(
        &self,
        schema: &Value,
        which: &'static str,
        compile: impl FnOnce() -> Option<Validator>,
    ) -> Option<Arc<Validator>> {
        let key = (std::ptr::from_ref(schema).addr(), which);
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let part = compiled
            .entry(key)
            .or_insert_with(|| compile().map(Arc::new));
        part.clone()
    }
}
