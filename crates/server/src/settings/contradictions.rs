//! Values that are fine by themselves and cannot work together.

use super::{Effective, Settings};

/// What is wrong with values of different settings together, each named with its origin.
pub(super) fn find(settings: &Settings, values: &[Effective]) -> Vec<String> {
    let operation = settings.mongo_operation_timeout_ms;
    let request = settings.request_timeout_ms;
    if settings.mongo_uri.is_none() {
        return Vec::new();
    }
    if operation == 0 {
        let setting = named(values, "mongo_operation_timeout_ms");
        return vec![format!(
            "{setting}: no request to MongoDB would have time for an answer; it must be at least 1"
        )];
    }
    if operation < request {
        return Vec::new();
    }
    let (shorter, longer) = (
        named(values, "mongo_operation_timeout_ms"),
        named(values, "request_timeout_ms"),
    );
    vec![format!(
        "{shorter} must be less than {longer}: requests would be answered with 504 before it is \
         known what MongoDB did"
    )]
}

/// `the setting 'name' (origin): 'value'`
fn named(values: &[Effective], name: &str) -> String {
    let value = values.iter().find(|value| value.setting.name == name);
    let (origin, text) = value.map_or_else(Default::default, |value| {
        (value.origin.to_string(), value.text.as_str())
    });
    format!("the setting '{name}' ({origin}): '{text}'")
}
