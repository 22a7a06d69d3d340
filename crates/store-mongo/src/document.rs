//! Attributes as the document that is stored.

use bson::raw::CStr;
use bson::{RawArrayBuf, RawBson, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::extended::{self, Meaning};
use super::{failure, ids, json};
use resources::schema::{Attributes, Id, ResourceType, Violation};
use resources::store::{Refusal, stored_value};

/// The largest document that MongoDB stores.
const BYTES_MAX: usize = 16 << 20;

/// A new document.
pub(super) fn new(
    of: &ResourceType,
    id: &Id,
    attributes: &Attributes,
) -> Result<RawDocumentBuf, Refusal> {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), ids::to_raw(id));
    if ids::have_position(of) {
        let position = ids::binary(&Uuid::now_v7());
        document.append(cstr!("_position"), position);
    }
    append_attributes(&mut document, of, attributes, None)?;
    within_the_limit(document)
}

/// The document that takes the place of another; the store's own fields stay.
pub(super) fn replacement(
    of: &ResourceType,
    before: &RawDocument,
    attributes: &Attributes,
) -> Result<RawDocumentBuf, Refusal> {
    let mut document = RawDocumentBuf::new();
    for (name, value) in before.iter().flatten() {
        if ids::is_reserved(of, name.as_str()) {
            document.append(name, value);
        }
    }
    append_attributes(&mut document, of, attributes, Some(before))?;
    within_the_limit(replaceable(document)?)
}

/// A document with some attributes changed: those that are there keep their places.
pub(super) fn changed(
    of: &ResourceType,
    before: &RawDocument,
    changes: &Attributes,
) -> Result<RawDocumentBuf, Refusal> {
    let mut document = RawDocumentBuf::new();
    let mut added = changes.clone();
    for (name, value) in before.iter().flatten() {
        let reserved = ids::is_reserved(of, name.as_str());
        match changes.get(name.as_str()).filter(|_| !reserved) {
            Some(change) => {
                let place = Place::of(name.as_str());
                let change = raw(change, Some(value), &place).map_err(invalid)?;
                document.append(name, change);
                added.shift_remove(name.as_str());
            }
            None => document.append(name, value),
        }
    }
    append_attributes(&mut document, of, &added, None)?;
    within_the_limit(replaceable(document)?)
}

/// MongoDB stores documents with attributes like `$set`, but takes none in another's place.
fn replaceable(document: RawDocumentBuf) -> Result<RawDocumentBuf, Refusal> {
    let mut names = document.iter().flatten().map(|(name, _)| name.as_str());
    match names.find(|name| name.starts_with('$')) {
        Some(name) => {
            let message = "MongoDB changes no resource that has an attribute whose name begins \
                           with '$'; delete it and store it anew";
            let violation = Place::of(name).violation("propertyNames", message.to_owned());
            Err(invalid(violation))
        }
        None => Ok(document),
    }
}

/// The driver fails a whole batch for one document that is too large.
fn within_the_limit(document: RawDocumentBuf) -> Result<RawDocumentBuf, Refusal> {
    if document.as_bytes().len() > BYTES_MAX {
        return Err(failure::document_too_large());
    }
    Ok(document)
}

/// Whether a value has integers, whose stored width is to be kept where it was chosen before.
pub(super) fn has_integers(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(items) => items.iter().any(has_integers),
        Value::Object(members) => members.values().any(has_integers),
        _ => false,
    }
}

fn append_attributes(
    document: &mut RawDocumentBuf,
    of: &ResourceType,
    attributes: &Attributes,
    before: Option<&RawDocument>,
) -> Result<(), Refusal> {
    for (name, value) in attributes {
        let place = Place::of(name);
        if ids::is_reserved(of, name) {
            let message = format!("'{name}' is kept by the store for itself");
            return Err(invalid(place.violation("propertyNames", message)));
        }
        let key = c_string(name, &place).map_err(invalid)?;
        if let Value::String(text) = value {
            document.append(key, text.as_str());
            continue;
        }
        let kept = before.and_then(|before| before.get(name).ok().flatten());
        document.append(key, raw(value, kept, &place).map_err(invalid)?);
    }
    Ok(())
}

