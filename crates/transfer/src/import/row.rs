//! A row as the resource that is to be stored.

use std::sync::Arc;

use resources::schema::{Attributes, Id, ResourceType};
use resources::{Draft, Failure, IdRule, Reason};
use serde_json::Value;

use crate::Row;

/// A row that can be stored.
pub(super) struct CheckedRow {
    /// The id that the row brings.
    pub(super) id: Option<Id>,
    /// Valid attributes, and the members that hold relationships.
    pub(super) attributes: Attributes,
    /// The values by which it finds the resource whose place it takes.
    pub(super) key: Option<Vec<Value>>,
}

/// The resource of a row, or why the row is not one.
pub(super) fn check(resource_type: &Arc<ResourceType>, row: Row) -> Result<CheckedRow, String> {
    let draft = Draft::plain(resource_type, row.object?);
    let rejected = |failure: Failure| in_one_line(&failure.reason);
    let id = draft
        .new_id(resource_type, IdRule::File)
        .map_err(rejected)?;
    let (members, _) = draft.into_members(resource_type).map_err(rejected)?;
    match resource_type.attributes.validate(members) {
        Ok(attributes) => Ok(CheckedRow {
            id,
            attributes,
            key: None,
        }),
        Err(violations) => Err(in_one_line(&Reason::Invalid(violations))),
    }
}

/// The reason why a row is rejected, for people.
pub(super) fn in_one_line(reason: &Reason) -> String {
    match reason {
        Reason::Invalid(violations) => {
            let reasons: Vec<String> = violations
                .iter()
                .map(|violation| match violation.pointer.as_str() {
                    "" => format!("/: {}", violation.message),
                    pointer => format!("{pointer}: {}", violation.message),
                })
                .collect();
            reasons.join("; ")
        }
        Reason::IdMissing => "the row has no id".to_owned(),
        other => other.to_string(),
    }
}
