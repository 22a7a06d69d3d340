//! What no store could keep, whatever the schema says.

use serde_json::Value;

use super::Violation;
use super::place::Place;

/// MongoDB keeps `$` at the start of a name and dots for its own operators; NUL ends a name.
pub(super) fn unstorable_name(name: &str) -> Option<Violation> {
    let bad = name.is_empty() || name.starts_with('$') || name.contains(['.', '\0']);
    let reserved = matches!(name, "id" | "type");
    let message = if reserved {
        format!("no attribute can be called '{name}': JSON:API reserves the name")
    } else {
        "a name of an attribute is not empty, does not start with '$' and contains no '.'".into()
    };
    (bad || reserved).then(|| Violation {
        pointer: format!("/{}", jsonapi::pointer_token(name)),
        keyword: "propertyNames".into(),
        message,
    })
}

/// MongoDB has no integers beyond 64 bits with a sign.
pub(super) fn large_integers(value: &Value, place: &Place<'_>, found: &mut Vec<Violation>) {
    match value {
        Value::Number(number) if number.is_u64() && !number.is_i64() => found.push(Violation {
            pointer: place.to_string(),
            keyword: "maximum".into(),
            message: format!("the value is an integer above {}", i64::MAX),
        }),
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                large_integers(element, &place.index(index), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                large_integers(member, &place.name(name), found);
            }
        }
        _ => {}
    }
}
