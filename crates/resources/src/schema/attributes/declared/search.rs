//! The search for what a schema says of the values at one place.

use std::collections::HashMap;

use serde_json::Value;

use super::super::parts::Parts;
use crate::schema::Kinds;

/// What a schema says of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing can be there.
    Nothing,
    /// It says nothing: anything may be there.
    Anything,
    /// These values are possible.
    Values(Values),
}

/// Values that are possible at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) kinds: Kinds,
    /// The format of the texts among them.
    pub(super) format: Option<String>,
    /// Whether the numbers among them are integers.
    pub(super) is_integer: bool,
}

/// A step from a value into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// To the member of an object.
    Member(String),
    /// To any element of an array.
    Element,
}

impl Values {
    pub(super) const ANY: Self = Self {
        kinds: Kinds::ANY,
        format: None,
        is_integer: false,
    };

    /// Without what is said of kinds that are not among them.
    fn new(kinds: Kinds, format: Option<String>, is_integer: bool) -> Self {
        Self {
            kinds,
            format: format.filter(|_| kinds.has(Kinds::TEXT)),
            is_integer: is_integer && kinds.has(Kinds::NUMBER),
        }
    }
}

impl Found {
    /// What both say.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, _) | (_, Self::Nothing) => Self::Nothing,
            (Self::Anything, said) | (said, Self::Anything) => said,
            (Self::Values(one), Self::Values(other)) => Self::Values(Values::new(
                one.kinds.common(other.kinds),
                one.format.or(other.format),
                one.is_integer || other.is_integer,
            )),
        }
    }

    /// What one of them says.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, said) | (said, Self::Nothing) => said,
            (Self::Anything, Self::Anything) => Self::Anything,
            // One alternative declares it, the other allows anything.
            (Self::Anything, Self::Values(_)) | (Self::Values(_), Self::Anything) => {
                Self::Values(Values::ANY)
            }
            (Self::Values(one), Self::Values(other)) => {
                let format = one.format.as_ref().or(other.format.as_ref());
                let both = [&one, &other];
                let is_shared = both
                    .iter()
                    .all(|known| known.format.as_ref() == format || !known.kinds.has(Kinds::TEXT));
                let is_integer = both
                    .iter()
                    .all(|known| known.is_integer || !known.kinds.has(Kinds::NUMBER));
                let format = format.filter(|_| is_shared).cloned();
                Self::Values(Values::new(one.kinds.and(other.kinds), format, is_integer))
            }
        }
    }
}

/// What the whole schema declares where the steps lead.
pub(super) fn find(parts: &Parts, steps: &[Step]) -> Found {
    let mut search = Search {
        parts,
        known: HashMap::new(),
    };
    search.visit(parts.root(), steps)
}

struct Search<'a> {
    parts: &'a Parts,
    /// By the address of a schema and the number of steps that are left: alternatives that recurse
    /// would otherwise double the work with each step. Anything while it is being found out.
    known: HashMap<(*const Value, usize), Found>,
}

impl<'a> Search<'a> {
    fn visit(&mut self, schema: &'a Value, steps: &[Step]) -> Found {
        let key = (std::ptr::from_ref(schema), steps.len());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        self.known.insert(key, Found::Anything);
        let declared = match schema {
            Value::Bool(false) => Found::Nothing,
            // References inside a schema with an id of its own count from that schema.
            _ if schema.get("$id").is_some() && key.0 != std::ptr::from_ref(self.parts.root()) => {
                Found::Values(Values::ANY)
            }
            _ => {
                let own = match steps.split_first() {
                    None => here(schema),
                    Some((step, rest)) => self.inside(schema, step, rest),
                };
                own.and(self.in_place(schema, steps))
            }
        };
        self.known.insert(key, declared.clone());
        declared
    }

    /// What other schemas for the same value say.
    fn in_place(&mut self, schema: &'a Value, steps: &[Step]) -> Found {
        let mut declared = Found::Anything;
        let reference = schema.get("$ref").and_then(Value::as_str);
        if let Some((_, schema)) = reference.and_then(|text| self.parts.resolve(text)) {
            declared = declared.and(self.visit(schema, steps));
        }
        for schema in list(schema, "allOf") {
            declared = declared.and(self.visit(schema, steps));
        }
        for keyword in ["anyOf", "oneOf"] {
            let alternatives = list(schema, keyword).map(|schema| self.visit(schema, steps));
            if let Some(either) = alternatives.reduce(Found::or) {
                declared = declared.and(either);
            }
        }
        declared
    }

