//! Values that are stored otherwise than their JSON looks.

use serde_json::Value;

use super::place::Place;
use super::{Attributes, AttributesSchema, Violation};
use crate::schema::{Places, Stored};

impl AttributesSchema {
    /// Where values are stored otherwise than their JSON looks, from the attributes on.
    #[must_use]
    pub fn stored(&self) -> &Places {
        self.parts.stored()
    }

    /// Gives values that are stored otherwise their normal forms. What is no such value stays as
    /// it is, for [`Self::validate`] to refuse; that does this by itself.
    pub fn normalize(&self, attributes: &mut Attributes) {
        self.stored()
            .walk_members(attributes, &mut |stored, value| {
                if let Some(normal) = stored.normal_value(value) {
                    *value = normal;
                }
            });
    }

    /// Values that were stored before it was declared how: valid in another spelling than the
    /// normal one, so that a store compares them as texts.
    #[must_use]
    pub fn unconverted(&self, attributes: &Attributes) -> Vec<Violation> {
        let mut found = Vec::new();
        let wrong = |stored: Stored, value: &Value| {
            let is_other = stored
                .normal_value(value)
                .is_some_and(|normal| normal != *value);
            let name = stored.name();
            is_other.then(|| format!("the value is not stored as '{name}': write it again"))
        };
        for (name, value) in attributes {
            if let Some(places) = self.stored().member(name) {
                check(
                    places,
                    value,
                    &Place::root("").name(name),
                    &wrong,
                    &mut found,
                );
            }
        }
        found
    }
}

/// Texts and integers that are no values of the kind that is stored. Whether anything else may be
/// there, such as null, the other keywords say.
pub(super) fn misshapen(places: &Places, attributes: &Value, found: &mut Vec<Violation>) {
    let wrong = |stored: Stored, value: &Value| {
        let is_meant = value.is_string() || value.is_number();
        let is_wrong = is_meant && stored.normal_value(value).is_none();
        is_wrong.then(|| format!("the value must be {}", stored.wanted()))
    };
    check(places, attributes, &Place::root(""), &wrong, found);
}

/// What is wrong with a value that is to be stored so.
type Wrong<'w> = dyn Fn(Stored, &Value) -> Option<String> + 'w;

fn check(
    places: &Places,
    value: &Value,
    place: &Place<'_>,
    wrong: &Wrong<'_>,
    found: &mut Vec<Violation>,
) {
    if let Some(stored) = places.here() {
        found.extend(wrong(stored, value).map(|message| Violation {
            pointer: place.to_string(),
            keyword: "stored".into(),
            message,
        }));
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if let Some(places) = places.member(name) {
                    check(places, member, &place.name(name), wrong, found);
                }
            }
        }
        Value::Array(elements) => {
            let Some(places) = places.items() else {
                return;
            };
            for (index, element) in elements.iter().enumerate() {
                check(places, element, &place.index(index), wrong, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn schema() -> AttributesSchema {
        let schema = json!({"properties": {
            "at": {"type": ["string", "null"], "stored": "date"},
            "lines": {"items": {"properties": {"price": {"type": "string", "stored": "decimal"}}}},
            "count": {"type": "integer", "stored": "long"}
        }});
        AttributesSchema::compile(&schema).unwrap()
    }

    fn object(value: Value) -> Attributes {
        match value {
            Value::Object(members) => members,
            other => panic!("not an object: {other}"),
        }
    }

    #[test]
    fn valid_attributes_have_their_normal_form() {
        let given = json!({"at": "2026-01-31T09:30:00+01:00", "lines": [{"price": "01.50"}],
                           "count": 5.0});
        let valid = schema().validate(object(given)).unwrap();
        let expected = json!({"at": "2026-01-31T08:30:00.000Z", "lines": [{"price": "1.50"}],
                              "count": 5});
        assert_eq!(Value::Object(valid), expected);
        assert!(schema().validate(object(json!({"at": null}))).is_ok());
    }

    #[test]
    fn what_cannot_be_stored_so_is_refused_with_what_would_be_right() {
        let given = json!({"at": "yesterday", "lines": [{}, {"price": "1,50"}], "count": 1e300});
        let refused = schema().validate(object(given)).unwrap_err();
        let told: Vec<_> = refused
            .iter()
            .map(|one| (one.pointer.as_str(), one.keyword.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("/at", "stored"),
                ("/count", "stored"),
                ("/lines/1/price", "stored")
            ]
        );
        assert!(refused[0].message.contains("2026-01-31T08:30:00.000Z"));
    }

    #[test]
    fn what_was_stored_before_it_was_declared_is_told() {
        let stored = json!({"at": "2026-01-31T09:30:00Z", "lines": [{"price": "1.5"}], "count": 5});
        let stored = object(stored);
        let found = schema().unconverted(&stored);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].pointer, "/at");
        let normal = schema().validate(stored).unwrap();
        assert_eq!(schema().unconverted(&normal), []);
    }

    #[test]
    fn a_value_that_was_there_may_be_written_back() {
        let before = json!({"at": "NaN"});
        let named = BTreeSet::from(["at".to_owned()]);
        let change = |after: Value| schema().validate_change(&named, &before, &after);
        assert_eq!(change(json!({"at": "NaN", "more": 1})), Ok(()));
        assert!(change(json!({"at": "nan"})).is_err());
    }
}
