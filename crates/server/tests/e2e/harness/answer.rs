//! An answer with its whole body, and what is true of every JSON:API answer.

use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::Value;

pub(crate) const JSON_API: &str = "application/vnd.api+json";

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

pub(crate) async fn of(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.unwrap().to_vec();
    Answer {
        status,
        headers,
        body,
    }
}

impl Answer {
    pub(crate) async fn to(request: RequestBuilder) -> Self {
        of(request).await
    }

    /// The header's text; empty where there is none.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The JSON:API document of an answer with this status.
    #[track_caller]
    pub(crate) fn document(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), JSON_API);
        assert_eq!(self.headers.get_all("content-type").iter().count(), 1);
        let document = self.json();
        assert_eq!(document["jsonapi"]["version"], "1.1", "{document}");
        // Data and errors never stand side by side, and one of them or meta is always there.
        let has = |member| document.get(member).is_some();
        assert!(has("data") || has("errors") || has("meta"), "{document}");
        assert!(!(has("data") && has("errors")), "{document}");
        document
    }

    /// The errors of an answer with this status, each of which says what it must.
    #[track_caller]
    pub(crate) fn errors(&self, status: u16) -> Vec<Value> {
        let document = self.document(status);
        let errors = document["errors"].as_array().cloned().unwrap_or_default();
        assert!(!errors.is_empty(), "{document}");
        for error in &errors {
            for member in ["status", "code", "title", "detail"] {
                let text = error[member].as_str().unwrap_or_default();
                assert!(!text.is_empty(), "no {member}: {error}");
            }
        }
        errors
    }

    /// The one error of an answer with this status and code.
    #[track_caller]
    pub(crate) fn error(&self, status: u16, code: &str) -> Value {
        let errors = self.errors(status);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0]["status"], status.to_string());
        assert_eq!(errors[0]["code"], code, "{}", errors[0]);
        errors[0].clone()
    }

    /// The primary data of an answer with this status.
    #[track_caller]
    pub(crate) fn data(&self, status: u16) -> Value {
        let document = self.document(status);
        assert!(document.get("data").is_some(), "{document}");
        document["data"].clone()
    }

    /// The id of the one resource of an answer with this status.
    #[track_caller]
    pub(crate) fn id(&self, status: u16) -> String {
        let data = self.data(status);
        data["id"].as_str().expect("an id is a string").to_owned()
    }
}

/// The pointers of errors, in their order.
#[track_caller]
pub(crate) fn pointers(errors: &[Value]) -> Vec<&str> {
    let pointers = errors.iter().map(|error| &error["source"]["pointer"]);
    pointers
        .map(|pointer| pointer.as_str().expect("a pointer"))
        .collect()
}
