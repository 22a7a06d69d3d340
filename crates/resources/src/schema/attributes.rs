//! The schema of a type's attributes: a compiled JSON Schema and the rules of the stores.

mod declared;
mod explanation;
mod listed;
mod parts;
mod place;
mod relationships;
mod storable;
mod stored;
mod unique;

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value};

use self::listed::Listed;
use self::parts::Parts;
use self::place::Place;
use self::relationships::Names;
use self::storable::{large_integers, unstorable_name};
use self::stored::misshapen;
use self::unique::UniqueValues;
use super::wording::predicate;
use super::{Index, Relationship};

pub use declared::{Declared, Known};

/// Violations that are listed; those after them are only counted.
pub(crate) const VIOLATIONS_LISTED_MAX: usize = 100;

/// The attributes of one resource, in the order in which they were given.
pub type Attributes = Map<String, Value>;

/// A place where attributes are not as the schema wants them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Violation {
    /// JSON pointer within the attributes; `""` is the whole object.
    pub pointer: String,
    /// The keyword of JSON Schema that is violated, such as `type` or `required`; empty for the
    /// last one of too many, which says how many more there are.
    pub keyword: String,
    /// What is wrong, without the offending value: attributes may be personal data.
    pub message: String,
}

impl Violation {
    /// The keyword of a change that would make another kind of a stored value, which nobody has
    /// declared: a store refuses it.
    pub const KIND: &str = "kind";

    /// Whether it is in one of these attributes.
    fn is_in(&self, names: &BTreeSet<String>) -> bool {
        let token = self.pointer.split('/').nth(1);
        token.is_some_and(|token| names.contains(&token.replace("~1", "/").replace("~0", "~")))
    }
}

/// The schema of one type's attributes.
#[derive(Debug)]
pub struct AttributesSchema {
    validator: Validator,
    parts: Arc<Parts>,
    declared: Map<String, Value>,
    unique: UniqueValues,
    relationships: Names,
}

