//! What a schema declares at a place inside the attributes, for filters and orders that name it.
//!
//! The answer never rules out a value that the schema allows. It may allow too much: conditions
//! (`if`, `not`, `dependentSchemas`) and anchors are not followed.

use std::collections::HashMap;

use serde_json::Value;

use super::parts::Parts;
use crate::schema::Kinds;

/// What is declared at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declared {
    /// Nothing can be there: the schema is closed and does not have it.
    Unknown,
    /// It is not declared, but anything may be there.
    Open,
    /// It is declared.
    Known(Known),
}

/// What values a schema allows at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Their kinds.
    pub kinds: Kinds,
    /// The format of the texts among them, such as `date-time`.
    pub format: Option<String>,
    /// Whether the numbers among them are integers.
    pub is_integer: bool,
}

/// A step from a value into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step<'a> {
    /// To the member of an object.
    Member(&'a str),
    /// To any element of an array.
    Element,
}

impl<'a> Step<'a> {
    /// The steps to a member of an object within an object within the attributes.
    #[must_use]
    pub fn members(names: &'a [String]) -> Vec<Self> {
        names.iter().map(|name| Self::Member(name)).collect()
    }
}

impl Known {
    const ANY: Self = Self {
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

impl Declared {
    /// The kinds of the values that may be there.
    #[must_use]
    pub fn kinds(&self) -> Kinds {
        match self {
            Self::Unknown => Kinds::NONE,
            Self::Open => Kinds::ANY,
            Self::Known(known) => known.kinds,
        }
    }

    /// The format of the texts among them.
    #[must_use]
    pub fn format(&self) -> Option<&str> {
        match self {
            Self::Unknown | Self::Open => None,
            Self::Known(known) => known.format.as_deref(),
        }
    }

    /// Whether the numbers among them are integers.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        matches!(self, Self::Known(known) if known.is_integer)
    }

    /// What both say.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Open, said) | (said, Self::Open) => said,
            (Self::Known(one), Self::Known(other)) => Self::Known(Known::new(
                one.kinds.common(other.kinds),
                one.format.or(other.format),
                one.is_integer || other.is_integer,
            )),
        }
    }

    /// What one of them says.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, said) | (said, Self::Unknown) => said,
            (Self::Open, Self::Open) => Self::Open,
            // One alternative declares it, the other allows anything.
            (Self::Open, Self::Known(_)) | (Self::Known(_), Self::Open) => Self::Known(Known::ANY),
            (Self::Known(one), Self::Known(other)) => {
                let format = one.format.as_ref().or(other.format.as_ref());
                let both = [&one, &other];
                let is_shared = both
                    .iter()
                    .all(|known| known.format.as_ref() == format || !known.kinds.has(Kinds::TEXT));
                let is_integer = both
                    .iter()
                    .all(|known| known.is_integer || !known.kinds.has(Kinds::NUMBER));
                let format = format.filter(|_| is_shared).cloned();
                Self::Known(Known::new(one.kinds.and(other.kinds), format, is_integer))
            }
        }
    }
}

/// What the whole schema declares where the steps lead.
pub(super) fn at(parts: &Parts, steps: &[Step<'_>]) -> Declared {
    let mut search = Search {
        parts,
        known: HashMap::new(),
    };
    search.visit(parts.root(), steps)
}

struct Search<'a> {
    parts: &'a Parts,
    /// By the address of a schema and the number of steps that are left: alternatives that recurse
    /// would otherwise double the work with each step. Open while it is being found out.
    known: HashMap<(*const Value, usize), Declared>,
}

