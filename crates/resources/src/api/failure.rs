//! Failure to status: the only place in the crate that says what failed operations answer.

use std::error::Error as StdError;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jsonapi::{Error, Errors};

use super::Service;
use super::body::Layout;
use crate::controller::{Failure, IdPlace};
use crate::repository::RepositoryError;
use crate::schema::{ResourceType, Violation};

/// Seconds after which a client may try again when the store was unavailable.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

impl Service {
    /// The answer to a failed operation; `layout` is that of the body, for pointers into it.
    pub(super) fn refuse(&self, failure: Failure, layout: Layout) -> Response {
        let of = self.resource_type();
        let place = self.controller.store_place();
        let mut response = errors(&failure, of, layout, place).into_response();
        // What may have been done already must not be tried again without a look.
        let unknown = matches!(failure, Failure::Store(RepositoryError::OutcomeUnknown(_)));
        if response.status() == StatusCode::SERVICE_UNAVAILABLE && !unknown {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if response.status().is_server_error() {
            // The reason is for the log, not for the client.
            let reason: Arc<dyn StdError + Send + Sync> = Arc::new(failure);
            response.extensions_mut().insert(reason);
        }
        response
    }
}

fn errors(failure: &Failure, of: &ResourceType, layout: Layout, store: Option<&str>) -> Errors {
    let singular = &of.singular;
    let conflict = |code, title: &'static str| Error::new(StatusCode::CONFLICT, code, title);
    match failure {
        Failure::Invalid(violations) => return invalid(violations, layout),
        Failure::InvalidId { invalid, place } => {
            let title = format!("Invalid {singular} id");
            let error = Error::new(StatusCode::BAD_REQUEST, "invalid_id", title);
            at(error.detail(format!("{invalid}.")), layout.id(of, *place))
        }
        Failure::NotFound(id) => {
            let title = format!("{} not found", capitalized(singular));
            Error::new(StatusCode::NOT_FOUND, "not_found", title)
                .detail(format!("There is no {singular} with the id '{id}'."))
        }
        Failure::IdNotAllowed { place } => {
            let title = format!("The id of a {singular} cannot be chosen");
            let error = Error::new(StatusCode::FORBIDDEN, "client_id_not_allowed", title)
                .detail("The server chooses the id: leave it out.");
            at(error, layout.id(of, *place))
        }
        Failure::IdMissing => {
            let title = format!("No {singular} id");
            let error = Error::new(StatusCode::UNPROCESSABLE_ENTITY, "id_missing", title).detail(
                format!("The client chooses the id of a {singular}: name it."),
            );
            at(error, layout.id(of, IdPlace::Nowhere))
        }
        Failure::IdDiffers { place, .. } => {
            let error = conflict("id_conflict", "Ids differ");
            let error = error.detail(format!("{}.", capitalized(&failure.to_string())));
            at(error, layout.id(of, *place))
        }
        Failure::IdTaken(id) => {
            let detail = format!("There is a {singular} with the id '{id}' already.");
            let error = conflict("id_taken", "Id is taken").detail(detail);
            at(error, layout.id(of, IdPlace::Beside))
        }
        Failure::NotUnique(attributes) => conflict("not_unique", "Values are not unique").detail(
            format!("There is another {singular} with the same {attributes}."),
        ),
        Failure::Store(failure) => store_error(failure, store),
    }
    .into()
}

fn at(error: Error, pointer: Option<String>) -> Error {
    match pointer {
        Some(pointer) => error.pointer(pointer),
        None => error,
    }
}

fn store_error(failure: &RepositoryError, place: Option<&str>) -> Error {
    match failure {
        RepositoryError::Unavailable(_) => Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "datastore_unavailable",
            "Datastore is unreachable",
        )
        .detail(format!(
            "The datastore{} does not answer. This is transient: the same request will work when \
             the datastore is back.",
            place.map_or_else(String::new, |place| format!(" at {place}"))
        )),
        RepositoryError::Busy(_) => Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "datastore_busy",
            "Datastore is busy",
        )
        .detail(
            "The datastore has no room or no time for this now. Nothing was done: the same \
             request may work later.",
        ),
        RepositoryError::Unprepared(_) => Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "datastore_unprepared",
            "Datastore is not prepared",
        )
        .detail(
            "The datastore's collection of this type has not been prepared yet, so nothing can be \
             stored safely. Nothing was done: the same request may work later.",
        ),
        RepositoryError::OutcomeUnknown(_) => Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "outcome_unknown",
            "Outcome is unknown",
        )
        .detail(
            "The datastore did not say whether it did what was asked. Read the resource before \
             you send the request again, unless doing it twice is the same as doing it once.",
        ),
        RepositoryError::Corrupt(_)
        | RepositoryError::Unusable(_)
        | RepositoryError::Internal(_) => Error::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Internal error",
        )
        .detail("The server failed. The log has the reason under this request's id."),
    }
}

fn invalid(violations: &[Violation], layout: Layout) -> Errors {
    let prefix = layout.attributes();
    let error = |violation: &Violation| {
        let title = "Attribute is not valid";
        Error::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_attribute", title)
            .detail(format!("{}.", capitalized(&violation.message)))
            .pointer(format!("{prefix}{}", violation.pointer))
            .meta("keyword", violation.keyword.as_str())
    };
    Errors::new(violations.iter().map(error).collect())
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}