impl AttributesSchema {
    /// Compiles a JSON Schema (2020-12) of the attributes object. Formats are checked.
    ///
    /// # Errors
    /// A keyword used wrongly, an unknown format, a regular expression that cannot be compiled or
    /// be matched in linear time, or a reference to another document. The error's instance path is a path in `schema`.
    pub fn compile(schema: &Value) -> Result<Self, ValidationError<'static>> {
        let validator = parts::compile(schema)?;
        let declared = schema.get("properties").and_then(Value::as_object).cloned();
        Ok(Self {
            validator,
            parts: Arc::new(Parts::new(schema.clone())),
            declared: declared.unwrap_or_default(),
            unique: UniqueValues::default(),
            relationships: Names::default(),
        })
    }

    /// The same of a type with these indexes: what a unique one is over holds no lists, whatever
    /// the schema says.
    #[must_use]
    pub fn with_unique_values(mut self, indexes: &[Index]) -> Self {
        self.unique = UniqueValues::new(indexes);
        self
    }

    /// The same of a type with these relationships. The members of a stored object that hold them
    /// are no attributes.
    #[must_use]
    pub fn with_relationships(mut self, relationships: &[Arc<Relationship>]) -> Self {
        self.relationships = Names::new(relationships);
        self
    }

    /// The schema as it is declared.
    pub(crate) fn source(&self) -> &Value {
        self.parts.root()
    }

    /// The names of the declared attributes, in the order of the definition.
    pub fn declared(&self) -> impl Iterator<Item = &str> {
        self.declared.keys().map(String::as_str)
    }

    /// Gives a new resource the declared attributes that it does not bring and that have a
    /// `default`.
    pub fn fill_defaults(&self, attributes: &mut Attributes) {
        for (name, schema) in &self.declared {
            if let Some(default) = schema.get("default")
                && !attributes.contains_key(name)
            {
                attributes.insert(name.clone(), default.clone());
            }
        }
    }

    /// Whether only declared attributes may be there.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        let schema = self.parts.root();
        schema["additionalProperties"] == false && schema.get("patternProperties").is_none()
    }

    /// Whether a text is a possible value of an attribute; true where nothing is declared.
    #[must_use]
    pub fn admits_text(&self, attribute: &str) -> bool {
        match self
            .declared
            .get(attribute)
            .and_then(|schema| schema.get("type"))
        {
            Some(Value::String(name)) => name == "string",
            Some(Value::Array(names)) => names.iter().any(|name| name == "string"),
            _ => true,
        }
    }

    /// What is declared of an attribute, or of a member of an object within it. There is at least
    /// one name.
    #[must_use]
    pub fn at(&self, names: &[String]) -> Declared {
        if names
            .first()
            .is_some_and(|first| self.relationships.has(first))
        {
            return Declared::Unknown;
        }
        Declared::root(&self.parts).at(names)
    }

    /// What names, among the attributes that a request or a file gives, are those of relationships
    /// or of the members that hold them.
    #[must_use]
    pub fn misplaced(&self, attributes: &Attributes) -> Vec<Violation> {
        let names = attributes.keys();
        names
            .filter_map(|name| self.relationships.misplaced(name))
            .collect()
    }

    /// Passes the members of a stored object through whose attributes are valid, in their normal
    /// forms. Those that hold relationships then stand behind the attributes.
    ///
    /// # Errors
    /// The violations in the order of their pointers, at most 100 of them; a last one more
    /// says how many there are besides.
    pub fn validate(&self, mut members: Attributes) -> Result<Attributes, Vec<Violation>> {
        let linkage = self.relationships.take(&mut members);
        self.normalize(&mut members);
        let value = Value::Object(members);
        let mut listed = Listed::default();
        self.violations(&value, &mut |violation| listed.add(violation));
        match value {
            Value::Object(mut members) if listed.is_empty() => {
                members.extend(linkage);
                Ok(members)
            }
            _ => Err(listed.into_violations()),
        }
    }

    /// Checks a change of some members of a stored object from `before` to `after`.
    ///
    /// # Errors
    /// Violations that the change brings, as [`Self::validate`] lists them. Those that were there
    /// before, in attributes that were not named or in values that stay as they are, are no
    /// obstacle: documents of any origin can be repaired step by step.
    pub fn validate_change(
        &self,
        named: &BTreeSet<String>,
        before: &Value,
        after: &Value,
    ) -> Result<(), Vec<Violation>> {
        let after = &*self.relationships.without(after);
        if self.is_valid(after) {
            return Ok(());
        }
        let before = &*self.relationships.without(before);
        let mut known = HashSet::new();
        self.violations(before, &mut |violation| {
            known.insert(hash(&violation));
            ControlFlow::Continue(())
        });
        let mut listed = Listed::default();
        self.violations(after, &mut |violation| {
            let stays = || before.pointer(&violation.pointer) == after.pointer(&violation.pointer);
            if known.contains(&hash(&violation)) && (!violation.is_in(named) || stays()) {
                return ControlFlow::Continue(());
            }
            listed.add(violation)
        });
        if listed.is_empty() {
            Ok(())
        } else {
            Err(listed.into_violations())
        }
    }

    /// The check without explanations is several times faster.
    fn is_valid(&self, attributes: &Value) -> bool {
        self.rules(attributes).next().is_none() && self.validator.is_valid(attributes)
    }

    fn violations(&self, attributes: &Value, listen: &mut dyn FnMut(Violation) -> ControlFlow<()>) {
        let ended = self.rules(attributes).try_for_each(&mut *listen);
        if ended.is_continue() && !self.validator.is_valid(attributes) {
            explanation::walk(&self.parts, attributes, listen);
        }
    }

    /// What the rules of the stores forbid.
    fn rules(&self, attributes: &Value) -> impl Iterator<Item = Violation> {
        let names = attributes.as_object().into_iter().flat_map(Map::keys);
        let unstorable = names.filter_map(|name| unstorable_name(name));
        let incomparable = self.unique.violations(attributes);
        let mut values = Vec::new();
        large_integers(attributes, &Place::root(""), &mut values);
        misshapen(self.stored(), attributes, &mut values);
        unstorable.chain(incomparable).chain(values)
    }
}

/// Known violations may be many, so that only their hashes are kept.
fn hash(violation: &Violation) -> u64 {
    let mut hasher = DefaultHasher::new();
    violation.hash(&mut hasher);
    hasher.finish()
}

