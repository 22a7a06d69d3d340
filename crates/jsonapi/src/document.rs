//! Request documents: resource objects, linkage, operations. Members that JSON:API does not define
//! are ignored, as it demands; what it defines must have its shape.

mod resource;
mod linkage;
mod atomic;

use serde_json::Value;

use crate::Error;

pub use atomic::{Operation, OperationCode, OperationData, OperationTarget, operations};
pub use linkage::{Identifier, Linkage, Target};
pub use resource::ResourceObject;

/// The member `data` of a document; `wanted` says what it should be.
fn primary_data(document: Value, wanted: &str) -> Result<Value, Error> {
    let Value::Object(mut root) = document else {
        let detail = "The document must be an object with a 'data' member.";
        return Err(malformed("", detail));
    };
    root.remove("data").ok_or_else(|| {
        let detail = format!("The document has no 'data' member with {wanted}.");
        malformed("", detail)
    })
}

fn malformed(pointer: impl Into<String>, detail: impl Into<String>) -> Error {
    Error::malformed_document(detail).pointer(pointer)
}

/// Values that look like documents, for property tests.
#[cfg(test)]
fn any_json() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;

    let names = [
        "data",
        "type",
        "id",
        "lid",
        "attributes",
        "relationships",
        "op",
        "ref",
        "href",
        "relationship",
        "a/b",
        "@x",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(Value::from(1)),
        prop::sample::select(vec!["add", "update", "remove", "t", ""]).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let member = (prop::sample::select(names.to_vec()), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::Array),
            prop::collection::vec(member, 0..6).prop_map(|members| {
                let members = members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value));
                Value::Object(members.collect())
            }),
        ]
    })
}
