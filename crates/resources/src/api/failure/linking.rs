//! What failed because of relationships and conditions.

use http::StatusCode;
use jsonapi::{Error, Errors};

use super::capitalized;
use crate::controller::Reason;
use crate::schema::Violation;

/// The error of such a reason; none for others.
pub(super) fn error(reason: &Reason, singular: &str) -> Option<Error> {
    link(reason, singular)
        .or_else(|| condition(reason, singular))
        .or_else(|| bound(reason, singular))
}

fn link(reason: &Reason, singular: &str) -> Option<Error> {
    let (status, code, title, detail) = match reason {
        Reason::NoRelationship(name) => (
            StatusCode::NOT_FOUND,
            "relationship_not_found",
            "Relationship not found",
            format!("A {singular} has no relationship '{name}'."),
        ),
        Reason::RelatedNotFound { resource_type, id } => (
            StatusCode::NOT_FOUND,
            "related_not_found",
            "Related resource not found",
            format!("There is no resource of the type '{resource_type}' with the id '{id}'."),
        ),
        Reason::Referenced(by) => (
            StatusCode::CONFLICT,
            "still_referenced",
            "Resource is still referenced",
            format!(
                "Resources of the type '{by}' name this {singular}: change or delete them first."
            ),
        ),
        Reason::ToOne(name) => (
            StatusCode::FORBIDDEN,
            "relationship_is_to_one",
            "Relationship is to one resource",
            format!("'{name}' leads to one resource at most: set it with PATCH."),
        ),
        _ => return None,
    };
    Some(Error::new(status, code, title).detail(detail))
}

fn condition(reason: &Reason, singular: &str) -> Option<Error> {
    let failed = |code, title| Error::new(StatusCode::PRECONDITION_FAILED, code, title);
    match reason {
        Reason::Exists(id) => {
            let detail = format!(
                "There is a {singular} with the id '{id}', but 'If-None-Match' wants none."
            );
            Some(failed("already_exists", "Resource exists already").detail(detail))
        }
        Reason::Changed { id, version } => {
            let detail = format!(
                "The {singular} with the id '{id}' has another version now: 'meta.etag' has its \
                 tag."
            );
            let error = failed("version_conflict", "Resource has changed").detail(detail);
            Some(error.meta("etag", format!("\"{version}\"")))
        }
        _ => None,
    }
}

fn bound(reason: &Reason, singular: &str) -> Option<Error> {
    match reason {
        Reason::TooManyIncluded(maximum) => {
            let title = "Too many included resources";
            let detail = format!(
                "An answer includes {maximum} resources at most. Ask for smaller pages, or for less of \
                 each relationship with 'page[RELATIONSHIP][size]'."
            );
            let error = Error::new(StatusCode::BAD_REQUEST, "too_many_included", title);
            Some(error.detail(detail).parameter("include"))
        }
        Reason::TooManyAffected(maximum) => {
            let title = "Too many affected resources";
            let detail = format!(
                "More than {maximum} resources name this {singular}: delete or change some of them \
                 first."
            );
            Some(Error::new(StatusCode::CONFLICT, "too_many_affected", title).detail(detail))
        }
        _ => None,
    }
}

/// Fields that clients cannot write, each with its place.
pub(super) fn forbidden(fields: &[Violation]) -> Errors {
    let error = |field: &Violation| {
        let title = "Field cannot be written";
        let error = Error::new(StatusCode::FORBIDDEN, "field_not_writable", title)
            .detail(format!("{}.", capitalized(&field.message)));
        match field.pointer.as_str() {
            "" => error,
            pointer => error.pointer(pointer),
        }
    };
    Errors::new(fields.iter().map(error).collect())
}
