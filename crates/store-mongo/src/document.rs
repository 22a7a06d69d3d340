//! Attributes as the document that is stored.

mod place;
mod value;

use bson::raw::CStr;
use bson::{RawBson, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use resources::schema::{Attributes, Id, ResourceType, Violation};
use resources::store::Refusal;
use serde_json::Value;
use uuid::Uuid;

use self::place::JsonPath;
use self::value::Known;
use crate::{failure, ids, links};

/// The largest document that MongoDB stores.
const BYTES_MAX: usize = 16 << 20;

/// A new document.
pub(crate) fn new(
    resource_type: &ResourceType,
    id: &Id,
    attributes: &Attributes,
) -> Result<RawDocumentBuf, Refusal> {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), ids::to_raw(id));
    if ids::have_position(resource_type) {
        let position = ids::binary(&Uuid::now_v7());
        document.append(cstr!("_position"), position);
    }
    append_attributes(&mut document, resource_type, attributes, None)?;
    within_the_limit(document)
}

/// The document that takes the place of another; the store's own fields stay.
pub(crate) fn replacement(
    resource_type: &ResourceType,
    before: &RawDocument,
    attributes: &Attributes,
) -> Result<RawDocumentBuf, Refusal> {
    let mut document = RawDocumentBuf::new();
    for (name, value) in before.iter().flatten() {
        if ids::is_reserved(resource_type, name.as_str()) {
            document.append(name, value);
        }
    }
    append_attributes(&mut document, resource_type, attributes, Some(before))?;
    within_the_limit(replaceable(document)?)
}

/// A document with some attributes changed. Existing attributes keep their positions.
pub(crate) fn changed(
    resource_type: &ResourceType,
    before: &RawDocument,
    changes: &Attributes,
) -> Result<RawDocumentBuf, Refusal> {
    let mut document = RawDocumentBuf::new();
    let mut added = changes.clone();
    for (name, value) in before.iter().flatten() {
        let reserved = ids::is_reserved(resource_type, name.as_str());
        match changes.get(name.as_str()).filter(|_| !reserved) {
            Some(change) => {
                let path = JsonPath::new(name.as_str());
                let change = member(resource_type, name.as_str(), change, Some(value), &path);
                let change = change.map_err(invalid)?;
                document.append(name, change);
                added.shift_remove(name.as_str());
            }
            None => document.append(name, value),
        }
    }
    append_attributes(&mut document, resource_type, &added, None)?;
    within_the_limit(replaceable(document)?)
}

/// MongoDB stores documents with attributes like `$set`, but takes none in another's place.
fn replaceable(document: RawDocumentBuf) -> Result<RawDocumentBuf, Refusal> {
    let mut names = document.iter().flatten().map(|(name, _)| name.as_str());
    match names.find(|name| name.starts_with('$')) {
        Some(name) => {
            let message = "MongoDB changes no resource that has an attribute whose name begins \
                           with '$'; delete it and store it anew";
            let violation = JsonPath::new(name).violation("propertyNames", message.to_owned());
            Err(invalid(violation))
        }
        None => Ok(document),
    }
}

/// The driver fails a whole batch for one document that is too large.
fn within_the_limit(document: RawDocumentBuf) -> Result<RawDocumentBuf, Refusal> {
    if document.as_bytes().len() > BYTES_MAX {
        return Err(failure::document_too_large());
    }
    Ok(document)
}

/// Whether a document has values of the type `undefined`, which servers take in no comparison.
pub(crate) fn has_undefined(document: &RawDocument) -> bool {
    document
        .iter()
        .flatten()
        .any(|(_, value)| is_undefined(value))
}

fn is_undefined(value: RawBsonRef<'_>) -> bool {
    match value {
        RawBsonRef::Undefined => true,
        RawBsonRef::Document(document) => has_undefined(document),
        RawBsonRef::Array(elements) => elements.into_iter().flatten().any(is_undefined),
        _ => false,
    }
}

fn append_attributes(
    document: &mut RawDocumentBuf,
    resource_type: &ResourceType,
    attributes: &Attributes,
    before: Option<&RawDocument>,
) -> Result<(), Refusal> {
    for (name, value) in attributes {
        let path = JsonPath::new(name);
        if ids::is_reserved(resource_type, name) {
            let message = format!("'{name}' is kept by the store for itself");
            return Err(invalid(path.violation("propertyNames", message)));
        }
        let key = c_string(name, &path).map_err(invalid)?;
        let kept = before.and_then(|before| before.get(name).ok().flatten());
        let value = member(resource_type, name, value, kept, &path);
        document.append(key, value.map_err(invalid)?);
    }
    Ok(())
}

/// One member of the document itself, which may be that of a relationship.
fn member(
    resource_type: &ResourceType,
    name: &str,
    value: &Value,
    kept: Option<RawBsonRef<'_>>,
    path: &JsonPath<'_>,
) -> Result<RawBson, Violation> {
    let links = links::kind(resource_type, name);
    if let Some(link) = links.and_then(|kind| links::raw(kind, value)) {
        return Ok(link);
    }
    let places = resource_type.attributes.stored().member(name);
    let known = Known { kept, places };
    match value {
        Value::Array(items) => value::raw_array(items, known, path, links),
        _ => value::raw(value, known, path),
    }
}

/// The names of BSON end with NUL and so cannot hold one.
fn c_string<'a>(name: &'a str, path: &JsonPath<'_>) -> Result<&'a CStr, Violation> {
    <&CStr>::try_from(name).map_err(|_| {
        let message = "a name contains no NUL character".to_owned();
        path.violation("propertyNames", message)
    })
}

fn invalid(violation: Violation) -> Refusal {
    Refusal::Invalid(vec![violation])
}
