//! What is wrong with a value, in the words of this program and not in those of the validator.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

/// The formats that are checked, each with what a text of it is:
/// <https://json-schema.org/draft/2020-12/json-schema-validation#name-defined-formats>.
pub(super) const FORMATS: [(&str, &str); 17] = [
    ("date", "a date, such as 2024-06-01"),
    (
        "date-time",
        "a date and time with an offset, such as 2024-06-01T12:30:00Z",
    ),
    ("duration", "a duration, such as P3D or PT1H30M"),
    ("email", "an e-mail address, such as ada@example.com"),
    ("hostname", "a host name, such as www.example.com"),
    ("ipv4", "an IPv4 address, such as 192.0.2.1"),
    ("ipv6", "an IPv6 address, such as 2001:db8::1"),
    ("iri", "an absolute IRI, such as https://example.com/größe"),
    ("iri-reference", "an IRI or the end of one, such as /größe"),
    ("json-pointer", "a JSON pointer, such as /address/city"),
    ("regex", "a regular expression, such as ^[A-Z]+$"),
    (
        "relative-json-pointer",
        "a relative JSON pointer, such as 1/city",
    ),
    ("time", "a time with an offset, such as 12:30:00Z"),
    ("uri", "an absolute URI, such as https://example.com/"),
    ("uri-reference", "a URI or the end of one, such as /about"),
    (
        "uri-template",
        "a URI template, such as https://example.com/{id}",
    ),
    (
        "uuid",
        "a UUID, such as 0198c2a7-1b2c-7def-8123-456789abcdef",
    ),
];

/// Completes the sentence "the value …".
pub(super) fn predicate(kind: &ValidationErrorKind) -> String {
    use ValidationErrorKind as Kind;
    match kind {
        Kind::Type { kind } => format!("is not of the type {}", types(kind)),
        Kind::Format { format } => {
            let known = FORMATS.iter().find(|(name, _)| name == format);
            format!("is not {}", known.map_or(format.as_str(), |(_, form)| form))
        }
        // The library's own text names only the first two.
        Kind::Enum { options } => format!("is not one of {options}"),
        Kind::Constant { expected_value } => format!("is not {expected_value}"),
        Kind::Pattern { pattern } => format!("does not match the pattern {pattern}"),
        Kind::MinLength { limit } => format!("is shorter than {}", count(*limit, "character")),
        Kind::MaxLength { limit } => format!("is longer than {}", count(*limit, "character")),
        Kind::MinItems { limit } => format!("has fewer than {}", count(*limit, "element")),
        Kind::MaxItems { limit } => format!("has more than {}", count(*limit, "element")),
        Kind::MinProperties { limit } => format!("has fewer than {}", count(*limit, "member")),
        Kind::MaxProperties { limit } => format!("has more than {}", count(*limit, "member")),
        Kind::Minimum { limit } => format!("is less than {limit}"),
        Kind::Maximum { limit } => format!("is more than {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("is not more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("is not less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("is no multiple of {multiple_of}"),
        Kind::UniqueItems => "has an element twice".to_owned(),
        Kind::Required { property } => {
            format!("has no '{}'", property.as_str().unwrap_or_default())
        }
        _ => "is not as the schema wants it".to_owned(),
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(name) => name.to_string(),
        TypeKind::Multiple(names) => {
            let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
            names.join(" or ")
        }
    }
}

fn count(limit: u64, unit: &str) -> String {
    format!("{limit} {unit}{}", if limit == 1 { "" } else { "s" })
}

/// A value of a definition file as a message shows it: short ones as they are.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "the list".to_owned(),
        Value::Object(_) => "the object".to_owned(),
        short => short.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::DEFINITION_SCHEMA;
    use super::super::attributes::AttributesSchema;
    use super::*;

    #[test]
    fn the_formats_of_the_published_schema_are_those_that_are_checked_and_explained() {
        let schema: Value = serde_json::from_str(DEFINITION_SCHEMA).unwrap();
        let published = &schema["$defs"]["schema"]["properties"]["format"]["enum"];
        let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
        assert_eq!(published, &json!(names));
        for name in names {
            AttributesSchema::compile(&json!({ "format": name })).unwrap();
        }
    }

    #[test]
    fn the_example_of_a_format_is_one() {
        for (name, form) in FORMATS {
            let schema = json!({"properties": {"a": {"format": name}}});
            let schema = AttributesSchema::compile(&schema).unwrap();
            let example = form.split("such as ").nth(1).unwrap();
            for example in example.split(" or ") {
                let attributes = json!({ "a": example }).as_object().unwrap().clone();
                assert!(schema.validate(attributes).is_ok(), "{name}: {example}");
            }
            let wrong = json!({"a": "\u{7f} %zz{"}).as_object().unwrap().clone();
            let violations = schema.validate(wrong).unwrap_err();
            assert_eq!(violations[0].message, format!("the value is not {form}"));
        }
    }
}