/// One value. `kept` is what stood in its place: it decides the width of an integer.
fn raw(
    value: &Value,
    kept: Option<RawBsonRef<'_>>,
    place: &Place<'_>,
) -> Result<RawBson, Violation> {
    Ok(match value {
        Value::Null => RawBson::Null,
        Value::Bool(value) => RawBson::Boolean(*value),
        Value::String(text) => RawBson::String(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => raw_integer(integer, kept),
            (None, Some(double)) if number.is_f64() => RawBson::Double(double),
            _ => {
                let message = "integers are from -2^63 to 2^63 - 1".to_owned();
                return Err(place.violation("maximum", message));
            }
        },
        Value::Array(items) => {
            let mut kept = kept
                .and_then(RawBsonRef::as_array)
                .into_iter()
                .flatten()
                .map_while(Result::ok);
            let mut array = RawArrayBuf::new();
            for (position, item) in items.iter().enumerate() {
                let place = place.with(Step::Position(position));
                array.push(raw(item, kept.next(), &place)?);
            }
            RawBson::Array(array)
        }
        Value::Object(members) => raw_object(members, kept, place)?,
    })
}

fn raw_integer(integer: i64, kept: Option<RawBsonRef<'_>>) -> RawBson {
    match i32::try_from(integer) {
        Ok(short) if !matches!(kept, Some(RawBsonRef::Int64(_))) => RawBson::Int32(short),
        _ => RawBson::Int64(integer),
    }
}

fn raw_object(
    members: &Map<String, Value>,
    kept: Option<RawBsonRef<'_>>,
    place: &Place<'_>,
) -> Result<RawBson, Violation> {
    let members = match extended::meaning(members) {
        Meaning::Value(value) => {
            if let Some(kept) = kept.filter(|kept| is_served_as(*kept, members)) {
                return Ok(kept.into());
            }
            let unstorable = |error: bson::error::Error| {
                place.violation("type", format!("no value of its type: {error}"))
            };
            return RawBson::try_from(value).map_err(unstorable);
        }
        Meaning::Literal(members) => members,
        Meaning::Plain => members,
    };
    let kept = kept.and_then(RawBsonRef::as_document);
    let mut document = RawDocumentBuf::new();
    for (name, value) in members {
        let place = place.with(Step::Name(name));
        let kept = kept.and_then(|kept| kept.get(name).ok().flatten());
        let value = raw(value, kept, &place)?;
        document.append(c_string(name, &place)?, value);
    }
    Ok(RawBson::Document(document))
}

/// Whether a stored value is written as this object. Then it stays as it is: the scope of a piece
/// of code has integers whose width JSON does not tell.
fn is_served_as(kept: RawBsonRef<'_>, members: &Map<String, Value>) -> bool {
    let text = json::text(kept).unwrap_or_default();
    stored_value::<Map<String, Value>>(&text).is_ok_and(|served| served == *members)
}

/// The names of BSON end with NUL and so cannot hold one.
fn c_string<'a>(name: &'a str, place: &Place<'_>) -> Result<&'a CStr, Violation> {
    <&CStr>::try_from(name).map_err(|_| {
        let message = "a name contains no NUL character".to_owned();
        place.violation("propertyNames", message)
    })
}

/// Where a value stands in the attributes; made a JSON Pointer only when something is wrong there.
struct Place<'a> {
    around: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Position(usize),
}

impl<'a> Place<'a> {
    fn of(attribute: &'a str) -> Self {
        Self {
            around: None,
            step: Step::Name(attribute),
        }
    }

    fn with<'b>(&'b self, step: Step<'b>) -> Place<'b>
    where
        'a: 'b,
    {
        Place {
            around: Some(self),
            step,
        }
    }

    fn pointer(&self) -> String {
        let around = self.around.map_or_else(String::new, Place::pointer);
        match self.step {
            Step::Name(name) => format!("{around}/{}", jsonapi::pointer_token(name)),
            Step::Position(position) => format!("{around}/{position}"),
        }
    }

    fn violation(&self, keyword: &str, message: String) -> Violation {
        Violation {
            pointer: self.pointer(),
            keyword: keyword.to_owned(),
            message,
        }
    }
}

fn invalid(violation: Violation) -> Refusal {
    Refusal::Invalid(vec![violation])
}
