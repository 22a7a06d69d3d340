//! Why attributes are not valid, at a cost that is bounded whatever the schema.
//!
//! A library that lists all errors of a schema lists those of each alternative too; where two
//! alternatives recurse, they double with each level. This walk goes through schema and value
//! itself: no part of a value is held twice against the same schema, alternatives are asked only
//! whether they fit, and a listener can end the walk.

mod inside;

use std::collections::HashSet;
use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::Violation;
use super::parts::Parts;
use super::place::Place;
use crate::work;

/// Goes through all violations of `value`, which has some; `listen` may end the walk. Returns how
/// many pairs of a schema and a value were looked at.
pub(super) fn walk<'a>(parts: &'a Parts, value: &Value, listen: &'a mut Listener<'_>) -> usize {
    let mut walk = Walk {
        parts,
        listen,
        seen: HashSet::new(),
        found: 0,
        visits: 0,
    };
    let (schema, root) = (parts.root(), Place::root(""));
    let ended = walk.visit(schema, &root, value, &root);
    if ended.is_continue() && walk.found == 0 {
        // Keywords that this walk does not know, such as `$dynamicRef`.
        let _ = walk.report(&root, "schema", "the value is not as the schema wants it");
    }
    walk.visits
}

/// Hears of each violation; one that is reached in two ways may come twice.
pub(super) type Listener<'a> = dyn FnMut(Violation) -> ControlFlow<()> + 'a;

struct Walk<'a, 'l> {
    parts: &'a Parts,
    listen: &'a mut Listener<'l>,
    /// Schema and value of the visits so far, by their addresses, which stay as they are.
    seen: HashSet<(*const Value, *const Value)>,
    found: usize,
    visits: usize,
}

/// Keywords under which other schemas stand for the same value, and that this walk follows.
const IN_PLACE: [&str; 4] = ["$ref", "allOf", "dependentSchemas", "if"];

/// A schema and where it stands.
struct At<'a, 'p> {
    schema: &'a Value,
    place: &'p Place<'p>,
}

impl<'a> At<'a, '_> {
    fn keyword(&self, keyword: &str) -> Option<&'a Value> {
        self.schema.get(keyword)
    }
}

type Flow = ControlFlow<()>;

