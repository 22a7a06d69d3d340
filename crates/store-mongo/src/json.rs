//! BSON as JSON text, written straight from the bytes of a reply.
//!
//! Strings, booleans, null, arrays, objects and numbers are JSON's own; whatever JSON has no type
//! for is one object as in MongoDB Extended JSON v2 (relaxed). `docs/mongodb.md` has the table.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mongodb::bson::{RawBsonRef, RawDocument, RawDocumentBuf};
use resources::schema::{Id, Places, ResourceType};
use resources::store::{Resource, StoreError, stored_value};
use serde_json::Value;

use crate::elements::{Element, Elements, Malformed};
use crate::{extended, ids, kinds, links};

/// The last date, in milliseconds since 1970, with a relaxed form; those before 1970 have none.
const YEAR_9999_END: i64 = 253_402_300_799_999;

/// A stored document as a resource.
///
/// # Errors
/// `Corrupt` when it has no `_id` or its bytes are no BSON.
pub(crate) fn resource(
    resource_type: &ResourceType,
    document: &RawDocument,
) -> Result<Resource, StoreError> {
    // JSON has about as many bytes of punctuation as BSON has of types and lengths.
    let mut text = Vec::with_capacity(document.as_bytes().len());
    let id = write_resource(resource_type, document, &mut text)?;
    let text =
        String::from_utf8(text).map_err(|error| damaged(resource_type, &error.to_string()))?;
    Ok(Resource { id, text })
}

/// Appends the attributes of a stored document and returns its id.
///
/// # Errors
/// As [`resource`]; the text is then incomplete.
pub(crate) fn write_resource(
    resource_type: &ResourceType,
    document: &RawDocument,
    text: &mut Vec<u8>,
) -> Result<Id, StoreError> {
    match write_attributes(resource_type, document, text) {
        Ok(Some(id)) => Ok(id),
        Ok(None) => Err(damaged(resource_type, "a document has no _id")),
        Err(error) => {
            let id = document.get(ids::ID).ok().flatten().map(id_from_bson);
            let id = id.map_or_else(|| "?".to_owned(), |id| id.to_string());
            let what = format!("the document {id}: {error}");
            Err(damaged(resource_type, &what))
        }
    }
}

fn damaged(resource_type: &ResourceType, what: &str) -> StoreError {
    StoreError::Corrupt(format!("{}: {what}", resource_type.collection))
}

fn write_attributes(
    resource_type: &ResourceType,
    document: &RawDocument,
    text: &mut Vec<u8>,
) -> Result<Option<Id>, Malformed> {
    let mut id = None;
    let stored = Some(resource_type.attributes.stored());
    text.push(b'{');
    let empty = text.len();
    for element in Elements::new(document.as_bytes())? {
        let element = element?;
        if ids::is_reserved(resource_type, element.name) {
            if element.name == ids::ID.as_bytes() {
                id = Some(id_of(&element)?);
            }
            continue;
        }
        if text.len() > empty {
            text.push(b',');
        }
        write_string(element.name, text)?;
        text.push(b':');
        match links::kind(resource_type, element.name) {
            Some(kind) => links::write(kind, &element, text)?,
            None => write_value(&element, kinds::inside(stored, element.name), text)?,
        }
    }
    text.push(b'}');
    Ok(id)
}

fn id_of(element: &Element<'_>) -> Result<Id, Malformed> {
    match <[u8; 12]>::try_from(element.value) {
        Ok(bytes) if element.kind == Element::OBJECT_ID => Ok(Id::ObjectId(bytes)),
        _ => Ok(id_from_bson(element.alone()?.value()?)),
    }
}

/// Any `_id` as an id. One of another BSON type is named by its JSON text: it can be listed, and a
/// request for it finds nothing.
pub(crate) fn id_from_bson(value: RawBsonRef<'_>) -> Id {
    let as_text = || text(value, None).unwrap_or_else(|_| "unreadable".to_owned());
    ids::from_bson(value).unwrap_or_else(|| Id::String(as_text()))
}

