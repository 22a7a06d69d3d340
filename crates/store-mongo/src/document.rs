//! Attributes as the document that is stored.

mod place;

use bson::raw::CStr;
use bson::{RawArrayBuf, RawBson, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use resources::schema::{Attributes, Id, IdKind, ResourceType, Violation};
use resources::store::{Refusal, stored_value};
use serde_json::{Map, Value};
use uuid::Uuid;

use self::place::{JsonPath, Step};
use crate::extended::{self, Meaning};
use crate::{failure, ids, json, links};

/// The largest document that MongoDB stores.
const BYTES_MAX: usize = 16 << 20;

/// A new document.
pub(crate) fn new(
    resource_type: &ResourceType,
    id: &Id,
    attributes: &Attributes,
) -> Result<RawDocumentBuf, Refusal> {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), ids::to_raw(id));
    if ids::have_position(resource_type) {
        let position = ids::binary(&Uuid::now_v7());
        document.append(cstr!("_position"), position);
    }
    append_attributes(&mut document, resource_type, attributes, None)?;
    within_the_limit(document)
}

/// The document that takes the place of another; the store's own fields stay.
pub(crate) fn replacement(
    resource_type: &ResourceType,
    before: &RawDocument,
    attributes: &Attributes,
) -> Result<RawDocumentBuf, Refusal> {
    let mut document = RawDocumentBuf::new();
    for (name, value) in before.iter().flatten() {
        if ids::is_reserved(resource_type, name.as_str()) {
            document.append(name, value);
        }
    }
    append_attributes(&mut document, resource_type, attributes, Some(before))?;
    within_the_limit(replaceable(document)?)
}

/// A document with some attributes changed. Existing attributes keep their positions.
pub(crate) fn changed(
    resource_type: &ResourceType,
    before: &RawDocument,
    changes: &Attributes,
) -> Result<RawDocumentBuf, Refusal> {
    let mut document = RawDocumentBuf::new();
    let mut added = changes.clone();
    for (name, value) in before.iter().flatten() {
        let reserved = ids::is_reserved(resource_type, name.as_str());
        match changes.get(name.as_str()).filter(|_| !reserved) {
            Some(change) => {
                let path = JsonPath::new(name.as_str());
                let change = member(resource_type, name.as_str(), change, Some(value), &path);
                let change = change.map_err(invalid)?;
                document.append(name, change);
                added.shift_remove(name.as_str());
            }
            None => document.append(name, value),
        }
    }
    append_attributes(&mut document, resource_type, &added, None)?;
    within_the_limit(replaceable(document)?)
}

