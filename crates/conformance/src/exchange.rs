//! One request and its answer.

use http::{HeaderMap, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::media_type::{JSON_API, MediaType};
use crate::verdict::{Miss, Verdict};

/// What stays as it is in a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*');

/// How much of a body a message shows.
const SHOWN: usize = 160;

/// A request to the server.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Path and query, from the root of the server.
    pub(crate) path: String,
    pub(crate) accept: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
    /// Whether the answer may be something else than JSON:API.
    pub(crate) foreign: bool,
}

impl Request {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            accept: Some(JSON_API.to_owned()),
            content_type: None,
            headers: Vec::new(),
            body: None,
            foreign: false,
        }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    pub(crate) fn post(path: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::POST, path).json(body)
    }

    pub(crate) fn patch(path: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::PATCH, path).json(body)
    }

    pub(crate) fn accept(mut self, accept: impl Into<String>) -> Self {
        self.accept = Some(accept.into());
        self
    }

    pub(crate) fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds a parameter to the query, encoded.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        let encode = |text: &str| utf8_percent_encode(text, QUERY).to_string();
        let sign = if self.path.contains('?') { '&' } else { '?' };
        let parameter = format!("{sign}{}={}", encode(name), encode(value));
        self.path.push_str(&parameter);
        self
    }

    /// Sets a document as the body.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.body(body.to_string()).content_type(JSON_API)
    }

    /// Sets any body.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// What the body says, if it is JSON.
    pub(crate) fn document(&self) -> Option<Value> {
        serde_json::from_slice(self.body.as_deref()?).ok()
    }

    /// The request in one line, for messages.
    pub(crate) fn line(&self) -> String {
        let mut parts = vec![self.method.to_string(), self.path.clone()];
        match &self.accept {
            Some(accept) if accept != JSON_API => parts.push(format!("(Accept: {accept})")),
            None => parts.push("(no Accept)".to_owned()),
            Some(_) => {}
        }
        match (&self.content_type, &self.body) {
            (Some(kind), _) if kind != JSON_API => parts.push(format!("(Content-Type: {kind})")),
            (None, Some(_)) => parts.push("(no Content-Type)".to_owned()),
            _ => {}
        }
        let headers = self.headers.iter();
        parts.extend(headers.map(|(name, value)| format!("({name}: {value})")));
        let body = self.body.as_deref().map(String::from_utf8_lossy);
        parts.extend(body.map(|body| shorten(&body)));
        parts.join(" ")
    }
}

/// At most so much of a text, in one line.
fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.replace(['\n', '\r', '\0'], " ")
}

/// What the server answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The request in one line.
    pub(crate) request: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// The body, if it is JSON; else null.
    pub(crate) document: Value,
}

impl Answer {
    /// A header; of several with this name, all, with commas between.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values = self.headers.get_all(name).iter();
        let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    pub(crate) fn media_type(&self) -> Option<MediaType> {
        self.header("content-type")
            .map(|text| MediaType::read(&text))
    }

    pub(crate) fn data(&self) -> &Value {
        &self.document["data"]
    }

    /// The primary data as a list; empty if it is none.
    pub(crate) fn items(&self) -> &[Value] {
        self.data().as_array().map_or(&[], Vec::as_slice)
    }

    /// The included resources; empty if there are none.
    pub(crate) fn included(&self) -> &[Value] {
        let included = self.document["included"].as_array();
        included.map_or(&[], Vec::as_slice)
    }

    /// The target of a top-level link.
    pub(crate) fn link(&self, name: &str) -> Option<String> {
        href(&self.document["links"][name])
    }

    /// A failure in words: what was expected of this answer, and what it was.
    pub(crate) fn differs(&self, expected: &str, found: &str) -> Miss {
        Miss::Fails(format!(
            "{}: expected {expected}, found {found}",
            self.request
        ))
    }

    /// Fails unless `holds`.
    pub(crate) fn must(&self, holds: bool, expected: &str, found: &Value) -> Verdict {
        if holds {
            return Ok(());
        }
        let found = match found {
            Value::Null => "none".to_owned(),
            found => shorten(&found.to_string()),
        };
        Err(self.differs(expected, &found))
    }

    /// Fails unless the status is one of these.
    pub(crate) fn is(&self, statuses: &[u16]) -> Result<&Self, Miss> {
        if statuses.contains(&self.status) {
            return Ok(self);
        }
        let names: Vec<String> = statuses.iter().map(u16::to_string).collect();
        Err(self.differs(&names.join(" or "), &self.found()))
    }

    /// Fails unless the request was refused, for a reason that is the client's.
    pub(crate) fn is_refused(&self) -> Result<&Self, Miss> {
        if (400..500).contains(&self.status) {
            return Ok(self);
        }
        Err(self.differs("a 4xx", &self.found()))
    }

    /// Whether the request was done.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Fails if there is a body with a 204, or none with another status.
    pub(crate) fn has_body_unless_204(&self) -> Verdict {
        let expected = if self.status == 204 {
            "no body"
        } else {
            "a body"
        };
        let fits = self.body.is_empty() == (self.status == 204);
        self.must(fits, expected, &Value::from(self.body.len()))
    }

    /// Fails unless the first error has this member of `source` with this value.
    pub(crate) fn blames(&self, member: &str, name: &str) -> Verdict {
        let found = &self.document["errors"][0]["source"][member];
        let blamed = found
            .as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case(name));
        self.must(blamed, &format!("source.{member} '{name}'"), found)
    }

    /// Fails unless this is a 400 that blames a parameter.
    pub(crate) fn refuses(&self, parameter: &str) -> Verdict {
        self.is(&[400])?.blames("parameter", parameter)
    }

    /// The status, with the detail of the first error.
    fn found(&self) -> String {
        let error = &self.document["errors"][0];
        let text = error["detail"].as_str().or(error["title"].as_str());
        match text {
            Some(text) => format!("{} ({})", self.status, shorten(text)),
            None => self.status.to_string(),
        }
    }
}

/// The target of a link in either form.
pub(crate) fn href(link: &Value) -> Option<String> {
    let text = link.as_str().or(link["href"].as_str());
    text.map(str::to_owned)
}

/// The type and the id of a resource or an identifier.
pub(crate) fn key(resource: &Value) -> (String, String) {
    let member = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
    (member("type"), member("id"))
}