/// One value as JSON text, where it stands at these places.
pub(crate) fn text(value: RawBsonRef<'_>, places: Option<&Places>) -> Result<String, Malformed> {
    let mut holder = RawDocumentBuf::new();
    holder.append(bson::cstr!("v"), value);
    let mut text = Vec::new();
    for element in Elements::new(holder.as_bytes())? {
        write_value(&element?, places, &mut text)?;
    }
    String::from_utf8(text).map_err(|error| Malformed::because(&error))
}

pub(crate) fn write_value(
    element: &Element<'_>,
    places: Option<&Places>,
    text: &mut Vec<u8>,
) -> Result<(), Malformed> {
    if let Some(stored) = places.and_then(Places::here)
        && kinds::write(stored, element, text)?
    {
        return Ok(());
    }
    match element.kind {
        Element::STRING => write_string(element.string()?, text)?,
        Element::DOCUMENT => write_document(element.value, places, text)?,
        Element::ARRAY => write_array(element.value, places.and_then(Places::items), text)?,
        Element::NULL => text.extend_from_slice(b"null"),
        Element::BOOLEAN => write_displayed(element.bytes()? != [0], text),
        Element::INT32 => write_displayed(i32::from_le_bytes(element.bytes()?), text),
        Element::INT64 => write_displayed(i64::from_le_bytes(element.bytes()?), text),
        Element::DOUBLE => write_double(f64::from_le_bytes(element.bytes()?), text),
        Element::OBJECT_ID => {
            text.extend_from_slice(br#"{"$oid":""#);
            write_displayed(id_of(element)?, text);
            text.extend_from_slice(b"\"}");
        }
        Element::DB_POINTER => write_pointer(element, text)?,
        _ => write_parsed(element.alone()?.value()?, text)?,
    }
    Ok(())
}

/// Values of rare types, as the library reads them.
fn write_parsed(value: RawBsonRef<'_>, text: &mut Vec<u8>) -> Result<(), Malformed> {
    match value {
        RawBsonRef::DateTime(date) => write_date(date, text),
        RawBsonRef::Decimal128(number) => one(text, "$numberDecimal", &number.to_string()),
        RawBsonRef::Binary(binary) => {
            let (base64, subtype) = (BASE64.encode(binary.bytes), u8::from(binary.subtype));
            let binary =
                format_args!(r#"{{"$binary":{{"base64":"{base64}","subType":"{subtype:02x}"}}}}"#);
            write_displayed(binary, text);
        }
        RawBsonRef::RegularExpression(regex) => {
            let [pattern, options] = [regex.pattern, regex.options].map(bson::raw::CStr::as_str);
            let (pattern, options) = (Value::from(pattern), Value::from(options));
            let regex = format_args!(
                r#"{{"$regularExpression":{{"pattern":{pattern},"options":{options}}}}}"#
            );
            write_displayed(regex, text);
        }
        RawBsonRef::Timestamp(timestamp) => {
            let (t, i) = (timestamp.time, timestamp.increment);
            let timestamp = format_args!(r#"{{"$timestamp":{{"t":{t},"i":{i}}}}}"#);
            write_displayed(timestamp, text);
        }
        RawBsonRef::Symbol(symbol) => one(text, "$symbol", symbol),
        RawBsonRef::JavaScriptCode(code) => one(text, "$code", code),
        RawBsonRef::JavaScriptCodeWithScope(code) => {
            text.extend_from_slice(br#"{"$code":"#);
            write_string(code.code.as_bytes(), text)?;
            text.extend_from_slice(br#","$scope":"#);
            write_document(code.scope.as_bytes(), None, text)?;
            text.push(b'}');
        }
        RawBsonRef::Undefined => text.extend_from_slice(br#"{"$undefined":true}"#),
        RawBsonRef::MinKey => text.extend_from_slice(br#"{"$minKey":1}"#),
        RawBsonRef::MaxKey => text.extend_from_slice(br#"{"$maxKey":1}"#),
        _ => return Err(Malformed::because(&"a type that is written elsewhere")),
    }
    Ok(())
}

fn write_array(bytes: &[u8], places: Option<&Places>, text: &mut Vec<u8>) -> Result<(), Malformed> {
    text.push(b'[');
    for (position, item) in Elements::new(bytes)?.enumerate() {
        if position > 0 {
            text.push(b',');
        }
        write_value(&item?, places, text)?;
    }
    text.push(b']');
    Ok(())
}

pub(crate) fn write_document(
    bytes: &[u8],
    places: Option<&Places>,
    text: &mut Vec<u8>,
) -> Result<(), Malformed> {
    let start = text.len();
    let mut marked = false;
    text.push(b'{');
    for (position, element) in Elements::new(bytes)?.enumerate() {
        let element = element?;
        if position > 0 {
            text.push(b',');
        } else {
            marked = element.name.starts_with(b"$");
        }
        write_string(element.name, text)?;
        text.push(b':');
        write_value(&element, kinds::inside(places, element.name), text)?;
    }
    text.push(b'}');
    // A document that looks like one of the objects above, but is none.
    if marked && is_extended(&text[start..]) {
        text.splice(start..start, *br#"{"$literal":"#);
        text.push(b'}');
    }
    Ok(())
}

fn is_extended(object: &[u8]) -> bool {
    let text = std::str::from_utf8(object).unwrap_or_default();
    stored_value::<Value>(text).is_ok_and(|object| extended::is(&object))
}

fn write_date(date: bson::DateTime, text: &mut Vec<u8>) {
    let millis = date.timestamp_millis();
    match date.try_to_rfc3339_string() {
        Ok(rfc3339) if (0..=YEAR_9999_END).contains(&millis) => one(text, "$date", &rfc3339),
        _ => write_displayed(
            format_args!(r#"{{"$date":{{"$numberLong":"{millis}"}}}}"#),
            text,
        ),
    }
}

/// The driver keeps the parts of this long deprecated type to itself.
fn write_pointer(element: &Element<'_>, text: &mut Vec<u8>) -> Result<(), Malformed> {
    text.extend_from_slice(br#"{"$dbPointer":{"$ref":"#);
    write_string(element.string()?, text)?;
    let id = element.value.last_chunk::<12>().copied();
    let id = id.ok_or_else(|| Malformed::because(&"a pointer without an id"))?;
    text.extend_from_slice(br#","$id":{"$oid":""#);
    write_displayed(Id::ObjectId(id), text);
    text.extend_from_slice(b"\"}}}");
    Ok(())
}

fn one(text: &mut Vec<u8>, name: &str, value: &str) {
    let value = Value::from(value);
    write_displayed(format_args!(r#"{{"{name}":{value}}}"#), text);
}

fn write_displayed(value: impl std::fmt::Display, text: &mut Vec<u8>) {
    // A vector takes whatever is written to it.
    let _ = write!(text, "{value}");
}

fn write_double(number: f64, text: &mut Vec<u8>) {
    match serde_json::Number::from_f64(number) {
        // A fraction or an exponent tells a double from an integer.
        Some(finite) => write_displayed(finite, text),
        None if number.is_nan() => one(text, "$numberDouble", "NaN"),
        None if number > 0.0 => one(text, "$numberDouble", "Infinity"),
        None => one(text, "$numberDouble", "-Infinity"),
    }
}

/// Most strings are plain: nothing in them needs an escape, and being ASCII they are UTF-8.
fn write_string(bytes: &[u8], text: &mut Vec<u8>) -> Result<(), Malformed> {
    if is_plain(bytes) {
        text.push(b'"');
        text.extend_from_slice(bytes);
        text.push(b'"');
        return Ok(());
    }
    let string = std::str::from_utf8(bytes).map_err(|error| Malformed::because(&error))?;
    // Written to memory, it cannot fail.
    serde_json::to_writer(text, string).map_err(|error| Malformed::because(&error))
}

/// Blocks without a branch in them are quick to pass.
fn is_plain(bytes: &[u8]) -> bool {
    const BLOCK: usize = 16;
    let plain = |byte: &u8| (b' '..0x80).contains(byte) && *byte != b'"' && *byte != b'\\';
    let all = |block: &[u8]| block.iter().fold(true, |all, byte| all & plain(byte));
    let mut blocks = bytes.chunks_exact(BLOCK);
    blocks.by_ref().all(all) && all(blocks.remainder())
}
