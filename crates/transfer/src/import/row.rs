//! A row as the resource that is to be stored.

use crate::{Row, RowIds};
use resources::schema::{Attributes, Id, IdKind, ResourceType};
use resources::store::NewResource;
use resources::{Draft, Failure};

/// The resource, or why the row is none.
pub(super) fn new_resource(
    of: &ResourceType,
    row: Row,
    number: u64,
    row_ids: Option<&RowIds>,
) -> Result<NewResource, String> {
    let fresh = || match row_ids {
        Some(row_ids) => row_ids.id(of.id, number),
        None => of.id.generate(),
    };
    checked(of, row.object?, fresh).map_err(|failure| reason(&failure))
}

/// Other than clients, files bring their own ids, whatever the kind.
fn checked(
    of: &ResourceType,
    object: Attributes,
    fresh: impl FnOnce() -> Option<Id>,
) -> Result<NewResource, Failure> {
    let (id, attributes) = Draft::plain(of, object).take_apart(of)?;
    let id = id.map(|(id, _)| id).or_else(fresh);
    if id.is_none() && of.id != IdKind::Integer {
        return Err(Failure::IdMissing);
    }
    Ok(NewResource {
        id,
        attributes: of.attributes.validate(attributes)?,
    })
}

/// In one line, for people.
pub(super) fn reason(failure: &Failure) -> String {
    match failure {
        Failure::Invalid(violations) => {
            let place = |pointer: &str| if pointer.is_empty() { "/" } else { pointer }.to_owned();
            let reasons: Vec<String> = violations
                .iter()
                .map(|violation| format!("{}: {}", place(&violation.pointer), violation.message))
                .collect();
            reasons.join("; ")
        }
        Failure::IdMissing => "the row has no id".to_owned(),
        other => other.to_string(),
    }
}
