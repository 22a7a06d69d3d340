//! Documents that the server does not store, because of what they hold.

use mongodb::error::{Error, ErrorKind, WriteFailure};
use resources::schema::{Id, ResourceType, Violation};
use resources::store::Refusal;

use crate::declared_indexes;

pub(super) const DUPLICATE_KEY: i32 = 11000;

/// The refusal of a document that one request was about, if that is what the error says.
pub(super) fn refusal(resource_type: &ResourceType, id: &Id, error: &Error) -> Option<Refusal> {
    match error.kind.as_ref() {
        ErrorKind::Command(command) if command.code == DUPLICATE_KEY => {
            Some(duplicate_key(resource_type, id, &command.message))
        }
        ErrorKind::Write(WriteFailure::WriteError(write)) => {
            refusal_of_document(resource_type, id, write.code, &write.message)
        }
        _ => None,
    }
}

/// Whether a code of a write error is about the document alone.
pub(super) fn is_of_document(code: i32) -> bool {
    code == DUPLICATE_KEY || reason(code).is_some()
}

/// Why the server does not take a document, where that lies in the document. The server's own
/// text is left out, because it repeats values.
pub(crate) fn refusal_of_document(
    resource_type: &ResourceType,
    id: &Id,
    code: i32,
    message: &str,
) -> Option<Refusal> {
    if code == DUPLICATE_KEY {
        return Some(duplicate_key(resource_type, id, message));
    }
    reason(code).map(|reason| refused_by_server(format!("{reason} (MongoDB's code {code})")))
}

fn reason(code: i32) -> Option<&'static str> {
    Some(match code {
        121 => "the collection has a rule (a validator) that it does not keep",
        10334 | 17419 => TOO_LARGE,
        2 => "it has a value that MongoDB does not take there",
        52 | 55 | 56 | 57 => "it has a name that MongoDB does not take there",
        171 => "two of its lists are in the same index",
        201 | 16755 | 17280 => "one of its values does not fit an index of the collection",
        _ => return None,
    })
}

const TOO_LARGE: &str = "it is larger than a document of MongoDB may be, 16 MiB";

/// Larger than any server takes.
pub(crate) fn document_too_large() -> Refusal {
    refused_by_server(TOO_LARGE.to_owned())
}

/// Only a transaction changes such a document safely, and the server has none.
pub(super) fn incomparable() -> Refusal {
    let text = "what is stored is over 7 MiB, or has two fields of one name or a value of the type \
                undefined: MongoDB can replace and delete it, but changes it safely only as a \
                replica set (one member is enough) or a sharded cluster";
    refused_by_server(text.to_owned())
}

fn refused_by_server(message: String) -> Refusal {
    Refusal::Invalid(vec![Violation {
        pointer: String::new(),
        keyword: "datastore".to_owned(),
        message,
    }])
}

/// The refusal of a document that clashes with another one.
fn duplicate_key(resource_type: &ResourceType, id: &Id, message: &str) -> Refusal {
    let index = index_of_duplicate(message).unwrap_or_default();
    if index == "_id_" {
        return Refusal::IdTaken(id.clone());
    }
    let mut declared = resource_type.indexes.iter();
    let declared = declared.find(|declared| declared_indexes::is_called(declared, index));
    Refusal::NotUnique(declared.map_or_else(
        || index.to_owned(),
        resources::schema::Index::attribute_names,
    ))
}

/// The index in the text of a duplicate key, the only place that has its name:
/// `E11000 duplicate key error collection: test.users index: mail_1 dup key: { … }`.
pub(super) fn index_of_duplicate(message: &str) -> Option<&str> {
    let (_, index) = message.split_once(" index: ")?;
    let (index, _) = index.split_once(" dup key:")?;
    Some(index.split(" collation:").next().unwrap_or(index))
}
