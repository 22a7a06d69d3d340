//! Failure to status: the only place in the crate that says what failed operations answer.

mod linking;

use std::error::Error as StdError;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jsonapi::{Error, Errors};

use super::held::Room;
use super::{Service, retries};
use crate::controller::{Failure, Reason};
use crate::schema::{ResourceType, Violation};
use crate::store::{KeyRefusal, StoreError};

/// Seconds after which a client may try again when the store was unavailable.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// The answer of a handler.
pub(super) type Answered = Result<Response, Problem>;

/// Why there is no answer of the wanted kind.
pub(super) enum Problem {
    /// The request is wrong in itself.
    Refused(Errors),
    /// What it asks for failed.
    Failed(Failure),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Errors> for Problem {
    fn from(errors: Errors) -> Self {
        Self::Refused(errors)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Service {
    /// The answer, whatever it is.
    pub(super) fn respond(&self, answered: Answered) -> Response {
        match answered {
            Ok(response) => response,
            Err(Problem::Refused(errors)) => {
                errors.within(self.limits.error_bytes_max).into_response()
            }
            Err(Problem::Failed(failure)) => self.refuse(failure),
        }
    }

    /// Room for an answer of so many bytes about a type, or the answer that there is none.
    pub(super) fn room(
        &self,
        resource_type: &Arc<ResourceType>,
        bytes: usize,
    ) -> Result<Room, Failure> {
        let room = self.held.room(bytes);
        room.map_err(|error| Failure::new(resource_type, error.into()))
    }

    /// The answer to a failed operation.
    fn refuse(&self, failure: Failure) -> Response {
        let errors = errors(&failure, self.controller.store_hosts());
        let mut response = errors.within(self.limits.error_bytes_max).into_response();
        // What may have been done already must not be tried again without a look, and what is lost
        // does not come back by itself.
        let is_promised = !matches!(
            failure.reason,
            Reason::Store(StoreError::OutcomeUnknown(_) | StoreError::Lost(_))
        );
        if response.status() == StatusCode::SERVICE_UNAVAILABLE && is_promised {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if matches!(failure.reason, Reason::Key(KeyRefusal::InFlight)) {
            let retry = retries::RETRY_IN_FLIGHT;
            response.headers_mut().insert(header::RETRY_AFTER, retry);
        }
        if response.status().is_server_error() {
            // The cause is for the log, not for the client.
            let cause: Arc<dyn StdError + Send + Sync> = Arc::new(failure);
            response.extensions_mut().insert(cause);
        }
        response
    }
}

fn errors(failure: &Failure, store_hosts: Option<&str>) -> Errors {
    let prefix = failure.pointer.as_deref();
    let singular = &failure.resource_type.singular;
    let error = match &failure.reason {
        Reason::Invalid(violations) => return invalid(violations, prefix.unwrap_or_default()),
        Reason::Store(error) => store_error(error, store_hosts),
        Reason::Key(refusal) => retries::refused(refusal),
        Reason::InvalidId(invalid) => {
            let title = format!("Invalid {singular} id");
            Error::new(StatusCode::BAD_REQUEST, "invalid_id", title).detail(format!("{invalid}."))
        }
        Reason::NotFound(id) => {
            let title = format!("{} not found", capitalized(singular));
            let detail = format!("{title}: there is no {singular} with the id '{id}'.");
            Error::new(StatusCode::NOT_FOUND, "not_found", title).detail(detail)
        }
        Reason::IdNotAllowed => {
            let title = format!("The id of a {singular} cannot be chosen");
            Error::new(StatusCode::FORBIDDEN, "client_id_not_allowed", title)
                .detail("The server chooses the id: leave it out.")
        }
        Reason::IdMissing => {
            let title = format!("No {singular} id");
            let detail = format!("The client chooses the id of a {singular}: name it.");
            Error::new(StatusCode::UNPROCESSABLE_ENTITY, "id_missing", title).detail(detail)
        }
        Reason::IdDiffers { .. } | Reason::IdTaken(_) | Reason::NotUnique(_) => {
            conflict(&failure.reason, singular)
        }
        Reason::Forbidden(fields) => return linking::forbidden(fields),
        other => linking::error(other, singular).unwrap_or_else(internal),
    };
    match prefix {
        Some(pointer) if error.source.is_none() => error.pointer(pointer),
        _ => error,
    }
    .into()
}

/// What is there already, or was named twice.
fn conflict(reason: &Reason, singular: &str) -> Error {
    let (code, title, detail) = match reason {
        Reason::IdDiffers {
            expected,
            from,
            named,
        } => {
            let detail = format!("The {from} says '{expected}' but the body says '{named}'.");
            ("id_conflict", "Ids differ", detail)
        }
        Reason::IdTaken(id) => {
            let detail = format!("There is a {singular} with the id '{id}' already.");
            ("id_taken", "Id is taken", detail)
        }
        Reason::NotUnique(attributes) => {
            let detail = format!("There is another {singular} with the same {attributes}.");
            ("not_unique", "Values are not unique", detail)
        }
        other => ("conflict", "Conflict", other.to_string()),
    };
    Error::new(StatusCode::CONFLICT, code, title).detail(detail)
}

pub(super) fn store_error(failure: &StoreError, hosts: Option<&str>) -> Error {
    match failure {
        StoreError::Unavailable(_) => Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "datastore_unavailable",
            "Datastore is unreachable",
        )
        .detail(format!(
            "The datastore{} does not answer. This is transient: the same request will work when \
             the datastore is back.",
            hosts.map_or_else(String::new, |hosts| format!(" at {hosts}"))
        )),
        StoreError::Busy(_) => Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "datastore_busy",
            "Datastore is busy",
        )
        .detail(
            "The datastore has no room or no time for this now. Nothing was done: the same \
             request may work later.",
        ),
        StoreError::Unprepared(_) => Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "datastore_unprepared",
            "Datastore is not prepared",
        )
        .detail(
            "The datastore's collection of this type has not been prepared yet, so nothing can be \
             stored safely. Nothing was done: the same request may work later.",
        ),
        StoreError::OutcomeUnknown(_) => Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "outcome_unknown",
            "Outcome is unknown",
        )
        .detail(
            "The datastore did not say whether it did what was asked. Read the resource before \
             you send the request again, unless it has an Idempotency-Key, or doing it twice is the \
             same as doing it once.",
        ),
        StoreError::Lost(_) => Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "datastore_lost",
            "Datastore is lost",
        )
        .detail(
            "The datastore's files were taken away or changed. Nothing is read or written before \
             an operator has restored them; the log has the reason.",
        ),
        StoreError::Unsupported(_) => Error::new(
            StatusCode::NOT_IMPLEMENTED,
            "transactions_unsupported",
            "Datastore has no transactions",
        )
        .detail(
            "The request needs several writes that are done together, and the datastore is a \
             server that cannot do that: a MongoDB that is no replica set. Nothing was done.",
        ),
        StoreError::Corrupt(_) | StoreError::Unusable(_) | StoreError::Internal(_) => internal(),
    }
}

fn internal() -> Error {
    let (code, title) = ("internal_error", "Internal error");
    Error::new(StatusCode::INTERNAL_SERVER_ERROR, code, title)
        .detail("The server failed. The log has the reason under this request's id.")
}

fn invalid(violations: &[Violation], prefix: &str) -> Errors {
    let error = |violation: &Violation| {
        if violation.keyword.is_empty() {
            let count = capitalized(&violation.message);
            return Error::more(StatusCode::UNPROCESSABLE_ENTITY, &count);
        }
        let (code, title) = match violation.keyword.as_str() {
            Violation::KIND => (
                "kind_not_declared",
                "Kind of the stored value is not declared",
            ),
            _ => ("invalid_attribute", "Attribute is not valid"),
        };
        Error::new(StatusCode::UNPROCESSABLE_ENTITY, code, title)
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