impl<'a> Search<'a> {
    fn visit(&mut self, schema: &'a Value, steps: &[Step<'_>]) -> Declared {
        let key = (std::ptr::from_ref(schema), steps.len());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        self.known.insert(key, Declared::Open);
        let declared = match schema {
            Value::Bool(false) => Declared::Unknown,
            // References inside a schema with an id of its own count from that schema.
            _ if schema.get("$id").is_some() && key.0 != std::ptr::from_ref(self.parts.root()) => {
                Declared::Known(Known::ANY)
            }
            _ => {
                let own = match steps.split_first() {
                    None => here(schema),
                    Some((step, rest)) => self.inside(schema, *step, rest),
                };
                own.and(self.in_place(schema, steps))
            }
        };
        self.known.insert(key, declared.clone());
        declared
    }

    /// What other schemas for the same value say.
    fn in_place(&mut self, schema: &'a Value, steps: &[Step<'_>]) -> Declared {
        let mut declared = Declared::Open;
        let reference = schema.get("$ref").and_then(Value::as_str);
        if let Some((_, schema)) = reference.and_then(|text| self.parts.resolve(text)) {
            declared = declared.and(self.visit(schema, steps));
        }
        for schema in list(schema, "allOf") {
            declared = declared.and(self.visit(schema, steps));
        }
        for keyword in ["anyOf", "oneOf"] {
            let alternatives = list(schema, keyword).map(|schema| self.visit(schema, steps));
            if let Some(either) = alternatives.reduce(Declared::or) {
                declared = declared.and(either);
            }
        }
        declared
    }

    /// What the schema's own keywords say of what lies a step inside, and further.
    fn inside(&mut self, schema: &'a Value, step: Step<'_>, rest: &[Step<'_>]) -> Declared {
        let may_be = |kind| allowed(schema).is_none_or(|known| known.kinds.has(kind));
        match step {
            Step::Member(name) if may_be(Kinds::OBJECT) => self.member(schema, name, rest),
            Step::Element if may_be(Kinds::ARRAY) => self.element(schema, rest),
            Step::Member(_) | Step::Element => Declared::Unknown,
        }
    }

    fn member(&mut self, schema: &'a Value, name: &str, rest: &[Step<'_>]) -> Declared {
        let named = |keyword: &str| schema.get(keyword).and_then(Value::as_object);
        let own = named("properties").and_then(|members| members.get(name));
        let patterns = named("patternProperties").into_iter().flatten();
        let patterns = patterns.filter(|(pattern, inner)| self.parts.matches(pattern, inner, name));
        let schemas: Vec<&Value> = own
            .into_iter()
            .chain(patterns.map(|(_, inner)| inner))
            .collect();
        if schemas.is_empty() {
            return match schema.get("additionalProperties") {
                None | Some(Value::Bool(true)) => Declared::Open,
                Some(others) => self.visit(others, rest),
            };
        }
        let declared = schemas.into_iter().map(|inner| self.visit(inner, rest));
        // The name alone declares the member, but nothing that is further inside.
        let by_name = if rest.is_empty() {
            Declared::Known(Known::ANY)
        } else {
            Declared::Open
        };
        declared.fold(by_name, Declared::and)
    }

    fn element(&mut self, schema: &'a Value, rest: &[Step<'_>]) -> Declared {
        let others = match schema.get("items") {
            Some(schema) => self.visit(schema, rest),
            None => Declared::Open,
        };
        let first = list(schema, "prefixItems").map(|schema| self.visit(schema, rest));
        first.fold(others, Declared::or)
    }
}

fn list<'a>(schema: &'a Value, keyword: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    let schemas = schema.get(keyword).and_then(Value::as_array);
    schemas.into_iter().flatten()
}

/// What the schema's own keywords say of the value itself.
fn here(schema: &Value) -> Declared {
    let format = schema.get("format").and_then(Value::as_str);
    match (allowed(schema), format) {
        (None, None) => Declared::Open,
        (known, format) => {
            let Known {
                kinds, is_integer, ..
            } = known.unwrap_or(Known::ANY);
            let format = format.map(str::to_owned);
            Declared::Known(Known::new(kinds, format, is_integer))
        }
    }
}

/// The kinds that `type`, `const` and `enum` leave, if there is one of them.
fn allowed(schema: &Value) -> Option<Known> {
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let kinds = types.iter().map(|name| Kinds::named(name));
    let kinds = kinds.reduce(Kinds::and);
    let is_integer = types.contains(&"integer") && !types.contains(&"number");
    let declared = kinds.map(|kinds| Known::new(kinds, None, is_integer));
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
        Known::new(kinds, None, numbers.all(is_integer))
    });
    match (declared, listed) {
        (Some(declared), Some(listed)) => Some(Known::new(
            declared.kinds.common(listed.kinds),
            None,
            declared.is_integer || listed.is_integer,
        )),
        (declared, listed) => declared.or(listed),
    }
}

#[cfg(test)]
mod tests;
