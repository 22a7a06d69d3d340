//! Members of a stored object, read off its text without a tree of the others.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Visits every member of a stored object in its order: its name, and its value as JSON text.
///
/// # Errors
/// When the text is no JSON object.
pub fn for_each_member<'t>(
    text: &'t str,
    visit: &mut dyn FnMut(&str, &'t str),
) -> serde_json::Result<()> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    reader.deserialize_map(Members(visit))?;
    reader.end()
}

struct Members<'v, 't>(&'v mut dyn FnMut(&str, &'t str));

impl<'t> Visitor<'t> for Members<'_, 't> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name)? {
            let value: &'t RawValue = map.next_value()?;
            (self.0)(&name, value.get());
        }
        Ok(())
    }
}

/// A name, borrowed where nothing in it is escaped.
struct Name;

impl<'t> DeserializeSeed<'t> for Name {
    type Value = Cow<'t, str>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(Self)
    }
}

impl<'t> Visitor<'t> for Name {
    type Value = Cow<'t, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, name: &'t str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Self::Value, E> {
        Err(E::custom("a name is text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_visited_in_their_order_as_they_stand() {
        let mut seen = Vec::new();
        let text = r#"{"a": [1, {"b":"}"}], "c\"d":null,"é":1.50}"#;
        for_each_member(text, &mut |name, value| {
            seen.push((name.to_owned(), value));
        })
        .unwrap();
        let expected = [("a", r#"[1, {"b":"}"}]"#), ("c\"d", "null"), ("é", "1.50")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(seen, expected);
        for text in ["", "[]", "{", "{}x", "1"] {
            assert!(for_each_member(text, &mut |_, _| {}).is_err(), "{text}");
        }
    }
}
