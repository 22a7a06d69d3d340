//! One value of JSON as BSON, in the place of another.

use bson::{RawArrayBuf, RawBson, RawBsonRef, RawDocumentBuf};
use resources::schema::{IdKind, Places, Stored, Violation};
use resources::store::stored_value;
use serde_json::{Map, Value};

use super::c_string;
use super::place::{JsonPath, Step};
use crate::extended::{self, Meaning};
use crate::{json, kinds, links};

/// What is known of the place of a value.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// What stood there: it decides the width of an integer.
    pub(super) kept: Option<RawBsonRef<'a>>,
    /// How values are stored there and within.
    pub(super) places: Option<&'a Places>,
}

impl Known<'_> {
    fn stored(&self) -> Option<Stored> {
        self.places.and_then(Places::here)
    }

    /// Whether what stood there is served as this value. Then it stays as it is, because JSON does
    /// not tell all of it.
    fn is_served_as(&self, value: &Value) -> bool {
        let Some(kept) = self.kept else {
            return false;
        };
        let text = json::text(kept, self.places).unwrap_or_default();
        stored_value::<Value>(&text).is_ok_and(|served| served == *value)
    }

    /// Refuses a value of JSON in the place of one that is none, if nobody has said what it is.
    fn keeps_its_kind(&self, value: &Value, path: &JsonPath<'_>) -> Result<(), Violation> {
        match self.kept.and_then(kinds::kind) {
            Some((name, stored)) if !value.is_null() => {
                Err(path.violation(Violation::KIND, another_kind(name, stored)))
            }
            _ => Ok(()),
        }
    }
}

fn another_kind(name: &str, stored: Option<Stored>) -> String {
    let declare = stored.map_or_else(String::new, |stored| {
        let (name, json_type) = (stored.name(), stored.json_type());
        format!("declare the attribute with 'type: {json_type}' and 'stored: {name}', or ")
    });
    format!(
        "what is stored there is a {name}, and the change would make something else of it; \
         {declare}send the value in the form in which it is served"
    )
}

pub(super) fn raw(
    value: &Value,
    known: Known<'_>,
    path: &JsonPath<'_>,
) -> Result<RawBson, Violation> {
    if let Some(stored) = known.stored() {
        if let Some(raw) = kinds::raw(stored, value) {
            return Ok(raw);
        }
        if let Some(kept) = known.kept.filter(|_| known.is_served_as(value)) {
            return Ok(kept.into());
        }
    } else if !value.is_object() {
        known.keeps_its_kind(value, path)?;
    }
    Ok(match value {
        Value::Null => RawBson::Null,
        Value::Bool(value) => RawBson::Boolean(*value),
        Value::String(text) => RawBson::String(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => raw_integer(integer, known.kept),
            (None, Some(double)) if number.is_f64() => RawBson::Double(double),
            _ => {
                let message = "integers are from -2^63 to 2^63 - 1".to_owned();
                return Err(path.violation("maximum", message));
            }
        },
        Value::Array(items) => raw_array(items, known, path, None)?,
        Value::Object(members) => raw_object(members, value, known, path)?,
    })
}

pub(super) fn raw_array(
    items: &[Value],
    known: Known<'_>,
    path: &JsonPath<'_>,
    links: Option<IdKind>,
) -> Result<RawBson, Violation> {
    let before = known.kept.and_then(RawBsonRef::as_array);
    let before: Vec<_> = before.into_iter().flatten().map_while(Result::ok).collect();
    let places = known.places.and_then(Places::items);
    let mut array = RawArrayBuf::new();
    for (position, item) in items.iter().enumerate() {
        let path = path.with(Step::Position(position));
        if let Some(link) = links.and_then(|kind| links::raw(kind, item)) {
            array.push(link);
            continue;
        }
        let kept = before.get(position).copied();
        let made = raw(item, Known { kept, places }, &path);
        array.push(made.or_else(|violation| moved(item, &before, places).ok_or(violation))?);
    }
    Ok(RawBson::Array(array))
}

/// An element that would have another kind in this place, and stood in another one before.
fn moved(item: &Value, before: &[RawBsonRef<'_>], places: Option<&Places>) -> Option<RawBson> {
    let found = before.iter().find(|kept| {
        let kept = Some(**kept);
        Known { kept, places }.is_served_as(item)
    });
    found.map(|kept| (*kept).into())
}

fn raw_integer(integer: i64, kept: Option<RawBsonRef<'_>>) -> RawBson {
    match i32::try_from(integer) {
        Ok(short) if !matches!(kept, Some(RawBsonRef::Int64(_))) => RawBson::Int32(short),
        _ => RawBson::Int64(integer),
    }
}

fn raw_object(
    members: &Map<String, Value>,
    value: &Value,
    known: Known<'_>,
    path: &JsonPath<'_>,
) -> Result<RawBson, Violation> {
    let members = match extended::meaning(members) {
        Meaning::Value(meant) => {
            if let Some(kept) = known.kept.filter(|_| known.is_served_as(value)) {
                return Ok(kept.into());
            }
            let unstorable = |error: bson::error::Error| {
                path.violation("type", format!("no value of its type: {error}"))
            };
            return RawBson::try_from(meant).map_err(unstorable);
        }
        Meaning::Literal(members) => members,
        Meaning::Plain => members,
    };
    if known.stored().is_none() {
        known.keeps_its_kind(value, path)?;
    }
    let before = known.kept.and_then(RawBsonRef::as_document);
    let mut document = RawDocumentBuf::new();
    for (name, value) in members {
        let path = path.with(Step::Name(name));
        let kept = before.and_then(|before| before.get(name).ok().flatten());
        let places = known.places.and_then(|places| places.member(name));
        let value = raw(value, Known { kept, places }, &path)?;
        document.append(c_string(name, &path)?, value);
    }
    Ok(RawBson::Document(document))
}
