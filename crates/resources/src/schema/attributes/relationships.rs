//! Relationships beside the attributes: a stored object holds both.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Attributes, Violation};
use crate::schema::Relationship;

/// Names that no attribute can have.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The members of the stored object that hold relationships, and the names of these.
    members: BTreeMap<String, String>,
    names: Vec<String>,
}

impl Names {
    pub(super) fn new(relationships: &[Arc<Relationship>]) -> Self {
        let member = |one: &Arc<Relationship>| {
            let member = one.own_member()?;
            Some((member.to_owned(), one.name.clone()))
        };
        Self {
            members: relationships.iter().filter_map(member).collect(),
            names: relationships.iter().map(|one| one.name.clone()).collect(),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name) || self.names.iter().any(|known| known == name)
    }

    /// Takes the members that hold relationships out of a stored object.
    pub(super) fn take(&self, object: &mut Attributes) -> Attributes {
        let names = self.members.keys();
        names
            .filter_map(|name| object.shift_remove_entry(name))
            .collect()
    }

    /// A stored object without the members that hold relationships.
    pub(super) fn without<'a>(&self, object: &'a Value) -> Cow<'a, Value> {
        match object {
            Value::Object(members)
                if members.keys().any(|name| self.members.contains_key(name)) =>
            {
                let mut members = members.clone();
                self.take(&mut members);
                Cow::Owned(Value::Object(members))
            }
            other => Cow::Borrowed(other),
        }
    }

    /// Why an attribute cannot be called so.
    pub(super) fn misplaced(&self, name: &str) -> Option<Violation> {
        let message = if self.names.iter().any(|known| known == name) {
            format!("'{name}' is no attribute: it belongs among the relationships")
        } else {
            let relationship = self.members.get(name)?;
            format!(
                "no attribute can be called '{name}': the relationship '{relationship}' is stored there"
            )
        };
        Some(Violation {
            pointer: format!("/{}", jsonapi::pointer_token(name)),
            keyword: "propertyNames".into(),
            message,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use crate::schema::{self, AttributesSchema, Declared};

    fn articles() -> AttributesSchema {
        let text = "type: articles\nrelationships:\n  author: {type: articles, member: author_id}\n  \
                    related: {type: articles, kind: many}\n  \
                    written: {type: articles, inverse: author}\n\
                    attributes:\n  type: object\n  additionalProperties: false\n  \
                    properties: {title: {type: string}}\n";
        schema::parse(text).unwrap().attributes
    }

    fn object(value: serde_json::Value) -> super::Attributes {
        match value {
            serde_json::Value::Object(object) => object,
            other => panic!("not an object: {other}"),
        }
    }

    #[test]
    fn the_schema_of_the_attributes_does_not_see_what_holds_relationships() {
        let stored = json!({"author_id": 7, "title": "x", "related": [1]});
        let valid = articles().validate(object(stored.clone())).unwrap();
        assert_eq!(serde_json::Value::Object(valid), stored);
        let refused = articles().validate(object(json!({"author_id": 7, "title": 1})));
        assert_eq!(refused.unwrap_err()[0].pointer, "/title");
        let (before, after) = (
            json!({"author_id": 7}),
            json!({"author_id": [], "title": "x"}),
        );
        let named = BTreeSet::from(["title".to_owned(), "author_id".to_owned()]);
        assert_eq!(articles().validate_change(&named, &before, &after), Ok(()));
    }

    #[test]
    fn relationships_among_attributes_are_refused_and_told_where_they_belong() {
        let given = json!({"author": 1, "author_id": 1, "written": [], "title": "x"});
        let violations = articles().misplaced(&object(given));
        let told: Vec<_> = violations
            .iter()
            .map(|one| (one.pointer.as_str(), one.message.contains("relationship")))
            .collect();
        assert_eq!(
            told,
            [("/author", true), ("/author_id", true), ("/written", true)]
        );
        for name in ["author", "author_id", "written"] {
            let declared = articles().at(&[name.to_owned()]);
            assert!(matches!(declared, Declared::Unknown), "{name}");
        }
    }
}