/// Gives `hear` each place of an error, relative to the value, and what is wrong there: JSON
/// Schema reports all unexpected members as one error.
fn explain(
    error: &ValidationError<'_>,
    hear: &mut dyn FnMut(String, String) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let message = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            return unexpected.iter().try_for_each(|name| {
                let pointer = format!("/{}", jsonapi::pointer_token(name));
                hear(pointer, format!("'{name}' is not declared"))
            });
        }
        ValidationErrorKind::Required { property } => {
            format!("'{}' is required", property.as_str().unwrap_or_default())
        }
        kind => format!("the value {}", predicate(kind)),
    };
    hear(String::new(), message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn books() -> AttributesSchema {
        let schema = json!({
            "type": "object",
            "required": ["title"],
            "additionalProperties": false,
            "properties": {
                "title": {"type": "string", "minLength": 1},
                "published": {"type": "string", "format": "date"},
                "pages": {"type": "integer"},
                "series": {"type": "object", "additionalProperties": false,
                           "properties": {"name/part": {"type": "string"}}}
            }
        });
        AttributesSchema::compile(&schema).unwrap()
    }

    fn object(value: Value) -> Attributes {
        let Value::Object(object) = value else {
            panic!("not an object: {value}")
        };
        object
    }

    fn places(violations: &[Violation]) -> Vec<(&str, &str)> {
        violations
            .iter()
            .map(|v| (v.pointer.as_str(), v.keyword.as_str()))
            .collect()
    }

    #[test]
    fn every_violation_is_reported_with_its_place() {
        let attributes = object(json!({
            "published": "tomorrow", "pages": "many", "colour": "red", "series": {"name/part": 1}
        }));
        let violations = books().validate(attributes).unwrap_err();
        assert_eq!(
            places(&violations),
            [
                ("", "required"),
                ("/colour", "additionalProperties"),
                ("/pages", "type"),
                ("/published", "format"),
                ("/series/name~1part", "type"),
            ]
        );
    }

    #[test]
    fn violations_do_not_repeat_the_value() {
        let attributes = object(json!({"title": "x", "pages": "secret"}));
        let violations = books().validate(attributes).unwrap_err();
        assert!(
            !violations[0].message.contains("secret"),
            "{}",
            violations[0].message
        );
    }

    #[test]
    fn names_that_no_store_could_keep_are_refused() {
        let open = AttributesSchema::compile(&json!({"type": "object"})).unwrap();
        for name in ["", "$set", "a.b", "a\0b", "id", "type"] {
            let attributes = object(json!({ name: 1 }));
            assert_eq!(open.validate(attributes).unwrap_err().len(), 1, "{name:?}");
        }
        assert!(open.validate(object(json!({"a$b": 1, "_id": 2}))).is_ok());
    }

    #[test]
    fn integers_that_one_of_the_stores_could_not_keep_are_refused() {
        let open = AttributesSchema::compile(&json!({"type": "object"})).unwrap();
        let large = json!({"a": [1, {"b": 9_223_372_036_854_775_808_u64}]});
        let refused = open.validate(object(large)).unwrap_err();
        assert_eq!(places(&refused), [("/a/1/b", "maximum")]);
        let fine = json!({"a": [i64::MAX, i64::MIN, 1e300]});
        assert!(open.validate(object(fine)).is_ok());
    }

    #[test]
    fn defaults_stand_for_what_is_absent_and_not_for_null() {
        let schema = json!({"properties": {"a": {"default": 1}, "b": {"default": [2]}, "c": {}}});
        let schema = AttributesSchema::compile(&schema).unwrap();
        let mut attributes = object(json!({"a": null}));
        schema.fill_defaults(&mut attributes);
        assert_eq!(Value::Object(attributes), json!({"a": null, "b": [2]}));
    }

    #[test]
    fn a_change_answers_for_what_it_brings_and_not_for_what_was_there() {
        let change = |named: &str, before: Value, after: Value| {
            books().validate_change(&BTreeSet::from([named.to_owned()]), &before, &after)
        };
        let before = json!({"pages": "many"});
        let after = json!({"pages": "many", "published": "2020-01-01"});
        assert_eq!(change("published", before.clone(), after), Ok(()));
        let after = json!({"pages": "few"});
        let violations = change("pages", before, after).unwrap_err();
        assert_eq!(places(&violations), [("/pages", "type")]);
    }

    #[test]
    fn violations_beyond_the_bound_are_counted_and_not_listed() {
        let schema = json!({"properties": {"tags": {"items": {"type": "string"}}}});
        let schema = AttributesSchema::compile(&schema).unwrap();
        let refused = |count: usize| {
            let attributes = object(json!({"tags": vec![1; count]}));
            let mut violations = schema.validate(attributes).unwrap_err();
            (violations.len(), violations.pop().unwrap())
        };
        assert_eq!(refused(100).1.keyword, "type");
        let (listed, last) = refused(350);
        assert_eq!((listed, last.message.as_str()), (101, "and 250 more"));
        assert_eq!(refused(500_000).1.message, "and at least 9900 more");
        let names = (0..90_000).map(|number| (format!("${number}"), json!(0)));
        assert_eq!(schema.validate(names.collect()).unwrap_err().len(), 101);
    }

    #[test]
    fn a_change_is_refused_for_what_it_brings_even_behind_many_old_violations() {
        let schema = json!({"properties": {"old": {"items": {"type": "string"}},
                                           "z": {"type": "string"}}});
        let schema = AttributesSchema::compile(&schema).unwrap();
        let old = vec![1; 20_000];
        let (before, after) = (json!({"old": old}), json!({"old": old, "z": 1}));
        let named = BTreeSet::from(["z".to_owned()]);
        let violations = schema.validate_change(&named, &before, &after).unwrap_err();
        assert_eq!(places(&violations), [("/z", "type")]);
    }

    #[test]
    fn a_text_is_possible_unless_the_declared_type_rules_it_out() {
        let schema = books();
        assert!(schema.admits_text("title") && schema.admits_text("undeclared"));
        assert!(!schema.admits_text("pages"));
    }
}
