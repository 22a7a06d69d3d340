//! Single values that filters compare with.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::schema::{Kinds, Stored};

/// A value that is neither null nor made of others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// `true` or `false`; false is less.
    Boolean(bool),
    /// An integer of 64 bits or a double.
    Number(Number),
    /// A text; its bytes in UTF-8 decide the order.
    Text(String),
    /// A text in the normal form of what it is stored as, which decides the order.
    Stored(Stored, String),
}

impl Scalar {
    /// The scalar that a JSON value is, if it is one.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Boolean(*value)),
            Value::Number(number) => Some(Self::Number(number.clone())),
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kinds {
        match self {
            Self::Boolean(_) => Kinds::BOOLEAN,
            Self::Number(_) => Kinds::NUMBER,
            Self::Text(_) | Self::Stored(..) => Kinds::TEXT,
        }
    }

    /// How it is stored, where that is otherwise than JSON has it.
    #[must_use]
    pub fn stored(&self) -> Option<Stored> {
        match self {
            Self::Stored(stored, _) => Some(*stored),
            Self::Boolean(_) | Self::Number(_) | Self::Text(_) => None,
        }
    }

    /// The JSON value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Boolean(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) | Self::Stored(_, text) => Value::String(text.clone()),
        }
    }

    /// How it compares with a JSON value, from the value's side; `None` for a value of another
    /// kind.
    #[must_use]
    pub fn compare_to(&self, value: &Value) -> Option<Ordering> {
        match (value, self) {
            (Value::Bool(value), Self::Boolean(other)) => Some(value.cmp(other)),
            (Value::Number(value), Self::Number(other)) => Some(compare_numbers(value, other)),
            (Value::String(value), Self::Text(other)) => Some(value.as_str().cmp(other)),
            (Value::String(value), Self::Stored(stored, other)) => {
                let is_one = stored.compares_as_text() || stored.key(value).is_some();
                is_one.then(|| stored.compare(value, other))
            }
            _ => None,
        }
    }
}

/// Numbers by their exact values, whether they are integers or doubles.
pub(super) fn compare_numbers(left: &Number, right: &Number) -> Ordering {
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(left), None) => compare_with_double(left, double(right)),
        (None, Some(right)) => compare_with_double(right, double(left)).reverse(),
        (None, None) => double(left)
            .partial_cmp(&double(right))
            .unwrap_or(Ordering::Equal),
    }
}

fn integer(number: &Number) -> Option<i128> {
    let unsigned = || number.as_u64().map(i128::from);
    number.as_i64().map(i128::from).or_else(unsigned)
}

/// JSON has no numbers that are not finite.
fn double(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default()
}

/// An integer of 65 bits at most is compared without rounding.
fn compare_with_double(integer: i128, double: f64) -> Ordering {
    const BEYOND: f64 = 1e20;
    if double >= BEYOND {
        return Ordering::Less;
    }
    if double <= -BEYOND {
        return Ordering::Greater;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the bounds were just checked"
    )]
    let whole = double.trunc() as i128;
    integer.cmp(&whole).then_with(|| {
        let fraction = double.fract();
        0.0.partial_cmp(&fraction).unwrap_or(Ordering::Equal)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_compare_by_their_exact_values() {
        let ascending = [
            json!(-1e300),
            json!(i64::MIN),
            json!(-1.5),
            json!(-1),
            json!(0),
            json!(0.5),
            json!(1),
            json!(9_007_199_254_740_992_i64),
            json!(9_007_199_254_740_993_i64),
            json!(9_007_199_254_740_994.0),
            json!(i64::MAX),
            json!(9_223_372_036_854_775_808.0),
            json!(1e300),
        ];
        for (place, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                let scalar = Scalar::of(right).unwrap();
                assert_eq!(
                    scalar.compare_to(left),
                    Some(place.cmp(&other)),
                    "{left} {right}"
                );
            }
        }
        let one = Scalar::of(&json!(1)).unwrap();
        assert_eq!(one.compare_to(&json!(1.0)), Some(Ordering::Equal));
    }

    #[test]
    fn values_of_other_kinds_do_not_compare() {
        let one = Scalar::of(&json!(1)).unwrap();
        for other in [json!("1"), json!(true), json!(null), json!([1]), json!({})] {
            assert_eq!(one.compare_to(&other), None, "{other}");
        }
    }
}
