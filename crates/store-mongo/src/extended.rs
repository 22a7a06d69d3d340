//! The objects of MongoDB Extended JSON v2 that stand for one value.

use bson::Bson;
use serde_json::{Map, Value};

/// Marks an object that is stored as it is, though it looks like one of the others.
pub(crate) const LITERAL: &str = "$literal";

/// What an object of JSON stands for.
pub(crate) enum Meaning<'a> {
    /// A value of one of BSON's own types.
    Value(Bson),
    /// The object within, whatever it looks like.
    Literal(&'a Map<String, Value>),
    /// An object like any other.
    Plain,
}

/// Whether a value is one of the objects that stand for another value.
pub(crate) fn is(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|object| !matches!(meaning(object), Meaning::Plain))
}

/// An object that differs from Extended JSON in any way is plain and stays as it is.
pub(crate) fn meaning(object: &Map<String, Value>) -> Meaning<'_> {
    let Some((name, value)) = object.iter().next() else {
        return Meaning::Plain;
    };
    if !name.starts_with('$') {
        return Meaning::Plain;
    }
    let members: Vec<&str> = object.keys().map(String::as_str).collect();
    match members.as_slice() {
        // The driver's reader would take milliseconds too, which is no form of version 2.
        ["$date"] if value.is_number() => Meaning::Plain,
        [LITERAL] => value.as_object().map_or(Meaning::Plain, Meaning::Literal),
        ["$code", "$scope"]
        | [
            "$oid" | "$date" | "$numberDecimal" | "$binary" | "$uuid" | "$regularExpression"
            | "$timestamp" | "$symbol" | "$code" | "$dbPointer" | "$undefined" | "$minKey"
            | "$maxKey" | "$numberDouble" | "$numberInt" | "$numberLong",
        ] => match Bson::try_from(Value::Object(object.clone())) {
            Ok(Bson::Document(_)) | Err(_) => Meaning::Plain,
            Ok(value) => Meaning::Value(value),
        },
        _ => Meaning::Plain,
    }
}