    /// What the schema's own keywords say of what lies a step inside, and further.
    fn inside(&mut self, schema: &'a Value, step: &Step, rest: &[Step]) -> Found {
        let may_be = |kind| allowed(schema).is_none_or(|known| known.kinds.has(kind));
        match step {
            Step::Member(name) if may_be(Kinds::OBJECT) => self.member(schema, name, rest),
            Step::Element if may_be(Kinds::ARRAY) => self.element(schema, rest),
            Step::Member(_) | Step::Element => Found::Nothing,
        }
    }

    fn member(&mut self, schema: &'a Value, name: &str, rest: &[Step]) -> Found {
        let named = |keyword: &str| schema.get(keyword).and_then(Value::as_object);
        let own = named("properties").and_then(|members| members.get(name));
        let patterns = named("patternProperties").into_iter().flatten();
        let patterns = patterns.filter(|(pattern, inner)| self.parts.matches(pattern, inner, name));
        let patterns = patterns.map(|(_, inner)| inner);
        let schemas: Vec<&Value> = own.into_iter().chain(patterns).collect();
        if schemas.is_empty() {
            return match schema.get("additionalProperties") {
                None | Some(Value::Bool(true)) => Found::Anything,
                Some(others) => self.declared(others, rest),
            };
        }
        let declared = schemas.into_iter().map(|inner| self.declared(inner, rest));
        declared.fold(Found::Anything, Found::and)
    }

    fn element(&mut self, schema: &'a Value, rest: &[Step]) -> Found {
        let others = match schema.get("items") {
            Some(schema) => self.declared(schema, rest),
            None => Found::Anything,
        };
        let first = list(schema, "prefixItems").map(|schema| self.declared(schema, rest));
        first.fold(others, Found::or)
    }

    /// The same where the schema stands for a member or element of its own, and so declares it,
    /// whatever it says.
    fn declared(&mut self, schema: &'a Value, rest: &[Step]) -> Found {
        match self.visit(schema, rest) {
            Found::Anything if rest.is_empty() => Found::Values(Values::ANY),
            found => found,
        }
    }
}

fn list<'a>(schema: &'a Value, keyword: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    let schemas = schema.get(keyword).and_then(Value::as_array);
    schemas.into_iter().flatten()
}

/// What the schema's own keywords say of the value itself.
fn here(schema: &Value) -> Found {
    let format = schema.get("format").and_then(Value::as_str);
    match (allowed(schema), format) {
        (None, None) => Found::Anything,
        (known, format) => {
            let Values {
                kinds, is_integer, ..
            } = known.unwrap_or(Values::ANY);
            let format = format.map(str::to_owned);
            Found::Values(Values::new(kinds, format, is_integer))
        }
    }
}

/// The kinds that `type`, `const` and `enum` leave, if there is one of them.
fn allowed(schema: &Value) -> Option<Values> {
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let kinds = types.iter().map(|name| Kinds::named(name));
    let kinds = kinds.reduce(Kinds::and);
    let is_integer = types.contains(&"integer") && !types.contains(&"number");
    let declared = kinds.map(|kinds| Values::new(kinds, None, is_integer));
    let values: Option<Vec<&Value>> = match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Some(vec![value]),
        (None, Some(Value::Array(values))) => Some(values.iter().collect()),
        _ => None,
    };
    let listed = values.map(|values| {
        let kinds = values.iter().map(|value| Kinds::of(value));
        let is_integer = |value: &&Value| value.is_i64() || value.is_u64();
        let mut numbers = values.iter().filter(|value| value.is_number());
        let kinds = kinds.fold(Kinds::NONE, Kinds::and);
        Values::new(kinds, None, numbers.all(is_integer))
    });
    match (declared, listed) {
        (Some(declared), Some(listed)) => Some(Values::new(
            declared.kinds.common(listed.kinds),
            None,
            declared.is_integer || listed.is_integer,
        )),
        (declared, listed) => declared.or(listed),
    }
}
