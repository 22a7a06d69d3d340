//! Pages of which origins may read answers: <https://fetch.spec.whatwg.org/#http-cors-protocol>.

use std::str::FromStr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, QUERY";
/// What a service here reads, beside what every page may send.
const READ_HEADERS: &str = "Accept, Apitrace, Authorization, Content-Encoding, Content-Type, \
                            Idempotency-Key, If-Match, If-None-Match, If-Range, Last-Event-ID, \
                            Prefer, Range, Traceparent, Tracestate, X-HTTP-Method-Override, \
                            X-Request-Id";
/// What a service here answers, beside what every page may read.
const EXPOSED_HEADERS: &str = "Accept-Encoding, Accept-Ranges, Allow, Apitrace, Content-Range, \
                               ETag, Idempotency-Replayed, Location, Preference-Applied, \
                               RateLimit, RateLimit-Policy, Retry-After, Traceresponse, Vary, \
                               X-Request-Id";
/// How long a browser may remember a permission, in seconds.
const MAX_AGE: &str = "600";

/// Origins whose pages may read answers. Default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Arc<[String]>);

impl FromStr for Origins {
    type Err = String;

    /// Origins as browsers send them, with commas between them: `https://app.example.com`.
    fn from_str(text: &str) -> Result<Self, String> {
        let items = text.split(',').map(str::trim);
        let origins: Result<Vec<_>, _> = items.map(origin).collect();
        Ok(Self(origins?.into()))
    }
}

/// An origin is compared as text, so that one which no browser sends would never match.
fn origin(item: &str) -> Result<String, String> {
    let wrong = || {
        format!(
            "names '{item}', which is no origin as browsers send it: https://app.example.com, \
             with a port where it is not that of the scheme, in lower case, without a path"
        )
    };
    let uri: Uri = item.parse().map_err(|_| wrong())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong());
    };
    let default_port = matches!(
        (scheme, uri.port_u16()),
        ("http", Some(80)) | ("https", Some(443))
    );
    let written = format!("{scheme}://{authority}");
    let fine = written == item && item == item.to_ascii_lowercase() && !default_port;
    if fine && !authority.as_str().contains('@') {
        Ok(written)
    } else {
        Err(wrong())
    }
}

impl Origins {
    /// Whether pages of no origin may read answers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The origin of the page that asks, where it may read the answer.
    pub(super) fn of(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if self.is_empty() {
            return None;
        }
        let origin = headers.get(ORIGIN)?;
        let is_listed = self
            .0
            .iter()
            .any(|listed| listed.as_bytes() == origin.as_bytes());
        is_listed.then(|| origin.clone())
    }

    /// Lets the page of `origin` read `response`.
    pub(super) fn stamp(&self, origin: Option<HeaderValue>, headers: &mut HeaderMap) {
        if self.is_empty() {
            return;
        }
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin {
            let exposed = HeaderValue::from_static(EXPOSED_HEADERS);
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }
}

/// The answer to a browser that asks what a page of a listed origin may send.
pub(super) fn preflight(request: &Request) -> Option<Response> {
    let asks = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !asks {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, READ_HEADERS),
        (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken_as_browsers_send_them_and_no_other_way() {
        let origins: Origins = "https://app.example.com,http://localhost:4200"
            .parse()
            .unwrap();
        let of = |origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ORIGIN, origin.parse().unwrap());
            origins.of(&headers).is_some()
        };
        assert!(of("https://app.example.com") && of("http://localhost:4200"));
        for other in [
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.example",
            "null",
        ] {
            assert!(!of(other), "{other}");
        }
        for wrong in [
            "",
            "*",
            "null",
            "app.example.com",
            "https://app.example.com/",
            "https://App.example.com",
            "https://app.example.com:443",
            "https://a,",
            "https://u@a",
        ] {
            assert!(wrong.parse::<Origins>().is_err(), "{wrong}");
        }
    }
}
