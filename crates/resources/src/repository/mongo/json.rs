//! BSON as JSON text, written straight from the bytes of a reply.
//!
//! Strings, booleans, null, arrays, objects and numbers are JSON's own; whatever JSON has no type
//! for is one object as in MongoDB Extended JSON v2 (relaxed). `docs/mongodb.md` has the table.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mongodb::bson::{RawBsonRef, RawDocument, oid::ObjectId};
use serde_json::Value;

use super::{extended, ids};
use crate::repository::{RepositoryError, Resource};
use crate::schema::{Id, ResourceType};

/// Room for the punctuation that JSON has and BSON has not, in bytes.
const PUNCTUATION: usize = 64;

/// The last date, in milliseconds since 1970, with a relaxed form; those before 1970 have none.
const YEAR_9999_END: i64 = 253_402_300_799_999;

/// A stored document as a resource.
///
/// # Errors
/// `Corrupt` when it has no `_id` or its bytes are no BSON.
pub(super) fn resource(
    of: &ResourceType,
    document: &RawDocument,
) -> Result<Resource, RepositoryError> {
    let mut attributes = String::with_capacity(document.as_bytes().len() + PUNCTUATION);
    match write_attributes(of, document, &mut attributes) {
        Ok(Some(id)) => Ok(Resource { id, attributes }),
        Ok(None) => Err(damaged(of, "a document has no _id")),
        Err(error) => {
            let id = document.get(ids::ID).ok().flatten().map(ids::from_bson);
            let id = id.map_or_else(|| "?".to_owned(), |id| id.to_string());
            Err(damaged(of, &format!("the document {id}: {error}")))
        }
    }
}

fn damaged(of: &ResourceType, what: &str) -> RepositoryError {
    RepositoryError::Corrupt(format!("{}: {what}", of.collection))
}

fn write_attributes(
    of: &ResourceType,
    document: &RawDocument,
    text: &mut String,
) -> Result<Option<Id>, bson::error::Error> {
    let mut id = None;
    text.push('{');
    let empty = text.len();
    for field in document {
        let (name, value) = field?;
        let name = name.as_str();
        if ids::is_reserved(of, name) {
            if name == ids::ID {
                id = Some(ids::from_bson(value));
            }
            continue;
        }
        if text.len() > empty {
            text.push(',');
        }
        write_string(name, text);
        text.push(':');
        write_value(value, text)?;
    }
    text.push('}');
    Ok(id)
}

/// One value as JSON text.
pub(super) fn text(value: RawBsonRef<'_>) -> Result<String, bson::error::Error> {
    let mut text = String::new();
    write_value(value, &mut text)?;
    Ok(text)
}

fn write_value(value: RawBsonRef<'_>, text: &mut String) -> Result<(), bson::error::Error> {
    match value {
        RawBsonRef::String(string) => write_string(string, text),
        RawBsonRef::Document(document) => write_document(document, text)?,
        RawBsonRef::Array(array) => {
            text.push('[');
            for (position, item) in array.into_iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write_value(item?, text)?;
            }
            text.push(']');
        }
        RawBsonRef::Null => text.push_str("null"),
        RawBsonRef::Boolean(true) => text.push_str("true"),
        RawBsonRef::Boolean(false) => text.push_str("false"),
        RawBsonRef::Int32(number) => write_displayed(number, text),
        RawBsonRef::Int64(number) => write_displayed(number, text),
        RawBsonRef::Double(number) => write_double(number, text),
        other => write_extended(other, text)?,
    }
    Ok(())
}

