//! Two ways to write a document of BSON as JSON text, for the benchmark and the fuzz target that
//! compare them: by the reader of this crate, and by the library's iterator.

use mongodb::bson::{RawBsonRef, RawDocument};

use crate::json::{write_displayed, write_document, write_string};

/// The text as the store writes it, or why the bytes are no BSON.
///
/// # Errors
/// What is wrong with the bytes.
pub fn by_this_crate(document: &[u8], text: &mut Vec<u8>) -> Result<(), String> {
    write_document(document, text).map_err(|error| error.to_string())
}

/// The same by the library, for the types that JSON has and `ObjectId`s; `None` for other types, for
/// names that begin with `$`, and where the bytes are no BSON.
pub fn by_the_library(document: &RawDocument, text: &mut Vec<u8>) -> Option<()> {
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
        write_string(name.as_bytes(), text).ok()?;
        text.push(b':');
        write_value(value, text)?;
    }
    text.push(b'}');
    Some(())
}

fn write_value(value: RawBsonRef<'_>, text: &mut Vec<u8>) -> Option<()> {
    match value {
        RawBsonRef::String(string) => write_string(string.as_bytes(), text).ok()?,
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
        RawBsonRef::Boolean(value) => write_displayed(value, text),
        RawBsonRef::Int32(number) => write_displayed(number, text),
        RawBsonRef::Int64(number) => write_displayed(number, text),
        RawBsonRef::ObjectId(id) => {
            text.extend_from_slice(br#"{"$oid":""#);
            write_displayed(id, text);
            text.extend_from_slice(b"\"}");
        }
        _ => return None,
    }
    Some(())
}
