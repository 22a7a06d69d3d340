//! YAML to a JSON value that knows on which line each of its members stands.

use std::collections::HashMap;

use saphyr::{LoadableYamlNode, MarkedYaml, Marker, Scalar, YamlData};
use serde_json::{Map, Value};

/// A position in a file, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl From<&Marker> for Position {
    fn from(marker: &Marker) -> Self {
        Self {
            line: marker.line(),
            column: marker.col() + 1,
        }
    }
}

/// A value and the position of each of its members, by JSON pointer.
#[derive(Debug)]
pub(super) struct LocatedValue {
    pub(super) value: Value,
    positions: HashMap<String, Position>,
}

impl LocatedValue {
    /// Reads a file with one YAML document.
    ///
    /// # Errors
    /// The position and the reason: not YAML, a member twice, or something that JSON cannot say.
    pub(super) fn parse(text: &str) -> Result<Self, (Position, String)> {
        let start = Position { line: 1, column: 1 };
        let documents = MarkedYaml::load_from_str(text)
            .map_err(|error| (Position::from(error.marker()), error.info().to_owned()))?;
        match documents.as_slice() {
            [document] => {
                let mut located = Self {
                    value: Value::Null,
                    positions: HashMap::new(),
                };
                located.value = located.convert(document, "")?;
                Ok(located)
            }
            [] => Err((start, "the file is empty".to_owned())),
            [_, second, ..] => {
                let reason = "one file declares one resource type: this is a second document";
                Err((Position::from(&second.span.start), reason.to_owned()))
            }
        }
    }

    /// Where a member stands; for a member that is not there, where its parent does.
    pub(super) fn position(&self, pointer: &str) -> Position {
        let mut pointer = pointer;
        loop {
            if let Some(position) = self.positions.get(pointer) {
                return *position;
            }
            match pointer.rfind('/') {
                Some(end) => pointer = &pointer[..end],
                None => return Position { line: 1, column: 1 },
            }
        }
    }

    fn convert(
        &mut self,
        node: &MarkedYaml<'_>,
        pointer: &str,
    ) -> Result<Value, (Position, String)> {
        let position = Position::from(&node.span.start);
        // A mapping's member is found at its name, which is known before its value.
        self.positions.entry(pointer.to_owned()).or_insert(position);
        match &node.data {
            YamlData::Value(scalar) => scalar_value(scalar)
                .ok_or_else(|| (position, "a number that JSON cannot express".to_owned())),
            YamlData::Sequence(elements) => elements
                .iter()
                .enumerate()
                .map(|(position, element)| self.convert(element, &format!("{pointer}/{position}")))
                .collect::<Result<_, _>>()
                .map(Value::Array),
            YamlData::Mapping(members) => {
                let mut object = Map::new();
                for (key, member) in members {
                    let name = key.data.as_str().ok_or_else(|| {
                        let reason = "the name of a member must be a text; put it in quotes";
                        (Position::from(&key.span.start), reason.to_owned())
                    })?;
                    let pointer = format!("{pointer}/{}", jsonapi::pointer_token(name));
                    self.positions
                        .insert(pointer.clone(), Position::from(&key.span.start));
                    object.insert(name.to_owned(), self.convert(member, &pointer)?);
                }
                Ok(Value::Object(object))
            }
            _ => Err((
                position,
                "tags and bad values have no meaning here".to_owned(),
            )),
        }
    }
}

fn scalar_value(scalar: &Scalar<'_>) -> Option<Value> {
    Some(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(value) => Value::Bool(*value),
        Scalar::Integer(value) => Value::Number((*value).into()),
        Scalar::FloatingPoint(value) => Value::Number(serde_json::Number::from_f64(value.0)?),
        Scalar::String(text) => Value::String(text.clone().into_owned()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_found_at_their_names() {
        let located = LocatedValue::parse("a: 1\nb:\n  c: [x,\n    y]\n").unwrap();
        assert_eq!(located.value, json!({"a": 1, "b": {"c": ["x", "y"]}}));
        for (pointer, line, column) in [
            ("/a", 1, 1),
            ("/b", 2, 1),
            ("/b/c", 3, 3),
            ("/b/c/1", 4, 5),
            ("/b/c/9/z", 3, 3),
        ] {
            assert_eq!(
                located.position(pointer),
                Position { line, column },
                "{pointer}"
            );
        }
    }

    #[test]
    fn what_is_not_one_json_like_document_is_refused_with_its_line() {
        for (text, line) in [
            ("a: 1\na: 2\n", 2),
            ("a: [1\n", 2),
            ("", 1),
            ("a: 1\n---\nb: 2\n", 3),
            ("a: 1\n2: b\n", 2),
            ("a: .nan\n", 1),
            ("a: 1\n\tb: 2\n", 1),
        ] {
            let (position, reason) = LocatedValue::parse(text).unwrap_err();
            assert_eq!(position.line, line, "{text:?}: {reason}");
        }
    }
}
