//! What the server does not store, because of the document and not of itself.

use mongodb::error::{Error, ErrorKind, WriteFailure};

use super::Failure;
use crate::indexes;
use resources::schema::{Id, ResourceType, Violation};
use resources::store::Refusal;

pub(in super::super) const DUPLICATE_KEY: i32 = 11000;

/// The refusal behind a duplicate key, if that is what it is.
pub(in super::super) fn duplicate(of: &ResourceType, id: &Id, error: Error) -> Failure {
    let message = match error.kind.as_ref() {
        ErrorKind::Command(command) if command.code == DUPLICATE_KEY => &command.message,
        ErrorKind::Write(WriteFailure::WriteError(write)) if write.code == DUPLICATE_KEY => {
            &write.message
        }
        ErrorKind::Write(WriteFailure::WriteError(write)) => {
            return refused_document(write.code).map_or(Failure::Driver(error), Failure::Refused);
        }
        _ => return Failure::Driver(error),
    };
    Failure::Refused(duplicate_key(of, id, message))
}

/// Why the server does not take a document, where that lies in the document. The server's own
/// text is left out: it repeats values.
pub(in super::super) fn refused_document(code: i32) -> Option<Refusal> {
    let reason = match code {
        121 => "the collection has a rule (a validator) that it does not keep",
        10334 | 17419 => return Some(document_too_large()),
        2 => "it has a value that MongoDB does not take there",
        52 | 55 | 56 | 57 => "it has a name that MongoDB does not take there",
        171 => "two of its lists are in the same index",
        201 | 16755 | 17280 => "one of its values does not fit an index of the collection",
        _ => return None,
    };
    Some(refused_by_server(format!(
        "{reason} (MongoDB's code {code})"
    )))
}

/// Larger than any server takes.
pub(in super::super) fn document_too_large() -> Refusal {
    refused_by_server("it is larger than a document of MongoDB may be, 16 MiB".to_owned())
}

fn refused_by_server(message: String) -> Refusal {
    Refusal::Invalid(vec![Violation {
        pointer: String::new(),
        keyword: "datastore".to_owned(),
        message,
    }])
}

/// The driver passes on only the text of a write error, and the text names only the index:
/// `E11000 duplicate key error collection: test.users index: mail_1 dup key: { … }`.
pub(in super::super) fn duplicate_key(of: &ResourceType, id: &Id, message: &str) -> Refusal {
    let index = message
        .split_once(" index: ")
        .map_or("", |(_, rest)| rest)
        .split(" dup key:")
        .next()
        .unwrap_or_default()
        .split(" collation:")
        .next()
        .unwrap_or_default();
    if index == "_id_" {
        return Refusal::IdTaken(id.clone());
    }
    let declared = of
        .indexes
        .iter()
        .find(|declared| indexes::is_called(declared, index));
    Refusal::NotUnique(declared.map_or_else(
        || index.to_owned(),
        resources::schema::Index::attribute_names,
    ))
}
