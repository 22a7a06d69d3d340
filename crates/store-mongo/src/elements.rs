//! The elements of a BSON document, read off its bytes: <https://bsonspec.org/spec.html>.
//!
//! A page has thousands of them, and most are strings. The library's own iterator checks each name
//! and each text for UTF-8; here the writer of JSON does it, which looks at every byte anyway.
//! `docs/decisions/0012-bson-reader.md` has what it gains.

use std::fmt;

use mongodb::bson::{RawBsonRef, RawDocumentBuf};

/// Why bytes are no BSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(String);

impl Malformed {
    pub(crate) fn because(reason: &dyn fmt::Display) -> Self {
        Self(reason.to_string())
    }

    fn end() -> Self {
        Self("it ends too early".to_owned())
    }
}

/// A name and a value; the types that occur in this crate have names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Element<'a> {
    /// The byte of its type.
    pub(crate) kind: u8,
    /// Without the NUL at its end; not checked for UTF-8.
    pub(crate) name: &'a [u8],
    /// As it stands, lengths included.
    pub(crate) value: &'a [u8],
}

impl<'a> Element<'a> {
    pub(crate) const DOUBLE: u8 = 0x01;
    pub(crate) const STRING: u8 = 0x02;
    pub(crate) const DOCUMENT: u8 = 0x03;
    pub(crate) const ARRAY: u8 = 0x04;
    pub(crate) const OBJECT_ID: u8 = 0x07;
    pub(crate) const BOOLEAN: u8 = 0x08;
    pub(crate) const NULL: u8 = 0x0A;
    pub(crate) const DB_POINTER: u8 = 0x0C;
    pub(crate) const INT32: u8 = 0x10;
    pub(crate) const INT64: u8 = 0x12;

    /// The bytes of a value of a fixed length.
    pub(crate) fn bytes<const LENGTH: usize>(&self) -> Result<[u8; LENGTH], Malformed> {
        self.value.try_into().map_err(|_| Malformed::end())
    }

    /// The bytes of the string that the value is or begins with; not checked for UTF-8.
    pub(crate) fn string(&self) -> Result<&'a [u8], Malformed> {
        let length = int32(self.value)?;
        let bytes = self.value.get(4..4 + length);
        match bytes.and_then(<[u8]>::split_last) {
            Some((0, string)) => Ok(string),
            _ => Err(Malformed("a string without its end".to_owned())),
        }
    }

    /// A document that has this value and no other.
    pub(crate) fn alone(&self) -> Result<Alone, Malformed> {
        let length = 4 + 1 + 2 + self.value.len() + 1;
        let length = i32::try_from(length).map_err(|error| Malformed::because(&error))?;
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend_from_slice(&[self.kind, b'v', 0]);
        bytes.extend_from_slice(self.value);
        bytes.push(0);
        let document = RawDocumentBuf::from_bytes(bytes);
        document
            .map(Alone)
            .map_err(|error| Malformed::because(&error))
    }
}

/// See [`Element::alone`].
pub(crate) struct Alone(RawDocumentBuf);

impl Alone {
    /// The value as the library reads it.
    pub(crate) fn value(&self) -> Result<RawBsonRef<'_>, Malformed> {
        match self.0.get("v") {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(Malformed::end()),
            Err(error) => Err(Malformed::because(&error)),
        }
    }
}

/// The elements of a document or an array in their order. Nothing follows an error.
pub(crate) struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    /// # Errors
    /// When the length at the beginning or the NUL at the end is missing.
    pub(crate) fn new(document: &'a [u8]) -> Result<Self, Malformed> {
        let length = int32(document)?;
        match document.get(4..length).and_then(<[u8]>::split_last) {
            Some((0, rest)) if length == document.len() => Ok(Self { rest }),
            _ => Err(Malformed("a document with a wrong length".to_owned())),
        }
    }

    fn element(&mut self, kind: u8) -> Result<Element<'a>, Malformed> {
        let name = cstring(self.rest)?;
        let after = &self.rest[name.len() + 1..];
        let length = value_length(kind, after)?;
        let (value, rest) = after.split_at_checked(length).ok_or_else(Malformed::end)?;
        self.rest = rest;
        Ok(Element { kind, name, value })
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Element<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, rest) = self.rest.split_first()?;
        self.rest = rest;
        let element = self.element(*kind);
        if element.is_err() {
            self.rest = &[];
        }
        Some(element)
    }
}

/// The bytes of a value; `bytes` begins with it.
fn value_length(kind: u8, bytes: &[u8]) -> Result<usize, Malformed> {
    Ok(match kind {
        // undefined, null, min key, max key
        0x06 | 0x0A | 0x7F | 0xFF => 0,
        // bool
        0x08 => 1,
        // int32
        0x10 => 4,
        // double, date, timestamp, int64
        0x01 | 0x09 | 0x11 | 0x12 => 8,
        // ObjectId
        0x07 => 12,
        // Decimal128
        0x13 => 16,
        // document, array, code with scope: the length counts itself
        0x03 | 0x04 | 0x0F => int32(bytes)?,
        // string, code, symbol: the length does not count itself
        0x02 | 0x0D | 0x0E => 4 + int32(bytes)?,
        // binary: nor the subtype
        0x05 => 4 + 1 + int32(bytes)?,
        // pointer: a string and an ObjectId
        0x0C => 4 + int32(bytes)? + 12,
        // regular expression: pattern and options
        0x0B => {
            let pattern = cstring(bytes)?.len() + 1;
            pattern + cstring(&bytes[pattern..])?.len() + 1
        }
        unknown => return Err(Malformed(format!("the type {unknown:#04x} is unknown"))),
    })
}

fn int32(bytes: &[u8]) -> Result<usize, Malformed> {
    let bytes = bytes.first_chunk().ok_or_else(Malformed::end)?;
    usize::try_from(i32::from_le_bytes(*bytes)).map_err(|_| Malformed("a negative length".into()))
}

/// Up to the NUL.
fn cstring(bytes: &[u8]) -> Result<&[u8], Malformed> {
    // Names are short: to call a faster search would take longer.
    let end = bytes.iter().position(|byte| *byte == 0);
    end.map(|end| &bytes[..end]).ok_or_else(Malformed::end)
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;
    use proptest::prelude::*;

    use super::*;

    fn names_and_values(bytes: &[u8]) -> Result<Vec<(Vec<u8>, usize)>, Malformed> {
        let element = |element: Result<Element<'_>, Malformed>| {
            element.map(|element| (element.name.to_vec(), element.value.len()))
        };
        Elements::new(bytes)?.map(element).collect()
    }

    #[test]
    fn a_document_cut_anywhere_is_malformed() {
        let document = doc! { "a": "text", "b": { "c": [1, 2.5] }, "d": null, "": true };
        let whole = document.to_vec().unwrap();
        let fields = names_and_values(&whole).unwrap();
        assert_eq!(fields[0], (b"a".to_vec(), 4 + 5));
        assert_eq!(fields.len(), 4);
        for length in 0..whole.len() {
            let cut = &whole[..length];
            assert!(names_and_values(cut).is_err(), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut framed = i32::try_from(bytes.len() + 5).unwrap().to_le_bytes().to_vec();
            framed.extend(&bytes);
            framed.push(0);
            for element in Elements::new(&framed).unwrap().flatten() {
                let _ = (element.string(), element.alone().map(|alone| alone.value().is_ok()));
            }
        }
    }
}
