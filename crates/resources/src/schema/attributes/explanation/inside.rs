//! From a value to its members and elements, and the schemas for these.

use serde_json::{Map, Value};

use super::super::place::Place;
use super::{At, Flow, Walk};

impl<'a> Walk<'a, '_> {
    pub(super) fn members(
        &mut self,
        at: &At<'a, '_>,
        keywords: &'a Map<String, Value>,
        members: &Map<String, Value>,
        path: &Place<'_>,
    ) -> Flow {
        let declared = keywords.get("properties").and_then(Value::as_object);
        let patterns = keywords.get("patternProperties").and_then(Value::as_object);
        let additional = keywords
            .get("additionalProperties")
            .filter(|schema| schema.is_object());
        if declared.is_none() && patterns.is_none() && additional.is_none() {
            return Flow::Continue(());
        }
        for (name, value) in members {
            let path = path.name(name);
            let mut is_additional = true;
            if let Some(schema) = declared.and_then(|declared| declared.get(name)) {
                is_additional = false;
                let properties = at.place.name("properties");
                let place = properties.name(name);
                self.visit(schema, &place, value, &path)?;
            }
            for (pattern, schema) in patterns.into_iter().flatten() {
                if self.parts.matches(pattern, schema, name) {
                    is_additional = false;
                    let properties = at.place.name("patternProperties");
                    let place = properties.name(pattern);
                    self.visit(schema, &place, value, &path)?;
                }
            }
            if let (true, Some(schema)) = (is_additional, additional) {
                let place = at.place.name("additionalProperties");
                self.visit(schema, &place, value, &path)?;
            }
        }
        Flow::Continue(())
    }

    pub(super) fn elements(
        &mut self,
        at: &At<'a, '_>,
        elements: &[Value],
        path: &Place<'_>,
    ) -> Flow {
        let first = at.keyword("prefixItems").and_then(Value::as_array);
        let others = at.keyword("items").filter(|schema| schema.is_object());
        let (prefix, items) = (at.place.name("prefixItems"), at.place.name("items"));
        for (index, value) in elements.iter().enumerate() {
            let path = path.index(index);
            match (first.and_then(|first| first.get(index)), others) {
                (Some(schema), _) => {
                    let place = prefix.index(index);
                    self.visit(schema, &place, value, &path)?;
                }
                (None, Some(schema)) => {
                    self.visit(schema, &items, value, &path)?;
                }
                (None, None) => break,
            }
        }
        Flow::Continue(())
    }
}
