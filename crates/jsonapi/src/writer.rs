//! Answers as text, straight from stored JSON without a value tree in between.

mod resource;
mod links;
mod document;
mod atomic;

use serde::Serialize;

use crate::Applied;

pub use atomic::ResultsWriter;
pub use document::{Closing, DocumentWriter, Total};
pub use links::Links;
pub use resource::{
    IdentifierParts, LinkageParts, RelationshipParts, ResourceParts, ResourceWriter,
};

const JSONAPI: &[u8] = br#","jsonapi":{"version":"1.1"}}"#;

/// A document with one top-level member, such as `meta` or `errors`, or `data` of no declared type.
#[must_use]
pub fn document(member: &str, value: &impl Serialize) -> Vec<u8> {
    let mut text = format!(r#"{{"{member}":"#).into_bytes();
    // Values with string keys are written without fail.
    if serde_json::to_writer(&mut text, value).is_err() {
        text.extend_from_slice(b"null");
    }
    text.extend_from_slice(JSONAPI);
    text
}

/// The member `jsonapi` with what applies, and the end of the document.
fn push_jsonapi(text: &mut Vec<u8>, applied: &Applied) {
    text.extend_from_slice(br#","jsonapi":{"version":"1.1""#);
    for (name, uris) in [("ext", &applied.extensions), ("profile", &applied.profiles)] {
        if !uris.is_empty() {
            text.extend_from_slice(format!(r#","{name}":"#).as_bytes());
            // Strings are written to memory without fail.
            let _ = serde_json::to_writer(&mut *text, uris);
        }
    }
    text.extend_from_slice(b"}}");
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn push_string(text: &mut Vec<u8>, string: &str) {
    // A string is written to memory without fail.
    let _ = serde_json::to_writer(text, string);
}

#[cfg(test)]
mod tests;
