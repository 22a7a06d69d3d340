//! Ids: one kind for each resource type.

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use uuid::Uuid;

/// The greatest integer id. What is left above it is for the server, which gives out the integers
/// after the greatest one that was stored.
const INTEGER_MAX: i64 = 9_000_000_000_000_000_000;

/// The longest string id, in bytes: the most that fits an index key of every store.
const STRING_LENGTH_MAX: usize = 512;

/// What the ids of a resource type are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IdKind {
    /// Twelve bytes, written as 24 hexadecimal digits; chosen by the server.
    ObjectId,
    /// A text of 1 to 512 bytes; chosen by the client. It is neither `.` nor `..`, which every
    /// client takes out of a URL, however they are encoded, nor `-`, which begins the paths of a
    /// type that are no resource's.
    String,
    /// A UUID; chosen by the client, else by the server (version 7).
    Uuid,
    /// An integer from 1; chosen by the store, one more than the greatest so far.
    Integer,
}

impl IdKind {
    /// Whether a client may choose the id of a resource that it creates.
    #[must_use]
    pub fn client_may_choose(self) -> bool {
        matches!(self, Self::String | Self::Uuid)
    }

    /// A fresh id of a kind that this process can choose alone; `None` for strings and integers.
    #[must_use]
    pub fn generate(self) -> Option<Id> {
        match self {
            Self::ObjectId => Some(Id::ObjectId(fresh_object_id())),
            Self::Uuid => Some(Id::Uuid(Uuid::now_v7())),
            Self::String | Self::Integer => None,
        }
    }

    /// Reads an id as it stands in a URL or a document.
    ///
    /// # Errors
    /// When the text is no id of this kind.
    pub fn parse(self, text: &str) -> Result<Id, InvalidId> {
        let id = match self {
            Self::ObjectId => parse_object_id(text).map(Id::ObjectId),
            Self::String => Some(text)
                .filter(|text| {
                    (1..=STRING_LENGTH_MAX).contains(&text.len())
                        && !text.contains('\0')
                        && !matches!(*text, "." | ".." | "-")
                })
                .map(|text| Id::String(text.to_owned())),
            Self::Uuid => Some(text)
                .filter(|text| text.len() == 36)
                .and_then(|text| Uuid::try_parse(text).ok())
                .map(Id::Uuid),
            Self::Integer => text
                .parse::<i64>()
                .ok()
                // One spelling for one id: no sign, no leading zeros.
                .filter(|number| (1..=INTEGER_MAX).contains(number) && number.to_string() == text)
                .map(Id::Integer),
        };
        id.ok_or_else(|| InvalidId {
            kind: self,
            text: text.chars().take(80).collect(),
        })
    }
}

impl fmt::Display for IdKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ObjectId => "objectId",
            Self::String => "string",
            Self::Uuid => "uuid",
            Self::Integer => "integer",
        })
    }
}

/// The id of a resource, unique within its type. Ids of one kind stand in the order of their values:
/// integers by size, texts and others by their bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// See [`IdKind::ObjectId`].
    ObjectId([u8; 12]),
    /// See [`IdKind::String`].
    String(String),
    /// See [`IdKind::Uuid`].
    Uuid(Uuid),
    /// See [`IdKind::Integer`].
    Integer(i64),
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ObjectId(bytes) => write_hex(bytes, formatter),
            Self::String(text) => formatter.write_str(text),
            Self::Uuid(uuid) => uuid.fmt(formatter),
            Self::Integer(number) => number.fmt(formatter),
        }
    }
}

fn write_hex(bytes: &[u8; 12], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 24];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    formatter.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not {}", kind.wanted())]
pub struct InvalidId {
    kind: IdKind,
    text: String,
}

impl IdKind {
    fn wanted(self) -> &'static str {
        match self {
            Self::ObjectId => "an ObjectId: 24 hexadecimal digits",
            Self::String => "a text of 1 to 512 bytes without NUL, other than '.', '..' and '-'",
            Self::Uuid => "a UUID: 36 characters such as 0198c2a7-1b2c-7def-8123-456789abcdef",
            Self::Integer => "an integer from 1 to 9000000000000000000",
        }
    }
}

fn parse_object_id(text: &str) -> Option<[u8; 12]> {
    if text.len() != 24 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 12];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// Seconds since 1970 (4 bytes), a number of this process (5), a counter (3), as MongoDB lays
/// an ObjectId out: <https://www.mongodb.com/docs/manual/reference/bson-types/#objectid>.
fn fresh_object_id() -> [u8; 12] {
    // A version 4 UUID is random throughout but for bytes 6 and 8.
    static PROCESS: LazyLock<[u8; 16]> = LazyLock::new(|| Uuid::new_v4().into_bytes());
    static COUNTER: LazyLock<AtomicU32> = LazyLock::new(|| {
        let [.., a, b, c] = Uuid::new_v4().into_bytes();
        AtomicU32::new(u32::from_be_bytes([0, a, b, c]))
    });
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    // The format has 32 bits for the seconds; they wrap in 2106.
    let [.., s0, s1, s2, s3] = elapsed.as_secs().to_be_bytes();
    let [_, c0, c1, c2] = COUNTER.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let [p0, p1, p2, p3, p4, ..] = *PROCESS;
    [s0, s1, s2, s3, p0, p1, p2, p3, p4, c0, c1, c2]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    const KINDS: [IdKind; 4] = [
        IdKind::ObjectId,
        IdKind::String,
        IdKind::Uuid,
        IdKind::Integer,
    ];

    #[test]
    fn ids_are_read_as_they_are_written() {
        for (kind, text) in [
            (IdKind::ObjectId, "5973ecc8c453c823e4c471d2"),
            (IdKind::String, "a/b ü"),
            (IdKind::String, "..."),
            (IdKind::Uuid, "0198c2a7-1b2c-7def-8123-456789abcdef"),
            (IdKind::Integer, "42"),
        ] {
            assert_eq!(kind.parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_id_is_refused_with_what_would_be_one() {
        for (kind, text) in [
            (IdKind::ObjectId, "5973ecc8c453c823e4c471d"),
            (IdKind::ObjectId, "zz73ecc8c453c823e4c471d2"),
            (IdKind::ObjectId, "+973ecc8c453c823e4c471d2"),
            (IdKind::String, ""),
            (IdKind::String, "."),
            (IdKind::String, ".."),
            (IdKind::String, "-"),
            (IdKind::Uuid, "0198c2a71b2c7def8123456789abcdef"),
            (IdKind::Integer, "0"),
            (IdKind::Integer, "-1"),
            (IdKind::Integer, "007"),
            (IdKind::Integer, "9000000000000000001"),
            (IdKind::Integer, "9223372036854775808"),
        ] {
            let error = kind.parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("'{text}' is not a")), "{error}");
        }
    }

    #[test]
    fn fresh_ids_are_never_the_same() {
        let ids: HashSet<Id> = (0..10_000)
            .filter_map(|_| IdKind::ObjectId.generate())
            .collect();
        assert_eq!(ids.len(), 10_000);
        assert_eq!(IdKind::Integer.generate(), None);
    }

    proptest! {
        #[test]
        fn whatever_is_taken_as_an_id_is_read_back_as_the_same_id(text in "\\PC{0,40}") {
            for kind in KINDS {
                if let Ok(id) = kind.parse(&text) {
                    prop_assert_eq!(kind.parse(&id.to_string()), Ok(id));
                }
            }
        }
    }
}
