//! The schema of a type's attributes: a compiled JSON Schema and the rules of the stores.

use std::collections::BTreeSet;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value};

/// The attributes of one resource, in the order in which they were given.
pub type Attributes = Map<String, Value>;

/// A place where attributes are not as the schema wants them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// JSON pointer within the attributes; `""` is the whole object.
    pub pointer: String,
    /// The keyword of JSON Schema that is violated, such as `type` or `required`.
    pub keyword: String,
    /// What is wrong, without the offending value: attributes may be personal data.
    pub message: String,
}

impl Violation {
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
    declared: Map<String, Value>,
    /// Attributes of unique indexes: stores compare lists in different ways.
    single: BTreeSet<String>,
}

impl AttributesSchema {
    /// Compiles a JSON Schema (2020-12) of the attributes object. Formats are checked.
    ///
    /// # Errors
    /// A keyword used wrongly, an unknown format, a regular expression that cannot be compiled
    /// or a reference to another document. The error's instance path is a path in `schema`.
    pub fn compile(schema: &Value) -> Result<Self, ValidationError<'static>> {
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .build(schema)?;
        let declared = schema.get("properties").and_then(Value::as_object).cloned();
        Ok(Self {
            validator,
            declared: declared.unwrap_or_default(),
            single: BTreeSet::new(),
        })
    }

    /// The same, with attributes that hold no lists, whatever the schema says.
    #[must_use]
    pub fn with_single_values(mut self, attributes: BTreeSet<String>) -> Self {
        self.single = attributes;
        self
    }

    /// The names of the declared attributes, in the order of the definition.
    pub fn declared(&self) -> impl Iterator<Item = &str> {
        self.declared.keys().map(String::as_str)
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

    /// Passes valid attributes through.
    ///
    /// # Errors
    /// Every violation, in the order of their pointers.
    pub fn validate(&self, attributes: Attributes) -> Result<Attributes, Vec<Violation>> {
        let value = Value::Object(attributes);
        let violations = self.violations(&value);
        match value {
            Value::Object(attributes) if violations.is_empty() => Ok(attributes),
            _ => Err(violations.into_iter().collect()),
        }
    }

    /// Checks a change of some attributes from `before` to `after`.
    ///
    /// # Errors
    /// Violations that the change brings. Those that were there before, in attributes that were
    /// not named, are no obstacle: documents of any origin can be repaired step by step.
    pub fn validate_change(
        &self,
        named: &BTreeSet<String>,
        before: &Value,
        after: &Value,
    ) -> Result<(), Vec<Violation>> {
        let mut violations = self.violations(after);
        if !violations.is_empty() {
            let known = self.violations(before);
            violations.retain(|violation| !known.contains(violation) || violation.is_in(named));
        }
        if violations.is_empty() {
            Ok(())
        } else {
            Err(violations.into_iter().collect())
        }
    }

    fn violations(&self, attributes: &Value) -> BTreeSet<Violation> {
        let names = attributes.as_object().into_iter().flat_map(Map::keys);
        let unstorable = names.filter_map(|name| unstorable_name(name));
        let lists = self.single.iter().filter_map(|name| list(name, attributes));
        // Violations are collected only if there are some: the check alone is several times
        // faster.
        let invalid = !self.validator.is_valid(attributes);
        let explained = invalid.then(|| self.validator.iter_errors(attributes));
        explained
            .into_iter()
            .flatten()
            .flat_map(|error| explain(&error))
            .chain(unstorable)
            .chain(lists)
            .collect()
    }
}

/// A unique index is over single values: MongoDB would compare the elements of a list, `SQLite` the
/// whole.
fn list(name: &str, attributes: &Value) -> Option<Violation> {
    attributes.get(name)?.is_array().then(|| Violation {
        pointer: format!("/{}", jsonapi::pointer_token(name)),
        keyword: "unique".into(),
        message: "an attribute of a unique index holds one value, not a list".into(),
    })
}

/// MongoDB keeps `$` at the start of a name and dots for its own operators; NUL ends a name.
fn unstorable_name(name: &str) -> Option<Violation> {
    let bad = name.is_empty() || name.starts_with('$') || name.contains(['.', '\0']);
    let reserved = matches!(name, "id" | "type");
    let message = if reserved {
        format!("no attribute can be called '{name}': JSON:API reserves the name")
    } else {
        "a name of an attribute is not empty, does not start with '$' and contains no '.'".into()
    };
    (bad || reserved).then(|| Violation {
        pointer: format!("/{}", jsonapi::pointer_token(name)),
        keyword: "propertyNames".into(),
        message,
    })
}

/// One violation for each place: JSON Schema reports all unexpected members as one error.
fn explain(error: &ValidationError<'_>) -> Vec<Violation> {
    let path = error.instance_path().as_str();
    let violation = |pointer: String, message: String| Violation {
        pointer,
        keyword: error.kind().keyword().to_owned(),
        message,
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| {
                let pointer = format!("{path}/{}", jsonapi::pointer_token(name));
                violation(pointer, format!("'{name}' is not declared"))
            })
            .collect(),
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![violation(path.to_owned(), format!("'{name}' is required"))]
        }
        // The library's own text names only the first two.
        ValidationErrorKind::Enum { options } => {
            vec![violation(
                path.to_owned(),
                format!("the value is not one of {options}"),
            )]
        }
        _ => vec![violation(
            path.to_owned(),
            error.masked_with("the value").to_string(),
        )],
    }
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
    fn an_attribute_of_a_unique_index_holds_no_list() {
        let open = AttributesSchema::compile(&json!({"type": "object"})).unwrap();
        let open = open.with_single_values(BTreeSet::from(["mail".to_owned()]));
        let refused = open.validate(object(json!({"mail": ["a"], "tags": ["b"]})));
        assert_eq!(places(&refused.unwrap_err()), [("/mail", "unique")]);
        for value in [json!("a"), json!(null), json!({"of": ["a"]})] {
            assert!(open.validate(object(json!({ "mail": value }))).is_ok());
        }
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
    fn a_text_is_possible_unless_the_declared_type_rules_it_out() {
        let schema = books();
        assert!(schema.admits_text("title") && schema.admits_text("undeclared"));
        assert!(!schema.admits_text("pages"));
    }
}
