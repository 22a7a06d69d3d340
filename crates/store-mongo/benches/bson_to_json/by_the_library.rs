//! A document of BSON as JSON text by the library's iterator, to compare the store's reader with.

use std::io::Write as _;

use mongodb::bson::{RawBsonRef, RawDocument};

/// The text, for the types that JSON has and `ObjectId`s; `None` for other types, for
/// names that begin with `$`, and where the bytes are no BSON.
pub(crate) fn by_the_library(document: &RawDocument, text: &mut Vec<u8>) -> Option<()> {
    text.push(b'{');
    for (position, element) in document.iter().enumerate() {
        let (name, value) = element.ok()?;
        if position > 0 {
            text.push(b',');
        }
        let name = name.as_str();
        if name.starts_with('$') {
            return None;
        }
        serde_json::to_writer(&mut *text, name).ok()?;
        text.push(b':');
        write_value(value, text)?;
    }
    text.push(b'}');
    Some(())
}

fn write_value(value: RawBsonRef<'_>, text: &mut Vec<u8>) -> Option<()> {
    match value {
        RawBsonRef::String(string) => serde_json::to_writer(text, string).ok()?,
        RawBsonRef::Document(document) => by_the_library(document, text)?,
        RawBsonRef::Array(array) => {
            text.push(b'[');
            for (position, item) in array.into_iter().enumerate() {
                if position > 0 {
                    text.push(b',');
                }
                write_value(item.ok()?, text)?;
            }
            text.push(b']');
        }
        RawBsonRef::Null => text.extend_from_slice(b"null"),
        RawBsonRef::Boolean(value) => write!(text, "{value}").ok()?,
        RawBsonRef::Int32(number) => write!(text, "{number}").ok()?,
        RawBsonRef::Int64(number) => write!(text, "{number}").ok()?,
        RawBsonRef::ObjectId(id) => {
            text.extend_from_slice(br#"{"$oid":""#);
            write!(text, "{id}").ok()?;
            text.extend_from_slice(b"\"}");
        }
        _ => return None,
    }
    Some(())
}