/// What JSON has no type for.
fn write_extended(value: RawBsonRef<'_>, text: &mut String) -> Result<(), bson::error::Error> {
    match value {
        RawBsonRef::ObjectId(id) => write_object_id(id, text),
        RawBsonRef::DateTime(date) => {
            let millis = date.timestamp_millis();
            match date.try_to_rfc3339_string() {
                Ok(rfc3339) if (0..=YEAR_9999_END).contains(&millis) => {
                    one(text, "$date", &rfc3339);
                }
                _ => {
                    let _ = write!(text, r#"{{"$date":{{"$numberLong":"{millis}"}}}}"#);
                }
            }
        }
        RawBsonRef::Decimal128(number) => one(text, "$numberDecimal", &number.to_string()),
        RawBsonRef::Binary(binary) => {
            let (base64, subtype) = (BASE64.encode(binary.bytes), u8::from(binary.subtype));
            let _ = write!(
                text,
                r#"{{"$binary":{{"base64":"{base64}","subType":"{subtype:02x}"}}}}"#
            );
        }
        RawBsonRef::RegularExpression(regex) => {
            text.push_str(r#"{"$regularExpression":{"pattern":"#);
            write_string(regex.pattern.as_str(), text);
            text.push_str(r#","options":"#);
            write_string(regex.options.as_str(), text);
            text.push_str("}}");
        }
        RawBsonRef::Timestamp(timestamp) => {
            let (t, i) = (timestamp.time, timestamp.increment);
            let _ = write!(text, r#"{{"$timestamp":{{"t":{t},"i":{i}}}}}"#);
        }
        RawBsonRef::Symbol(symbol) => one(text, "$symbol", symbol),
        RawBsonRef::JavaScriptCode(code) => one(text, "$code", code),
        RawBsonRef::JavaScriptCodeWithScope(code) => {
            text.push_str(r#"{"$code":"#);
            write_string(code.code, text);
            text.push_str(r#","$scope":"#);
            write_document(code.scope, text)?;
            text.push('}');
        }
        RawBsonRef::DbPointer(_) => write_pointer(value, text),
        RawBsonRef::Undefined => text.push_str(r#"{"$undefined":true}"#),
        RawBsonRef::MinKey => text.push_str(r#"{"$minKey":1}"#),
        RawBsonRef::MaxKey => text.push_str(r#"{"$maxKey":1}"#),
        other => write_value(other, text)?,
    }
    Ok(())
}

fn write_document(document: &RawDocument, text: &mut String) -> Result<(), bson::error::Error> {
    let start = text.len();
    let mut marked = false;
    text.push('{');
    for (position, field) in document.iter().enumerate() {
        let (name, value) = field?;
        if position > 0 {
            text.push(',');
        } else {
            marked = name.as_str().starts_with('$');
        }
        write_string(name.as_str(), text);
        text.push(':');
        write_value(value, text)?;
    }
    text.push('}');
    // A document that looks like one of the objects above, but is none.
    if marked && serde_json::from_str::<Value>(&text[start..]).is_ok_and(|it| extended::is(&it)) {
        text.insert_str(start, r#"{"$literal":"#);
        text.push('}');
    }
    Ok(())
}

/// The driver keeps the parts of this long deprecated type to itself; they are read off the bytes.
fn write_pointer(value: RawBsonRef<'_>, text: &mut String) {
    let mut holder = bson::RawDocumentBuf::new();
    holder.append(bson::cstr!("p"), value);
    let bytes = holder.as_bytes();
    // Length (4), type (1), "p\0" (2), length of the text with its NUL (4), text, id (12), end (1).
    let id_at = bytes.len() - 13;
    let name = String::from_utf8_lossy(&bytes[11..id_at - 1]);
    text.push_str(r#"{"$dbPointer":{"$ref":"#);
    write_string(&name, text);
    text.push_str(r#","$id":"#);
    let mut id = [0; 12];
    id.copy_from_slice(&bytes[id_at..id_at + 12]);
    write_object_id(ObjectId::from_bytes(id), text);
    text.push_str("}}");
}

fn write_object_id(id: ObjectId, text: &mut String) {
    text.push_str(r#"{"$oid":""#);
    for byte in id.bytes() {
        let _ = write!(text, "{byte:02x}");
    }
    text.push_str("\"}");
}

fn one(text: &mut String, name: &str, value: &str) {
    text.push('{');
    write_string(name, text);
    text.push(':');
    write_string(value, text);
    text.push('}');
}

fn write_displayed(number: impl std::fmt::Display, text: &mut String) {
    // A `String` takes whatever is written to it.
    let _ = write!(text, "{number}");
}

fn write_double(number: f64, text: &mut String) {
    match serde_json::Number::from_f64(number) {
        // A fraction or an exponent tells a double from an integer.
        Some(finite) => write_displayed(finite, text),
        None if number.is_nan() => one(text, "$numberDouble", "NaN"),
        None if number > 0.0 => one(text, "$numberDouble", "Infinity"),
        None => one(text, "$numberDouble", "-Infinity"),
    }
}

/// Escapes exactly what JSON demands, as `serde_json` does.
fn write_string(string: &str, text: &mut String) {
    text.push('"');
    let mut plain = 0;
    for (position, byte) in string.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        text.push_str(&string[plain..position]);
        plain = position + 1;
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            0x08 => text.push_str("\\b"),
            0x0c => text.push_str("\\f"),
            control => {
                let _ = write!(text, "\\u{control:04x}");
            }
        }
    }
    text.push_str(&string[plain..]);
    text.push('"');
}
