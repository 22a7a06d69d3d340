//! Scalars and sort values of queries as BSON.

use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, doc};
use resources::query::{Comparison, Scalar, SortValue};
use serde_json::Number;

use crate::kinds;

/// A comparison with a value of BSON that holds for the same stored values as that with a scalar.
pub(crate) fn comparable(comparison: Comparison, scalar: &Scalar) -> (Comparison, Bson) {
    match (scalar, comparison) {
        (Scalar::Boolean(value), _) => (comparison, Bson::Boolean(*value)),
        (Scalar::Text(text), _) => (comparison, Bson::String(text.clone())),
        // No stored value compares with what is in no normal form.
        (Scalar::Stored(stored, text), _) => {
            let value = kinds::bson(*stored, text);
            (comparison, value.unwrap_or(Bson::Undefined))
        }
        (Scalar::Number(number), Comparison::Equal) => {
            // What no stored number is equal to is like a number that none is.
            (comparison, exact(number).unwrap_or(Bson::Double(f64::NAN)))
        }
        (Scalar::Number(number), _) => match exact(number) {
            Some(exact) => (comparison, exact),
            None => beside(comparison, number),
        },
    }
}

/// What a stored value that equals the scalar equals too; none where no stored value can.
pub(crate) fn equal(scalar: &Scalar) -> Option<Bson> {
    match scalar {
        Scalar::Number(number) => exact(number),
        Scalar::Stored(stored, text) => kinds::bson(*stored, text),
        _ => Some(comparable(Comparison::Equal, scalar).1),
    }
}

/// The number as BSON has it, unless it is an integer from 2^63 that no double is.
fn exact(number: &Number) -> Option<Bson> {
    if let Some(integer) = number.as_i64() {
        return Some(Bson::Int64(integer));
    }
    let double = number.as_f64()?;
    let is_double = number
        .as_u64()
        .is_none_or(|integer| is_exactly(double, integer));
    is_double.then_some(Bson::Double(double))
}

/// Compares with the double next to an integer from 2^63, between which and it no number is
/// stored.
fn beside(comparison: Comparison, number: &Number) -> (Comparison, Bson) {
    let double = number.as_f64().unwrap_or(f64::MAX);
    let is_above = number
        .as_u64()
        .is_some_and(|integer| as_integer(double) > u128::from(integer));
    let comparison = match comparison {
        Comparison::Less | Comparison::LessOrEqual if is_above => Comparison::Less,
        Comparison::Less | Comparison::LessOrEqual => Comparison::LessOrEqual,
        Comparison::Greater | Comparison::GreaterOrEqual if is_above => Comparison::GreaterOrEqual,
        Comparison::Greater | Comparison::GreaterOrEqual => Comparison::Greater,
        Comparison::Equal => Comparison::Equal,
    };
    (comparison, Bson::Double(double))
}

fn is_exactly(double: f64, integer: u64) -> bool {
    as_integer(double) == u128::from(integer)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the double is a whole number from 2^63 to 2^64"
)]
fn as_integer(double: f64) -> u128 {
    double as u128
}

/// A value that stands among those of a sort key as the sort value does among sort values.
///
/// All objects are equal to a sort, and so are all arrays, which MongoDB would sort by their
/// elements: a binary value has their place among the kinds.
pub(crate) fn of_sort(value: &SortValue) -> Bson {
    match value {
        SortValue::Nothing => Bson::Null,
        SortValue::Number(number) => exact(number).unwrap_or(Bson::Null),
        SortValue::Text(text) => Bson::String(text.clone()),
        SortValue::Stored(stored, text) => {
            let value = kinds::bson(*stored, text);
            value.unwrap_or_else(|| Bson::String(text.clone()))
        }
        SortValue::Object => doc! {}.into(),
        SortValue::Array => Bson::Binary(Binary {
            subtype: BinarySubtype::Generic,
            bytes: Vec::new(),
        }),
        SortValue::Boolean(value) => Bson::Boolean(*value),
    }
}
