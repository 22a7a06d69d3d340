//! How values are stored where their JSON does not tell: a date is a text in JSON and a date in the
//! store.
//!
//! A value has one normal form, [`Stored::normal`], which is what stores keep and give. Two values
//! are equal as stored values where [`Stored::compare`] says so.

mod date;
mod decimal;
mod places;

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use uuid::Uuid;

pub use date::{date_of_millis, millis_of_date};
pub use places::{Places, Unreached};

use super::{Id, IdKind};

/// What a store keeps in the place of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stored {
    /// An instant in milliseconds: a text of RFC 3339 in UTC, of the years 0000 to 9999.
    Date,
    /// A decimal number of IEEE 754 with 34 digits (Decimal128): a text. Neither infinite nor NaN.
    Decimal,
    /// 12 bytes: 24 hexadecimal digits in lower case.
    ObjectId,
    /// 16 bytes: a text of five groups of hexadecimal digits in lower case.
    Uuid,
    /// Bytes: a text in base64 with padding.
    Binary,
    /// An integer of 64 bits, however small it is.
    Long,
}

/// All of them.
const ALL: [Stored; 6] = [
    Stored::Date,
    Stored::Decimal,
    Stored::ObjectId,
    Stored::Uuid,
    Stored::Binary,
    Stored::Long,
];

impl Stored {
    /// That of this name in a definition.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|stored| stored.name() == name)
    }

    /// Its name in a definition.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Decimal => "decimal",
            Self::ObjectId => "objectId",
            Self::Uuid => "uuid",
            Self::Binary => "binary",
            Self::Long => "long",
        }
    }

    /// The type that JSON Schema has for its values.
    #[must_use]
    pub fn json_type(self) -> &'static str {
        match self {
            Self::Long => "integer",
            _ => "string",
        }
    }

    /// What a value must look like, for the end of a sentence.
    #[must_use]
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Date => {
                "a date with its time, to the millisecond, such as '2026-01-31T08:30:00.000Z'"
            }
            Self::Decimal => "a decimal number of at most 34 digits in a text, such as '12.50'",
            Self::ObjectId => "24 hexadecimal digits, such as '5973ecc8c453c823e4c471d2'",
            Self::Uuid => "a UUID, such as '0198c2a7-1b2c-7def-8123-456789abcdef'",
            Self::Binary => "bytes in base64, such as 'AP8='",
            Self::Long => "an integer from -2^63 to 2^63 - 1",
        }
    }

    /// The normal form of a text; `None` for what is no such value.
    #[must_use]
    pub fn normal(self, text: &str) -> Option<String> {
        match self {
            Self::Date => date::normal(text),
            Self::Decimal => decimal::normal(text),
            Self::ObjectId => id(IdKind::ObjectId, text).map(|id| id.to_string()),
            Self::Uuid => {
                const HYPHENATED: usize = 36;
                let uuid = Uuid::try_parse(text).ok();
                uuid.filter(|_| text.len() == HYPHENATED)
                    .map(|uuid| uuid.to_string())
            }
            Self::Binary => BASE64.decode(text).ok().map(|bytes| BASE64.encode(bytes)),
            Self::Long => None,
        }
    }

    /// The normal form of a JSON value; `None` for what is no such value.
    #[must_use]
    pub fn normal_value(self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Self::Long, Value::Number(number)) => {
                let integer = number.as_i64().or_else(|| whole(number.as_f64()?));
                integer.map(Value::from)
            }
            (_, Value::String(text)) => self.normal(text).map(Value::String),
            _ => None,
        }
    }

    /// Bytes that compare as values of this kind do, of a text in normal form; `None` where the
    /// texts compare so themselves, and for what is no such value.
    #[must_use]
    pub fn key(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Decimal => decimal::key(text),
            Self::Date | Self::ObjectId | Self::Uuid | Self::Binary | Self::Long => None,
        }
    }

    /// Whether texts in normal form are equal and ordered as the values are.
    #[must_use]
    pub fn compares_as_text(self) -> bool {
        self != Self::Decimal
    }

    /// Whether values of this kind have an order. Bytes are equal or not.
    #[must_use]
    pub fn has_order(self) -> bool {
        self != Self::Binary
    }

    /// How two texts in normal form compare: dates by their instants, decimals by their values,
    /// ids by their bytes.
    #[must_use]
    pub fn compare(self, left: &str, right: &str) -> Ordering {
        if self.compares_as_text() {
            left.cmp(right)
        } else {
            self.key(left).cmp(&self.key(right))
        }
    }
}

fn id(kind: IdKind, text: &str) -> Option<Id> {
    kind.parse(text).ok()
}

/// A whole double as an integer. From 2^53 on doubles are no longer exact.
fn whole(double: f64) -> Option<i64> {
    let is_exact = double.fract() == 0.0 && double.abs() < 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it was just checked")]
    is_exact.then_some(double as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_normal_form() {
        let uuid = "0198c2a7-1b2c-7def-8123-456789abcdef";
        let id = "5973ecc8c453c823e4c471d2";
        for (stored, text, normal) in [
            (Stored::ObjectId, id.to_uppercase(), Some(id)),
            (Stored::ObjectId, "5973".to_owned(), None),
            (Stored::Uuid, uuid.to_uppercase(), Some(uuid)),
            (Stored::Uuid, uuid.replace('-', ""), None),
            (Stored::Uuid, format!("{{{uuid}}}"), None),
            (Stored::Binary, "AP8=".to_owned(), Some("AP8=")),
            (Stored::Binary, String::new(), Some("")),
            (Stored::Binary, "AP8".to_owned(), None),
            (Stored::Binary, "AP9=".to_owned(), None),
        ] {
            let found = stored.normal(&text);
            assert_eq!(found.as_deref(), normal, "{stored:?} {text}");
        }
        let long = |value: Value| Stored::Long.normal_value(&value);
        assert_eq!(long(5.into()), Some(5.into()));
        assert_eq!(long(5.0.into()), Some(5.into()));
        assert_eq!(long(5.5.into()), None);
        assert_eq!(long("5".into()), None);
        for stored in ALL {
            assert_eq!(Stored::named(stored.name()), Some(stored));
        }
    }
}
