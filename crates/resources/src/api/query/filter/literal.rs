//! Texts of a filter as values of the declared type.

use std::sync::LazyLock;

use jsonapi::filter::Literal;
use jsonschema::Validator;
use serde_json::{Number, Value, json};

use super::{Mistake, mistake};
use crate::query::Scalar;
use crate::schema::{Declared, Id, IdKind, Kinds, Stored};

/// The values that a literal may stand for, at least one, the likeliest first. Where nothing is
/// declared `5` may be a number or a text.
pub(super) fn scalars(
    declared: &Declared,
    literal: &Literal,
    names: &[String],
) -> Result<Vec<Scalar>, Mistake> {
    let (kinds, text) = (declared.kinds(), &literal.text);
    let mut scalars = Vec::new();
    if kinds.has(Kinds::BOOLEAN)
        && let Ok(value) = text.parse()
    {
        scalars.push(Scalar::Boolean(value));
    }
    if kinds.has(Kinds::NUMBER)
        && let Some(number) = number(text)
        && (!declared.is_integer() || is_whole(&number))
    {
        scalars.push(Scalar::Number(number));
    }
    if let Some(stored) = declared.stored() {
        scalars.extend(stored.normal(text).map(|text| Scalar::Stored(stored, text)));
    } else if kinds.has(Kinds::TEXT) && has_format(declared.format(), text) {
        scalars.push(Scalar::Text(text.clone()));
    }
    if scalars.is_empty() {
        let name = names.join(".");
        return mistake(literal.at, format!("'{name}' {}", wanted(declared)));
    }
    Ok(scalars)
}

/// The longest text that is looked for in others, in bytes.
const SOUGHT_BYTES_MAX: usize = 2048;

/// Refuses what is too long to be looked for in texts.
pub(super) fn sought(literal: &Literal) -> Result<String, Mistake> {
    if literal.text.len() > SOUGHT_BYTES_MAX {
        let reason = format!("A text to look for has {SOUGHT_BYTES_MAX} bytes at most");
        return mistake(literal.at, reason);
    }
    Ok(literal.text.clone())
}

/// Refuses what can be no text.
pub(super) fn text(declared: &Declared, at: usize, names: &[String]) -> Result<(), Mistake> {
    let name = names.join(".");
    match declared.stored() {
        Some(stored) => {
            let stored = stored.name();
            let reason = format!("'{name}' is stored as '{stored}', and has no part of a text");
            mistake(at, reason)
        }
        None if declared.kinds().has(Kinds::TEXT) => Ok(()),
        None => mistake(at, format!("'{name}' is no text")),
    }
}

/// Refuses what has no order.
pub(super) fn ordered(declared: &Declared, at: usize, names: &[String]) -> Result<(), Mistake> {
    if declared.stored().is_none_or(Stored::has_order) {
        return Ok(());
    }
    let name = names.join(".");
    mistake(
        at,
        format!("'{name}' has bytes, which are equal or not and have no order"),
    )
}

pub(super) fn ids(kind: IdKind, literals: &[Literal]) -> Result<Vec<Id>, Mistake> {
    let id = |literal: &Literal| {
        let id = kind.parse(&literal.text);
        id.or_else(|invalid| mistake(literal.at, invalid.to_string()))
    };
    literals.iter().map(id).collect()
}

pub(super) fn count(literal: &Literal) -> Result<u64, Mistake> {
    let number = literal.text.parse();
    number.or_else(|_| mistake(literal.at, "A number of elements is wanted, such as 2"))
}

pub(super) fn array(declared: &Declared, at: usize, names: &[String]) -> Result<(), Mistake> {
    if declared.kinds().has(Kinds::ARRAY) {
        return Ok(());
    }
    mistake(at, format!("'{}' is no array", names.join(".")))
}

/// A number as JSON writes it.
fn number(text: &str) -> Option<Number> {
    match serde_json::from_str(text) {
        Ok(Value::Number(number)) => Some(number),
        _ => None,
    }
}

fn is_whole(number: &Number) -> bool {
    number.as_f64().is_some_and(|number| number.fract() == 0.0)
}

/// What would be right.
fn wanted(declared: &Declared) -> String {
    let kinds = declared.kinds();
    if kinds.are_within(Kinds::ARRAY.and(Kinds::OBJECT).and(Kinds::NULL)) {
        let is_array = kinds.has(Kinds::ARRAY);
        let hint = if is_array {
            "is an array: use anyElement(…) or size(…)"
        } else {
            "is an object: name a member of it"
        };
        return hint.to_owned();
    }
    let number = if declared.is_integer() {
        "an integer, such as 5"
    } else {
        "a number, such as 9.5"
    };
    let text = match declared.format() {
        _ if let Some(stored) = declared.stored() => stored.wanted(),
        Some("date") => "a date, such as '2026-01-31'",
        Some("date-time") => "a date with its time, such as '2026-01-31T08:30:00Z'",
        Some("time") => "a time, such as '08:30:00Z'",
        Some("uuid") => "a UUID",
        _ => "a text",
    };
    let wanted: Vec<&str> = [
        (Kinds::NUMBER, number),
        (Kinds::BOOLEAN, "true or false"),
        (Kinds::TEXT, text),
    ]
    .into_iter()
    .filter(|(kind, _)| kinds.has(*kind))
    .map(|(_, words)| words)
    .collect();
    format!("takes {}", wanted.join(" or "))
}

/// Whether a text has a format in which values are compared. Other formats are not looked at: part
/// of a URL is something to look for.
fn has_format(format: Option<&str>, text: &str) -> bool {
    #[expect(
        clippy::unwrap_used,
        reason = "the schemas are part of the program; a test compiles them"
    )]
    static FORMATS: LazyLock<[(&str, Validator); 4]> = LazyLock::new(|| {
        ["date", "date-time", "time", "uuid"].map(|format| {
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            (format, options.build(&json!({ "format": format })).unwrap())
        })
    });
    let known = FORMATS.iter().find(|(known, _)| Some(*known) == format);
    known.is_none_or(|(_, validator)| validator.is_valid(&Value::from(text)))
}
