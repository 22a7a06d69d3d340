//! Values whose definition says how they are stored, as BSON and as JSON.

use std::io::Write as _;
use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bson::spec::BinarySubtype;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Binary, Bson, DateTime, Decimal128, RawBson, RawBsonRef};
use resources::schema::{Places, Stored, date_of_millis, millis_of_date};
use serde_json::Value;
use uuid::Uuid;

use crate::elements::{Element, Malformed};
use crate::ids;

/// What is said of a member of a value.
pub(crate) fn inside<'p>(places: Option<&'p Places>, name: &[u8]) -> Option<&'p Places> {
    let places = places.filter(|places| !places.is_empty())?;
    places.member(std::str::from_utf8(name).ok()?)
}

/// Writes a value in its JSON form, if it is of the kind that is declared; whether it was.
pub(crate) fn write(
    stored: Stored,
    element: &Element<'_>,
    text: &mut Vec<u8>,
) -> Result<bool, Malformed> {
    let alone = element.alone()?;
    let Some(form) = form(stored, alone.value()?) else {
        return Ok(false);
    };
    // Nothing in such a text needs an escape, and a vector takes whatever is written to it.
    let _ = write!(text, "\"{form}\"");
    Ok(true)
}

/// The text that a value of this kind is in JSON; `None` for one of another kind. A decimal may be
/// `NaN`, `Infinity` or `-Infinity`, which are served and not taken.
fn form(stored: Stored, value: RawBsonRef<'_>) -> Option<String> {
    match (stored, value) {
        (Stored::Date, RawBsonRef::DateTime(date)) => date_of_millis(date.timestamp_millis()),
        (Stored::Decimal, RawBsonRef::Decimal128(number)) => Some(number.to_string()),
        (Stored::ObjectId, RawBsonRef::ObjectId(id)) => Some(id.to_hex()),
        (Stored::Uuid, RawBsonRef::Binary(binary)) if binary.subtype == BinarySubtype::Uuid => {
            let uuid = Uuid::from_slice(binary.bytes).ok()?;
            Some(uuid.to_string())
        }
        (Stored::Binary, RawBsonRef::Binary(binary))
            if binary.subtype == BinarySubtype::Generic =>
        {
            Some(BASE64.encode(binary.bytes))
        }
        _ => None,
    }
}

/// A text in the normal form of a kind as BSON; `None` for any other text.
pub(crate) fn bson(stored: Stored, text: &str) -> Option<Bson> {
    Some(match stored {
        Stored::Date => Bson::DateTime(DateTime::from_millis(millis_of_date(text)?)),
        Stored::Decimal => {
            // Of what is no number the driver would make NaN and infinities.
            let text = stored.normal(text)?;
            Bson::Decimal128(Decimal128::from_str(&text).ok()?)
        }
        Stored::ObjectId => Bson::ObjectId(ObjectId::parse_str(text).ok()?),
        Stored::Uuid => Bson::Binary(ids::binary(&Uuid::try_parse(text).ok()?)),
        Stored::Binary => Bson::Binary(Binary {
            subtype: BinarySubtype::Generic,
            bytes: BASE64.decode(text).ok()?,
        }),
        Stored::Long => return None,
    })
}

/// A JSON value as it is declared to be stored; `None` for one that cannot be stored so, null
/// included.
pub(crate) fn raw(stored: Stored, value: &Value) -> Option<RawBson> {
    match value {
        Value::Number(number) if stored == Stored::Long => number.as_i64().map(RawBson::Int64),
        Value::String(text) => RawBson::try_from(bson(stored, text)?).ok(),
        _ => None,
    }
}

/// The types of BSON that values of a kind have, as `$type` calls them.
pub(crate) fn types(stored: Stored) -> &'static [&'static str] {
    match stored {
        Stored::Date => &["date"],
        Stored::Decimal => &["decimal"],
        Stored::ObjectId => &["objectId"],
        Stored::Uuid | Stored::Binary => &["binData"],
        Stored::Long => &["long"],
    }
}

/// What a stored value is called, and how it is declared, if it can be, where its JSON does not
/// tell what it is.
pub(crate) fn kind(value: RawBsonRef<'_>) -> Option<(&'static str, Option<Stored>)> {
    Some(match value {
        RawBsonRef::DateTime(_) => ("date", Some(Stored::Date)),
        RawBsonRef::Decimal128(_) => ("decimal number", Some(Stored::Decimal)),
        RawBsonRef::ObjectId(_) => ("ObjectId", Some(Stored::ObjectId)),
        RawBsonRef::Binary(binary) => match binary.subtype {
            BinarySubtype::Uuid => ("UUID", Some(Stored::Uuid)),
            BinarySubtype::Generic => ("binary value", Some(Stored::Binary)),
            _ => ("binary value of a subtype", None),
        },
        RawBsonRef::Timestamp(_) => ("timestamp", None),
        RawBsonRef::RegularExpression(_) => ("regular expression", None),
        RawBsonRef::JavaScriptCode(_) | RawBsonRef::JavaScriptCodeWithScope(_) => {
            ("piece of code", None)
        }
        RawBsonRef::Symbol(_) => ("symbol", None),
        RawBsonRef::DbPointer(_) => ("pointer", None),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn served(stored: Stored, value: &RawBson) -> Option<String> {
        form(stored, value.as_raw_bson_ref())
    }

    #[test]
    fn what_is_declared_is_stored_so_and_served_as_it_was_given() {
        for (stored, text) in [
            (Stored::Date, "2026-01-31T08:30:00.000Z"),
            (Stored::Date, "0000-01-01T00:00:00.000Z"),
            (Stored::ObjectId, "5973ecc8c453c823e4c471d2"),
            (Stored::Uuid, "0198c2a7-1b2c-7def-8123-456789abcdef"),
            (Stored::Binary, "AP8="),
            (Stored::Decimal, "12.50"),
            (Stored::Decimal, "-0"),
            (Stored::Decimal, "1.000000000000000000000000000000000E+6144"),
            (Stored::Decimal, "1E-6176"),
        ] {
            let raw = raw(stored, &json!(text)).unwrap();
            assert_eq!(served(stored, &raw).as_deref(), Some(text));
            assert_eq!(kind(raw.as_raw_bson_ref()).unwrap().1, Some(stored));
        }
        assert_eq!(raw(Stored::Long, &json!(5)), Some(RawBson::Int64(5)));
        for stored in [
            Stored::Date,
            Stored::Decimal,
            Stored::Uuid,
            Stored::ObjectId,
        ] {
            assert_eq!(raw(stored, &json!("soon")), None, "{stored:?}");
            assert_eq!(served(stored, &RawBson::String("soon".into())), None);
        }
    }

    proptest! {
        #[test]
        fn decimals_are_served_in_the_normal_form(
            digits in "[0-9]{1,34}", power in -6200_i32..6200, is_negative: bool
        ) {
            let sign = if is_negative { "-" } else { "" };
            let text = format!("{sign}{digits}E{power}");
            if let Some(normal) = Stored::Decimal.normal(&text) {
                let raw = raw(Stored::Decimal, &json!(text)).unwrap();
                prop_assert_eq!(served(Stored::Decimal, &raw), Some(normal));
            }
        }
    }
}