impl<'a> Walk<'a, '_> {
    /// Holds the value at `path` against the schema at `place`.
    fn visit(
        &mut self,
        schema: &'a Value,
        place: &Place<'_>,
        value: &Value,
        path: &Place<'_>,
    ) -> Flow {
        let at = &At { schema, place };
        self.visits += 1;
        if work::is_abandoned() {
            return Flow::Break(());
        }
        let keywords = match at.schema {
            Value::Bool(false) => return self.report(path, "false", "nothing is allowed here"),
            Value::Object(keywords) => keywords,
            _ => return Flow::Continue(()),
        };
        // Simple values need no memory unless schemas meet in one of them.
        let may_meet = IN_PLACE
            .iter()
            .any(|keyword| keywords.contains_key(*keyword));
        let is_remembered = may_meet || value.is_object() || value.is_array();
        if is_remembered && !self.seen.insert((at.schema, value)) {
            return Flow::Continue(());
        }
        let found = self.found;
        if self.parts.is_apart(at.place, at.schema) {
            return self.whole(at, value, path, "$id");
        }
        self.local(at, value, path)?;
        self.in_place(at, keywords, value, path)?;
        match value {
            Value::Object(members) => self.members(at, keywords, members, path)?,
            Value::Array(elements) => self.elements(at, elements, path)?,
            _ => {}
        }
        self.asked(at, value, path)?;
        for keyword in ["unevaluatedProperties", "unevaluatedItems"] {
            if keywords.contains_key(keyword) && self.found == found {
                self.whole(at, value, path, keyword)?;
            }
        }
        Flow::Continue(())
    }

    /// What the keywords say that need no other schema.
    fn local(&mut self, at: &At<'a, '_>, value: &Value, path: &Place<'_>) -> Flow {
        let Some(validator) = self.parts.local(at.schema) else {
            return Flow::Continue(());
        };
        if validator.is_valid(value) {
            return Flow::Continue(());
        }
        for error in validator.iter_errors(value) {
            super::explain(&error, &mut |suffix, message| {
                let pointer = format!("{path}{suffix}");
                self.hear(pointer, error.kind().keyword(), message)
            })?;
        }
        Flow::Continue(())
    }

    /// Other schemas for the same value.
    fn in_place(
        &mut self,
        at: &At<'a, '_>,
        keywords: &'a Map<String, Value>,
        value: &Value,
        path: &Place<'_>,
    ) -> Flow {
        if let Some(Value::String(reference)) = keywords.get("$ref")
            && let Some((pointer, schema)) = self.parts.resolve(reference)
        {
            let place = Place::root(&pointer);
            self.visit(schema, &place, value, path)?;
        }
        if let Some(Value::Array(schemas)) = keywords.get("allOf") {
            let all = at.place.name("allOf");
            for (index, schema) in schemas.iter().enumerate() {
                let place = all.index(index);
                self.visit(schema, &place, value, path)?;
            }
        }
        if keywords.contains_key("if") {
            let fits = self.parts.fits(at.place, at.schema, "if", value);
            let then = if fits { "then" } else { "else" };
            if let Some(schema) = keywords.get(then) {
                let place = at.place.name(then);
                self.visit(schema, &place, value, path)?;
            }
        }
        if let Some(Value::Object(schemas)) = keywords.get("dependentSchemas") {
            let dependent = at.place.name("dependentSchemas");
            for (name, schema) in schemas.iter().filter(|(name, _)| value.get(name).is_some()) {
                let place = dependent.name(name);
                self.visit(schema, &place, value, path)?;
            }
        }
        Flow::Continue(())
    }

    /// Keywords that are only asked whether the value fits them: what is wrong with each of
    /// several alternatives helps nobody.
    fn asked(&mut self, at: &At<'a, '_>, value: &Value, path: &Place<'_>) -> Flow {
        for (keyword, message) in [
            (
                "anyOf",
                "the value is not valid under any of the schemas of 'anyOf'",
            ),
            (
                "oneOf",
                "the value is not valid under exactly one of the schemas of 'oneOf'",
            ),
            ("not", "the value is valid under the schema of 'not'"),
            (
                "contains",
                "the list has too few or too many elements that 'contains' describes",
            ),
            (
                "propertyNames",
                "a name of a member is not as 'propertyNames' wants it",
            ),
        ] {
            let is_there = at.keyword(keyword).is_some();
            if is_there && !self.parts.fits(at.place, at.schema, keyword, value) {
                self.report(path, keyword, message)?;
            }
        }
        Flow::Continue(())
    }

    /// A schema that is only asked as a whole.
    fn whole(&mut self, at: &At<'a, '_>, value: &Value, path: &Place<'_>, keyword: &str) -> Flow {
        if self.parts.fits(at.place, at.schema, "", value) {
            return Flow::Continue(());
        }
        let message = match keyword {
            "unevaluatedProperties" => "a member is not declared",
            "unevaluatedItems" => "the list has an element that is not declared",
            _ => "the value is not as the schema wants it",
        };
        self.report(path, keyword, message)
    }

    fn report(&mut self, path: &Place<'_>, keyword: &str, message: &str) -> Flow {
        self.hear(path.to_string(), keyword, message.to_owned())
    }

    fn hear(&mut self, pointer: String, keyword: &str, message: String) -> Flow {
        self.found += 1;
        (self.listen)(Violation {
            pointer,
            keyword: keyword.to_owned(),
            message,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::parts::compile;
    use super::*;

    /// The places and keywords of all violations, and what the walk has cost.
    fn explained(schema: Value, value: &Value) -> (Vec<(String, String)>, usize) {
        let parts = Parts::new(schema);
        let mut found = Vec::new();
        let visits = walk(&parts, value, &mut |violation| {
            found.push((violation.pointer, violation.keyword));
            Flow::Continue(())
        });
        (found, visits)
    }

    fn nodes(value: &Value) -> usize {
        match value {
            Value::Array(elements) => 1 + elements.iter().map(nodes).sum::<usize>(),
            Value::Object(members) => 1 + members.values().map(nodes).sum::<usize>(),
            _ => 1,
        }
    }

    fn deep(depth: usize, leaf: Value) -> Value {
        (0..depth).fold(
            leaf,
            |inner, _| json!({"op": "and", "left": inner, "right": "a"}),
        )
    }

    /// An expression of which two kinds hold others.
    fn expressions() -> Value {
        let kind = |op: &str| {
            json!({"type": "object", "required": ["op", "left", "right"], "properties": {
                "op": {"const": op}, "left": {"$ref": "#/$defs/e"}, "right": {"$ref": "#/$defs/e"}}})
        };
        json!({"properties": {"when": {"$ref": "#/$defs/e"}},
               "$defs": {"e": {"oneOf": [kind("and"), kind("or"), {"type": "string"}]}}})
    }

    #[test]
    fn one_wrong_leaf_under_alternatives_that_recurse_is_one_violation() {
        let value = json!({"when": deep(60, json!(1))});
        assert!(!compile(&expressions()).unwrap().is_valid(&value));
        let (found, visits) = explained(expressions(), &value);
        assert_eq!(found, [("/when".to_owned(), "oneOf".to_owned())]);
        assert!(visits < 10, "{visits}");
    }

    #[tokio::test]
    async fn a_walk_that_nobody_waits_for_ends() {
        let schema = json!({"properties": {"tags": {"items": {"type": "string"}}}});
        let value = json!({"tags": vec![1; 1000]});
        let (left, has_left) = std::sync::mpsc::channel::<()>();
        let (sender, walked) = tokio::sync::oneshot::channel();
        let work = work::run(true, move || {
            let _ = has_left.recv();
            sender.send(explained(schema, &value)).unwrap();
        });
        let soon = std::time::Duration::from_millis(50);
        assert!(tokio::time::timeout(soon, work).await.is_err());
        drop(left);
        assert_eq!(walked.await.unwrap(), (Vec::new(), 1));
    }

    #[test]
    fn schemas_that_meet_at_each_level_cost_no_more_than_one() {
        let twice = json!({"$ref": "#/$defs/e"});
        let schema = json!({"$ref": "#/$defs/e", "$defs": {"e": {
            "allOf": [{"properties": {"left": twice}}, {"properties": {"left": twice}}],
            "patternProperties": {"^l": twice}, "type": ["object", "string"]}}});
        let (found, visits) = explained(schema, &deep(60, json!(1)));
        assert_eq!(found.len(), 1);
        assert!(visits < 60 * 20, "{visits}");
    }

    #[test]
    fn each_way_into_a_value_is_followed() {
        let wrong = json!({"type": "string"});
        for (schema, value, pointer) in [
            (
                json!({"properties": {"a/b": wrong}}),
                json!({"a/b": 1}),
                "/a~1b",
            ),
            (
                json!({"patternProperties": {"^a": wrong}}),
                json!({"ab": 1, "b": 1}),
                "/ab",
            ),
            (
                json!({"properties": {"b": {}}, "additionalProperties": wrong}),
                json!({"a": 1, "b": 1}),
                "/a",
            ),
            (json!({"items": wrong}), json!(["a", 1]), "/1"),
            (
                json!({"prefixItems": [{}], "items": wrong}),
                json!([1, "a", 1]),
                "/2",
            ),
            (json!({"prefixItems": [{}, wrong]}), json!([1, 1, 1]), "/1"),
            (
                json!({"allOf": [{"properties": {"a": wrong}}]}),
                json!({"a": 1}),
                "/a",
            ),
            (
                json!({"if": {"required": ["a"]}, "then": {"properties": {"a": wrong}}}),
                json!({"a": 1}),
                "/a",
            ),
            (
                json!({"if": {"required": ["b"]}, "else": {"properties": {"a": wrong}}}),
                json!({"a": 1}),
                "/a",
            ),
            (
                json!({"dependentSchemas": {"a": {"properties": {"a": wrong}}}}),
                json!({"a": 1}),
                "/a",
            ),
            (
                json!({"properties": {"a": {"$ref": "#/$defs/a%20b"}}, "$defs": {"a b": wrong}}),
                json!({"a": 1}),
                "/a",
            ),
            (json!({"properties": {"a": false}}), json!({"a": 1}), "/a"),
        ] {
            let (found, _) = explained(schema.clone(), &value);
            let places: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
            assert_eq!(places, [pointer], "{schema}");
        }
    }

    #[test]
    fn what_is_only_asked_is_named_by_its_keyword() {
        for (schema, value) in [
            (
                json!({"anyOf": [{"type": "string"}, {"$ref": "#/$defs/b"}],
                    "$defs": {"b": {"type": "null"}}}),
                json!(1),
            ),
            (
                json!({"oneOf": [{"type": "integer"}, {"minimum": 1}]}),
                json!(1),
            ),
            (json!({"not": {"type": "integer"}}), json!(1)),
            (
                json!({"contains": {"type": "integer"}, "maxContains": 1}),
                json!([1, 1]),
            ),
            (json!({"propertyNames": {"maxLength": 1}}), json!({"ab": 1})),
            (
                json!({"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": false}),
                json!({"a": 1, "b": 1}),
            ),
            (
                json!({"prefixItems": [{}], "unevaluatedItems": false}),
                json!([1, 2]),
            ),
        ] {
            assert!(!compile(&schema).unwrap().is_valid(&value));
            let (found, _) = explained(schema.clone(), &value);
            assert_eq!(found.len(), 1, "{schema}: {found:?}");
            assert!(schema.get(&found[0].1).is_some(), "{schema}: {found:?}");
        }
    }

    /// Schemas with references, alternatives and repetitions over members `a` and `b`.
    fn any_schema() -> impl Strategy<Value = Value> {
        let reference =
            prop_oneof![Just("#/$defs/x"), Just("#/$defs/y")].prop_map(|to| json!({"$ref": to}));
        let leaf = prop_oneof![
            Just(json!({"type": "string"})),
            Just(json!({"type": "object", "required": ["a"]})),
            Just(json!({"type": ["object", "integer"], "maxProperties": 1})),
            Just(json!(true)),
        ];
        // A reference stands below a step into the value, so that none leads back to itself.
        let below = reference
            .clone()
            .prop_map(|to| json!({"properties": {"a": to, "b": to}}));
        let pattern = reference.prop_map(|to| json!({"patternProperties": {"a|b": to}}));
        let start = prop_oneof![leaf, below, pattern];
        start.prop_recursive(3, 24, 3, |inner| {
            let several = prop::collection::vec(inner.clone(), 1..4);
            prop_oneof![
                several.clone().prop_map(|all| json!({"allOf": all})),
                several.clone().prop_map(|all| json!({"anyOf": all})),
                several.prop_map(|all| json!({"oneOf": all})),
                inner.clone().prop_map(|one| json!({"not": one})),
                (inner.clone(), inner.clone(), inner.clone())
                    .prop_map(|(i, t, e)| json!({"if": i, "then": t, "else": e})),
                (inner.clone(), inner).prop_map(|(a, other)| json!({"properties": {"a": a},
                                                  "additionalProperties": other})),
            ]
        })
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(json!("a")), Just(json!(1)), Just(json!({}))];
        leaf.prop_recursive(24, 60, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|a| json!({"a": a})),
                (inner.clone(), inner).prop_map(|(a, b)| json!({"a": a, "b": b})),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// What is refused is explained, and each pair of a schema and a value is looked at once.
        #[test]
        fn the_cost_of_an_explanation_is_bounded_whatever_the_schema(
            root in any_schema(), x in any_schema(), y in any_schema(), value in any_value(),
        ) {
            let schema = json!({"allOf": [root], "$defs": {"x": x, "y": y}});
            let (size, valid) = (nodes(&schema), compile(&schema).unwrap().is_valid(&value));
            if !valid {
                let (found, visits) = explained(schema, &value);
                prop_assert!(!found.is_empty());
                // Each of the pairs can be met from each schema once.
                prop_assert!(visits <= size * size * nodes(&value), "{visits}");
            }
        }
    }
}
