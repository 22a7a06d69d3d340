//! Error objects and error documents: <https://jsonapi.org/format/1.1/#errors>.

use std::borrow::Cow;

use ::http::StatusCode;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// What in the request an error is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A JSON pointer (RFC 6901) into the request document; `""` is the whole document.
    Pointer(String),
    /// The name of a query parameter, as sent.
    Parameter(String),
    /// The name of a request header.
    Header(&'static str),
}

/// One error object.
///
/// `code` is stable and meant for programs; `title` says what kind of problem this is and never
/// varies with the request; `detail` says what is wrong here and what would be right.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    /// The HTTP status that this problem has by itself.
    pub status: StatusCode,
    /// Stable, `snake_case`, for programs.
    pub code: Cow<'static, str>,
    /// The kind of problem, for people.
    pub title: Cow<'static, str>,
    /// This occurrence of it, for people.
    pub detail: Option<String>,
    /// Where in the request it is.
    pub source: Option<Source>,
    /// Further facts for programs, such as `line` and `column`.
    pub meta: Map<String, Value>,
}

impl Error {
    /// An error without detail, source and meta.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            title: title.into(),
            detail: None,
            source: None,
            meta: Map::new(),
        }
    }

    /// Says what is wrong in this occurrence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Points at a place in the request document.
    #[must_use]
    pub fn pointer(mut self, pointer: impl Into<String>) -> Self {
        self.source = Some(Source::Pointer(pointer.into()));
        self
    }

    /// Points at a query parameter.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>) -> Self {
        self.source = Some(Source::Parameter(name.into()));
        self
    }

    /// Points at a request header.
    #[must_use]
    pub fn header(mut self, name: &'static str) -> Self {
        self.source = Some(Source::Header(name));
        self
    }

    /// Adds a fact for programs.
    #[must_use]
    pub fn meta(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.meta.insert(name.to_owned(), value.into());
        self
    }
}

impl Error {
    /// 400: the request document does not have the shape that JSON:API demands.
    #[must_use]
    pub fn malformed_document(detail: impl Into<String>) -> Self {
        let title = "Malformed JSON:API document";
        Self::new(StatusCode::BAD_REQUEST, "malformed_document", title).detail(detail)
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("status", self.status.as_str())?;
        object.serialize_entry("code", &self.code)?;
        object.serialize_entry("title", &self.title)?;
        if let Some(detail) = &self.detail {
            object.serialize_entry("detail", detail)?;
        }
        if let Some(source) = &self.source {
            object.serialize_entry("source", source)?;
        }
        if !self.meta.is_empty() {
            object.serialize_entry("meta", &self.meta)?;
        }
        object.end()
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(1))?;
        match self {
            Self::Pointer(pointer) => object.serialize_entry("pointer", pointer)?,
            Self::Parameter(name) => object.serialize_entry("parameter", name)?,
            Self::Header(name) => object.serialize_entry("header", name)?,
        }
        object.end()
    }
}

/// The errors of one answer; there is at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Errors(Vec<Error>);

impl Errors {
    /// # Panics
    /// When `errors` is empty: an error document without errors says nothing.
    #[must_use]
    pub fn new(errors: Vec<Error>) -> Self {
        assert!(
            !errors.is_empty(),
            "an error document names at least one error"
        );
        Self(errors)
    }

    /// The status of the whole answer: that of the errors when they agree, else the general
    /// status of the most serious class among them (400 or 500).
    #[must_use]
    pub fn status(&self) -> StatusCode {
        let first = self.0[0].status;
        if self.0.iter().all(|error| error.status == first) {
            first
        } else if self.0.iter().any(|error| error.status.is_server_error()) {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::BAD_REQUEST
        }
    }

    /// The single errors.
    #[must_use]
    pub fn as_slice(&self) -> &[Error] {
        &self.0
    }

    /// The error document as JSON text.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        crate::writer::document("errors", &self.0)
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self(vec![error])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_object_has_only_the_members_that_were_given() {
        let error = Error::new(StatusCode::NOT_FOUND, "not_found", "Contact not found");
        assert_eq!(
            serde_json::to_value(&error).unwrap(),
            serde_json::json!({"status": "404", "code": "not_found", "title": "Contact not found"})
        );
    }

    #[test]
    fn each_kind_of_source_names_itself() {
        for (source, expected) in [
            (
                Source::Pointer("/data".into()),
                serde_json::json!({"pointer": "/data"}),
            ),
            (
                Source::Parameter("sort".into()),
                serde_json::json!({"parameter": "sort"}),
            ),
            (
                Source::Header("Accept"),
                serde_json::json!({"header": "Accept"}),
            ),
        ] {
            assert_eq!(serde_json::to_value(&source).unwrap(), expected);
        }
    }

    #[test]
    fn errors_that_disagree_answer_with_the_general_status_of_the_worst_class() {
        let with = |status| Error::new(status, "code", "Title");
        let client = Errors::new(vec![
            with(StatusCode::CONFLICT),
            with(StatusCode::UNPROCESSABLE_ENTITY),
        ]);
        assert_eq!(client.status(), StatusCode::BAD_REQUEST);
        let server = Errors::new(vec![
            with(StatusCode::CONFLICT),
            with(StatusCode::SERVICE_UNAVAILABLE),
        ]);
        assert_eq!(server.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let agreed = Errors::new(vec![with(StatusCode::CONFLICT), with(StatusCode::CONFLICT)]);
        assert_eq!(agreed.status(), StatusCode::CONFLICT);
    }
}
