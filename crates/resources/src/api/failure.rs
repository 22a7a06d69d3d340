//! Failure to status: the only place in the crate that says what failed operations answer.

use std::error::Error as StdError;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jsonapi::{BodyFormat, Error, Errors};

use super::Service;
use crate::controller::Failure;
use crate::repository::RepositoryError;
use crate::schema::{ResourceType, Violation};

/// Seconds after which a client may try again when the store was unavailable.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

impl Service {
    pub(super) fn resource_type(&self) -> &ResourceType {
        self.controller.resource_type()
    }

    /// The answer to a failed operation; `format` is that of the body, for pointers into it.
    pub(super) fn refuse(&self, failure: Failure, format: BodyFormat) -> Response {
        let of = self.resource_type();
        let place = self.controller.store_place();
        let mut response = errors(&failure, of, format, place).into_response();
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

fn errors(failure: &Failure, of: &ResourceType, format: BodyFormat, place: Option<&str>) -> Errors {
    let singular = &of.singular;
    let id_pointer = match format {
        BodyFormat::JsonApi => "/data/id".to_owned(),
        BodyFormat::PlainJson => format!("/{}", jsonapi::pointer_token(of.plain_id_member())),
    };
    let error = |status, code, title: String| Error::new(status, code, title);
    let conflict = |code, title: &str| error(StatusCode::CONFLICT, code, title.to_owned());
    match failure {
        Failure::InvalidId(invalid) => error(
            StatusCode::BAD_REQUEST,
            "invalid_id",
            format!("Invalid {singular} id"),
        )
        .detail(format!("{invalid}.")),
        Failure::NotFound(id) => error(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("{} not found", capitalized(singular)),
        )
        .detail(format!("There is no {singular} with the id '{id}'.")),
        Failure::IdNotAllowed => {
            let title = format!("The id of a {singular} cannot be chosen");
            error(StatusCode::FORBIDDEN, "client_id_not_allowed", title)
                .detail("The server chooses the id: leave it out.")
                .pointer(id_pointer)
        }
        Failure::IdMissing => error(
            StatusCode::UNPROCESSABLE_ENTITY,
            "id_missing",
            format!("No {singular} id"),
        )
        .detail(format!(
            "The client chooses the id of a {singular}: name it."
        ))
        .pointer(id_pointer),
        Failure::IdDiffers { .. } => conflict("id_conflict", "Ids differ")
            .detail(format!("{}.", capitalized(&failure.to_string())))
            .pointer(id_pointer),
        Failure::IdTaken(id) => conflict("id_taken", "Id is taken")
            .detail(format!("There is a {singular} with the id '{id}' already."))
            .pointer(id_pointer),
        Failure::NotUnique(attributes) => conflict("not_unique", "Values are not unique").detail(
            format!("There is another {singular} with the same {attributes}."),
        ),
        Failure::Invalid(violations) => return invalid(violations, format),
        Failure::Store(failure) => store_error(failure, place),
    }
    .into()
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

fn invalid(violations: &[Violation], format: BodyFormat) -> Errors {
    let prefix = match format {
        BodyFormat::JsonApi => "/data/attributes",
        BodyFormat::PlainJson => "",
    };
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
