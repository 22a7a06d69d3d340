//! JSON text to a value, strictly: one value, each member once, not deeper than the bound.

use std::fmt;

use ::http::StatusCode;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::{Error, Errors};

/// The deepest nesting of arrays and objects that is read; a scalar has depth 0.
pub const DEPTH_MAX: usize = 64;

/// Marks what the visitor refuses, so that it can be told from what the parser refuses.
const DUPLICATE: &str = "duplicate member ";
const TOO_DEEP: &str = "nested deeper than ";

/// A text that is not the JSON that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidJson {
    /// The line of the mistake, from 1.
    pub line: usize,
    /// Its column in bytes, from 1.
    pub column: usize,
    /// What is wrong.
    pub reason: String,
    code: &'static str,
    title: &'static str,
}

impl From<InvalidJson> for Errors {
    fn from(invalid: InvalidJson) -> Self {
        Error::from(invalid).into()
    }
}

impl From<InvalidJson> for Error {
    /// 400 with the position: `meta.line` and `meta.column`.
    fn from(invalid: InvalidJson) -> Self {
        let InvalidJson {
            line,
            column,
            reason,
            code,
            title,
        } = invalid;
        Self::new(StatusCode::BAD_REQUEST, code, title)
            .detail(format!("Line {line}, column {column}: {reason}."))
            .pointer("")
            .meta("line", line)
            .meta("column", column)
    }
}

/// Reads one JSON value.
///
/// RFC 8259 leaves open what a duplicate member means; here it is refused, since one of the two
/// values would be lost. Nesting is bounded by [`DEPTH_MAX`].
///
/// # Errors
/// The first mistake, with its position.
pub fn parse(text: &[u8]) -> Result<Value, InvalidJson> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Strict { depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| refusal(&error, text))
}

/// Escapes a member name for use in a JSON pointer (RFC 6901).
#[must_use]
pub fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn refusal(error: &serde_json::Error, text: &[u8]) -> InvalidJson {
    let message = error.to_string();
    // serde_json appends the position to its messages; it is given separately below.
    let reason = message.split(" at line ").next().unwrap_or_default();
    let (code, title) = if reason.starts_with(DUPLICATE) {
        ("duplicate_member", "Duplicate member in JSON")
    } else if reason.starts_with(TOO_DEEP) || reason.starts_with("recursion limit") {
        ("json_too_deep", "JSON is nested too deeply")
    } else {
        ("malformed_json", "Malformed JSON")
    };
    let is_blank = text.iter().all(u8::is_ascii_whitespace);
    InvalidJson {
        line: error.line().max(1),
        column: error.column().max(1),
        reason: if is_blank {
            "the body is empty"
        } else {
            reason
        }
        .to_owned(),
        code,
        title,
    }
}

/// Builds a value at a given depth.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH_MAX {
            return Err(E::custom(format_args!("{TOO_DEEP}{DEPTH_MAX} levels")));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(inside)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{DUPLICATE}{name:?}")));
            }
            let value = members.next_value_seed(inside)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn malformed_text_is_refused_with_its_position() {
        let error = parse(b"{\n  \"a\": tru }").unwrap_err();
        assert_eq!((error.line, error.column), (2, 11));
        let error = Error::from(error);
        assert_eq!(
            (error.code.as_ref(), error.status),
            ("malformed_json", StatusCode::BAD_REQUEST)
        );
        assert_eq!(
            (&error.meta["line"], &error.meta["column"]),
            (&2.into(), &11.into())
        );
        assert!(error.detail.unwrap().starts_with("Line 2, column 11: "));
    }

    #[test]
    fn a_duplicate_member_is_refused_by_name_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"[{"b":{"a":1,"a":2}}]"#,
            r#"{"a":1,"\u0061":2}"#,
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.code, "duplicate_member", "{text}");
            assert!(error.reason.contains("\"a\""));
        }
    }

    #[test]
    fn the_depth_bound_is_exact() {
        assert!(parse(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(
            parse(nested(DEPTH_MAX + 1).as_bytes()).unwrap_err().code,
            "json_too_deep"
        );
        assert_eq!(
            parse(nested(100_000).as_bytes()).unwrap_err().code,
            "json_too_deep"
        );
    }

    #[test]
    fn trailing_text_invalid_utf8_and_an_empty_body_are_refused() {
        for text in [
            &b"{} {}"[..],
            b"{\"a\":\"\xff\"}",
            b"",
            b"  ",
            b"\"\\ud800\"",
            b"1e999",
        ] {
            assert_eq!(parse(text).unwrap_err().code, "malformed_json", "{text:?}");
        }
        assert_eq!(parse(b" ").unwrap_err().reason, "the body is empty");
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_value_or_a_refusal(text in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_accepted_is_what_serde_json_reads(text in "[\\[\\]{}:,\"a-c0-9.eE+\\- ]{0,40}") {
            if let Ok(value) = parse(text.as_bytes()) {
                prop_assert_eq!(value, serde_json::from_str::<Value>(&text).unwrap());
            }
        }
    }
}
