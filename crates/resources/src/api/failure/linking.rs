//! What failed because of relationships and conditions.

use http::StatusCode;
use jsonapi::{Error, Errors};

use super::capitalized;
use crate::controller::Reason;
use crate::schema::Violation;

/// The error of such a reason; none for others.
pub(super) fn error(reason: &Reason, singular: &str) -> Option<Error> {
    let words = linking(reason, singular).or_else(|| condition(reason, singular));
    let (status, code, title, detail) = words.or_else(|| bound(reason, singular))?;
    let error = Error::new(status, code, title).detail(detail);
    Some(match reason {
        Reason::Changed { version, .. } => error.meta("etag", format!("\"{version}\"")),
        Reason::TooManyIncluded(_) => error.parameter("include"),
        _ => error,
    })
}

/// A status, a code, a title and a detail.
type Words = (StatusCode, &'static str, &'static str, String);

/// Relationships that are not as the request wants them.
fn linking(reason: &Reason, singular: &str) -> Option<Words> {
    Some(match reason {
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
    })
}

/// Conditions that do not hold.
fn condition(reason: &Reason, singular: &str) -> Option<Words> {
    Some(match reason {
        Reason::Exists(id) => (
            StatusCode::PRECONDITION_FAILED,
            "already_exists",
            "Resource exists already",
            format!("There is a {singular} with the id '{id}', but 'If-None-Match' wants none."),
        ),
        Reason::Changed { id, .. } => (
            StatusCode::PRECONDITION_FAILED,
            "version_conflict",
            "Resource has changed",
            format!(
                "The {singular} with the id '{id}' has another version now: 'meta.etag' has its tag."
            ),
        ),
        _ => return None,
    })
}

/// More than one request may ask for.
fn bound(reason: &Reason, singular: &str) -> Option<Words> {
    Some(match reason {
        Reason::TooManyIncluded(maximum) => (
            StatusCode::BAD_REQUEST,
            "too_many_included",
            "Too many included resources",
            format!(
                "An answer includes {maximum} resources at most. Ask for smaller pages, or for less of \
                 each relationship with 'page[RELATIONSHIP][size]'."
            ),
        ),
        Reason::TooManyAffected(maximum) => (
            StatusCode::CONFLICT,
            "too_many_affected",
            "Too many affected resources",
            format!(
                "More than {maximum} resources name this {singular}: delete or change some of them first."
            ),
        ),
        _ => return None,
    })
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