/// MongoDB stores documents with attributes like `$set`, but takes none in another's place.
fn replaceable(document: RawDocumentBuf) -> Result<RawDocumentBuf, Refusal> {
    let mut names = document.iter().flatten().map(|(name, _)| name.as_str());
    match names.find(|name| name.starts_with('$')) {
        Some(name) => {
            let message = "MongoDB changes no resource that has an attribute whose name begins \
                           with '$'; delete it and store it anew";
            let violation = JsonPath::new(name).violation("propertyNames", message.to_owned());
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

/// Whether a document has values of the type `undefined`, which servers take in no comparison.
pub(crate) fn has_undefined(document: &RawDocument) -> bool {
    document
        .iter()
        .flatten()
        .any(|(_, value)| is_undefined(value))
}

fn is_undefined(value: RawBsonRef<'_>) -> bool {
    match value {
        RawBsonRef::Undefined => true,
        RawBsonRef::Document(document) => has_undefined(document),
        RawBsonRef::Array(elements) => elements.into_iter().flatten().any(is_undefined),
        _ => false,
    }
}

/// Whether a value has integers. An integer that stands where one stood keeps its stored width.
pub(crate) fn has_integers(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(items) => items.iter().any(has_integers),
        Value::Object(members) => members.values().any(has_integers),
        _ => false,
    }
}

fn append_attributes(
    document: &mut RawDocumentBuf,
    resource_type: &ResourceType,
    attributes: &Attributes,
    before: Option<&RawDocument>,
) -> Result<(), Refusal> {
    for (name, value) in attributes {
        let path = JsonPath::new(name);
        if ids::is_reserved(resource_type, name) {
            let message = format!("'{name}' is kept by the store for itself");
            return Err(invalid(path.violation("propertyNames", message)));
        }
        let key = c_string(name, &path).map_err(invalid)?;
        if let (Value::String(text), None) = (value, links::kind(resource_type, name)) {
            document.append(key, text.as_str());
            continue;
        }
        let kept = before.and_then(|before| before.get(name).ok().flatten());
        let value = member(resource_type, name, value, kept, &path);
        document.append(key, value.map_err(invalid)?);
    }
    Ok(())
}

/// One member of the document itself, which may be that of a relationship.
fn member(
    resource_type: &ResourceType,
    name: &str,
    value: &Value,
    kept: Option<RawBsonRef<'_>>,
    path: &JsonPath<'_>,
) -> Result<RawBson, Violation> {
    let links = links::kind(resource_type, name);
    if let Some(link) = links.and_then(|kind| links::raw(kind, value)) {
        return Ok(link);
    }
    match value {
        Value::Array(items) => raw_array(items, kept, path, links),
        _ => raw(value, kept, path),
    }
}

/// One value. `kept` is what stood in its place: it decides the width of an integer.
fn raw(
    value: &Value,
    kept: Option<RawBsonRef<'_>>,
    path: &JsonPath<'_>,
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
                return Err(path.violation("maximum", message));
            }
        },
        Value::Array(items) => raw_array(items, kept, path, None)?,
        Value::Object(members) => raw_object(members, kept, path)?,
    })
}

fn raw_array(
    items: &[Value],
    kept: Option<RawBsonRef<'_>>,
    path: &JsonPath<'_>,
    links: Option<IdKind>,
) -> Result<RawBson, Violation> {
    let kept = kept.and_then(RawBsonRef::as_array);
    let mut kept = kept.into_iter().flatten().map_while(Result::ok);
    let mut array = RawArrayBuf::new();
    for (position, item) in items.iter().enumerate() {
        let (kept, path) = (kept.next(), path.with(Step::Position(position)));
        array.push(match links.and_then(|kind| links::raw(kind, item)) {
            Some(link) => link,
            None => raw(item, kept, &path)?,
        });
    }
    Ok(RawBson::Array(array))
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
    path: &JsonPath<'_>,
) -> Result<RawBson, Violation> {
    let members = match extended::meaning(members) {
        Meaning::Value(value) => {
            if let Some(kept) = kept.filter(|kept| is_served_as(*kept, members)) {
                return Ok(kept.into());
            }
            let unstorable = |error: bson::error::Error| {
                path.violation("type", format!("no value of its type: {error}"))
            };
            return RawBson::try_from(value).map_err(unstorable);
        }
        Meaning::Literal(members) => members,
        Meaning::Plain => members,
    };
    let kept = kept.and_then(RawBsonRef::as_document);
    let mut document = RawDocumentBuf::new();
    for (name, value) in members {
        let path = path.with(Step::Name(name));
        let kept = kept.and_then(|kept| kept.get(name).ok().flatten());
        let value = raw(value, kept, &path)?;
        document.append(c_string(name, &path)?, value);
    }
    Ok(RawBson::Document(document))
}

/// Whether a stored value is served as this object. Then it stays as it is, because JSON does not
/// tell the width of the integers in the scope of a piece of code.
fn is_served_as(kept: RawBsonRef<'_>, members: &Map<String, Value>) -> bool {
    let text = json::text(kept).unwrap_or_default();
    stored_value::<Map<String, Value>>(&text).is_ok_and(|served| served == *members)
}

/// The names of BSON end with NUL and so cannot hold one.
fn c_string<'a>(name: &'a str, path: &JsonPath<'_>) -> Result<&'a CStr, Violation> {
    <&CStr>::try_from(name).map_err(|_| {
        let message = "a name contains no NUL character".to_owned();
        path.violation("propertyNames", message)
    })
}

fn invalid(violation: Violation) -> Refusal {
    Refusal::Invalid(vec![violation])
}
