//! Error objects and error documents: <https://jsonapi.org/format/1.1/#errors>.

mod bound;

use std::borrow::Cow;

use ::http::StatusCode;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The size of an error document unless a service says otherwise, in bytes.
pub const ERROR_BYTES_MAX: usize = 64 << 10;

/// Below this path a process serves a page about each code: `links.about` of an error that names no
/// page of its own leads there.
pub const ERROR_PAGES: &str = "/-/errors";

/// The code of an error object that counts the errors that are not listed.
const MORE: &str = "more_errors";

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
    /// Where to read more. Without `about` the document has the page about the code, below
    /// [`ERROR_PAGES`].
    pub links: Option<Box<ErrorLinks>>,
    /// Further facts for programs, such as `line` and `column`.
    pub meta: Map<String, Value>,
}

/// The links of an error object: <https://jsonapi.org/format/1.1/#error-objects>.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorLinks {
    /// `about`: a page about this occurrence of the problem.
    pub about: Option<Cow<'static, str>>,
    /// `type`: what identifies this kind of problem, and leads to a page about it.
    pub kind: Option<Cow<'static, str>>,
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
            links: None,
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

    /// Links to a page about this occurrence.
    #[must_use]
    pub fn about_link(mut self, url: impl Into<Cow<'static, str>>) -> Self {
        self.links.get_or_insert_default().about = Some(url.into());
        self
    }

    /// Links to what identifies this kind of problem.
    #[must_use]
    pub fn type_link(mut self, url: impl Into<Cow<'static, str>>) -> Self {
        self.links.get_or_insert_default().kind = Some(url.into());
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
    /// The last error of a list that is not whole; `count` says how many there are besides, such
    /// as `And 9 more`.
    #[must_use]
    pub fn more(status: StatusCode, count: &str) -> Self {
        let detail = format!("{count}, which are not listed.");
        Self::new(status, MORE, "There are more errors").detail(detail)
    }

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
        let mut links = self.links.as_deref().cloned().unwrap_or_default();
        links
            .about
            .get_or_insert_with(|| format!("{ERROR_PAGES}/{}", self.code).into());
        object.serialize_entry("links", &links)?;
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

impl Serialize for ErrorLinks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        if let Some(about) = &self.about {
            object.serialize_entry("about", about)?;
        }
        if let Some(kind) = &self.kind {
            object.serialize_entry("type", kind)?;
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
pub struct Errors {
    errors: Vec<Error>,
    bytes_max: usize,
}

impl Errors {
    /// # Panics
    /// When `errors` is empty: an error document without errors says nothing.
    #[must_use]
    pub fn new(errors: Vec<Error>) -> Self {
        assert!(
            !errors.is_empty(),
            "an error document names at least one error"
        );
        Self {
            errors,
            bytes_max: ERROR_BYTES_MAX,
        }
    }

    /// The same with another bound on the size of the document, in bytes. The first error is in it
    /// whatever the bound, and long texts in it are cut.
    #[must_use]
    pub fn within(mut self, bytes_max: usize) -> Self {
        self.bytes_max = bytes_max;
        self
    }

    /// The status of the whole answer: that of the errors when they agree, else the general
    /// status of the most serious class among them (400 or 500).
    #[must_use]
    pub fn status(&self) -> StatusCode {
        let first = self.errors[0].status;
        if self.errors.iter().all(|error| error.status == first) {
            first
        } else if self
            .errors
            .iter()
            .any(|error| error.status.is_server_error())
        {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::BAD_REQUEST
        }
    }

    /// The single errors.
    #[must_use]
    pub fn as_slice(&self) -> &[Error] {
        &self.errors
    }

    /// The single errors, to be answered together with others.
    #[must_use]
    pub fn into_vec(self) -> Vec<Error> {
        self.errors
    }

    /// The error document as JSON text. Where not all errors fit, the last one of the document
    /// says how many there are besides.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let errors = bound::array(&self.errors, self.bytes_max);
        // The texts are UTF-8, as all JSON is.
        let errors = String::from_utf8(errors).unwrap_or_default();
        crate::writer::document("errors", &RawValue::from_string(errors).ok())
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self::new(vec![error])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_object_has_the_members_that_were_given_and_a_page_about_its_code() {
        let error = Error::new(StatusCode::NOT_FOUND, "not_found", "Contact not found");
        assert_eq!(
            serde_json::to_value(&error).unwrap(),
            serde_json::json!({
                "links": {"about": "/-/errors/not_found"},
                "status": "404",
                "code": "not_found",
                "title": "Contact not found",
            })
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
    fn cp_21_and_er_9_links_of_an_error_are_plain_urls() {
        let error = Error::new(StatusCode::BAD_REQUEST, "code", "Title");
        let error = error.about_link("/errors#code").type_link("urn:x");
        let value = serde_json::to_value(&error).unwrap();
        let expected = serde_json::json!({"about": "/errors#code", "type": "urn:x"});
        assert_eq!(value["links"], expected);
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

    #[test]
    fn an_error_document_is_bounded_and_counts_what_it_leaves_out() {
        let long = "x".repeat(1 << 20);
        let error = |number: usize| {
            Error::new(StatusCode::UNPROCESSABLE_ENTITY, "code", "Title")
                .detail(format!("'{number}{long}' is wrong."))
                .pointer(format!("/data/{number}/{long}"))
        };
        let errors = Errors::new((0..200).map(error).collect());
        let text = errors.to_json();
        assert!(text.len() <= ERROR_BYTES_MAX, "{}", text.len());
        let document: Value = serde_json::from_slice(&text).unwrap();
        let errors = document["errors"].as_array().unwrap();
        assert_eq!(errors[7]["source"]["pointer"], "/data/7");
        let last = errors.last().unwrap();
        assert_eq!(last["code"], "more_errors");
        let detail = format!(
            "And {} more, which are not listed.",
            200 - (errors.len() - 1)
        );
        assert_eq!(last["detail"], detail);
        let few = Errors::new((0..2).map(error).collect()).within(1);
        assert_eq!(
            serde_json::from_slice::<Value>(&few.to_json()).unwrap()["errors"][1]["code"],
            "more_errors"
        );
    }
}
