//! `Idempotency-Key`: a request that was sent again is answered again, not done again.
//! <https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jsonapi::Error;
use sha2::{Digest, Sha256};

use super::failure::Problem;
use super::request::text;
use super::{Api, Service};
use crate::store::{Key, KeyRefusal};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// As it is shown.
const HEADER: &str = "Idempotency-Key";

const KEY_LENGTH_MAX: usize = 255;

/// Seconds after which a request that is still being done may have an answer.
pub(super) const RETRY_IN_FLIGHT: HeaderValue = HeaderValue::from_static("1");

/// The key under which a request is done, if it names one.
#[derive(Clone, Default)]
pub(super) struct Keyed(Option<Arc<Key>>);

impl Keyed {
    pub(super) fn key(&self) -> Option<&Key> {
        self.0.as_deref()
    }
}

impl<S: Sync> FromRequestParts<S> for Keyed {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.remove().unwrap_or_default())
    }
}

/// Middleware of what writes: takes the key and what tells the request from others, and lets one
/// request of a key through at a time.
pub(super) async fn keyed(State(service): Api, request: Request, next: Next) -> Response {
    let writes = [Method::POST, Method::PATCH, Method::PUT, Method::DELETE];
    if !writes.contains(request.method()) || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    let is_in_flight = |problem: &Error| problem.status == StatusCode::CONFLICT;
    match admitted(&service, request).await {
        Ok((request, _in_flight)) => next.run(request).await,
        Err(error) => {
            let is_in_flight = is_in_flight(&error);
            let mut response = service.respond(Err(Problem::from(error)));
            if is_in_flight {
                let headers = response.headers_mut();
                headers.insert(header::RETRY_AFTER, RETRY_IN_FLIGHT);
            }
            response
        }
    }
}

/// The request with its key, and what keeps others of the same key away until it is dropped.
async fn admitted(service: &Service, request: Request) -> Result<(Request, Turn<'_>), Error> {
    let name = name(request.headers())?;
    let (mut parts, body) = request.into_parts();
    let body = text(body, service).await?;
    let key = Key {
        fingerprint: fingerprint(&parts, &body),
        answering: Vec::new(),
        limits: service.limits.keys,
        name,
    };
    let turn = service.in_flight.enter(&key);
    let turn = turn.map_err(|refusal| refused(&refusal))?;
    parts.extensions.insert(Keyed(Some(Arc::new(key))));
    Ok((Request::from_parts(parts, Body::from(body)), turn))
}

/// The key in both forms: as it is, and as a string in quotes.
fn name(headers: &HeaderMap) -> Result<String, Error> {
    let mut values = headers.get_all(KEY).iter();
    let value = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    };
    let name = value.and_then(|text| match text.strip_prefix('"') {
        Some(quoted) => unquoted(quoted),
        None => Some(text.to_owned()),
    });
    let is_name = |name: &String| {
        (1..=KEY_LENGTH_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_graphic())
    };
    name.filter(is_name).ok_or_else(|| {
        let detail = format!(
            "'{HEADER}' is one key of 1 to {KEY_LENGTH_MAX} visible ASCII characters, in quotes or \
             without, such as a UUID."
        );
        Error::new(StatusCode::BAD_REQUEST, "invalid_header", "Invalid header")
            .detail(detail)
            .header(HEADER)
    })
}

/// The string that ends with the quote: <https://www.rfc-editor.org/rfc/rfc8941#section-3.3.3>.
fn unquoted(text: &str) -> Option<String> {
    let mut characters = text.strip_suffix('"')?.chars();
    let mut string = String::new();
    while let Some(character) = characters.next() {
        string.push(match character {
            '"' => return None,
            '\\' => characters
                .next()
                .filter(|next| ['"', '\\'].contains(next))?,
            other => other,
        });
    }
    Some(string)
}

/// What must be the same for a request to be the same.
fn fingerprint(parts: &Parts, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    let target = parts.uri.path_and_query();
    add(parts.method.as_str().as_bytes());
    add(target.map_or("", |target| target.as_str()).as_bytes());
    for name in [
        header::CONTENT_TYPE,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
    ] {
        let values = parts.headers.get_all(&name);
        add(&values.iter().count().to_be_bytes());
        for value in values {
            add(value.as_bytes());
        }
    }
    add(body);
    hash.finalize().into()
}

/// The requests with keys that this process is doing, by their keys.
#[derive(Default)]
pub(super) struct InFlight(Mutex<HashMap<String, [u8; 32]>>);

/// That no other request of the same key is done by this process.
struct Turn<'s> {
    of: &'s InFlight,
    name: String,
}

impl InFlight {
    fn enter(&self, key: &Key) -> Result<Turn<'_>, KeyRefusal> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.entry(key.name.clone()) {
            Entry::Occupied(other) if *other.get() == key.fingerprint => Err(KeyRefusal::InFlight),
            Entry::Occupied(_) => Err(KeyRefusal::OtherRequest),
            Entry::Vacant(place) => {
                place.insert(key.fingerprint);
                let name = key.name.clone();
                Ok(Turn { of: self, name })
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut all = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.name);
    }
}

/// The answer, which says so if it was given before.
pub(super) fn marked(mut response: Response, is_repeated: bool) -> Response {
    if is_repeated {
        let value = HeaderValue::from_static("true");
        response.headers_mut().insert(REPLAYED, value);
    }
    response
}

/// The error of a request whose key stands against it.
pub(super) fn refused(refusal: &KeyRefusal) -> Error {
    let (status, code, title, detail) = match refusal {
        KeyRefusal::OtherRequest => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "Idempotency key is used for another request",
            "Another request came under this key: another method, URL, body, 'Content-Type' or \
             condition. Take a new key for each request, and send the same bytes to try one again."
                .to_owned(),
        ),
        KeyRefusal::InFlight | KeyRefusal::Done(_) => (
            StatusCode::CONFLICT,
            "idempotency_key_in_flight",
            "Request is still being done",
            "A request with this key is being done. Send it again later for its answer.".to_owned(),
        ),
        KeyRefusal::AnswerTooLarge(bytes) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_answer_too_large",
            "Answer is too large to be kept",
            format!(
                "The answer would have to be kept under the key, and resources of more than {bytes} \
                 bytes are not. Nothing was done: ask for less at once, or leave the key out."
            ),
        ),
        KeyRefusal::NoRoom => (
            StatusCode::SERVICE_UNAVAILABLE,
            "idempotency_keys_full",
            "No room for idempotency keys",
            "As much is kept under idempotency keys as may be. Nothing was done: there is room when \
             older keys have expired, and without a key the request can be done now."
                .to_owned(),
        ),
    };
    Error::new(status, code, title)
        .detail(detail)
        .header(HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(KEY, HeaderValue::from_static(value));
        }
        match name(&headers) {
            Ok(name) => Some(name),
            Err(error) => {
                assert_eq!(error.status, StatusCode::BAD_REQUEST);
                None
            }
        }
    }

    #[test]
    fn a_key_is_the_same_with_and_without_quotes() {
        for value in ["8e03978e-40d5", r#""8e03978e-40d5""#] {
            assert_eq!(key_of(&[value]).as_deref(), Some("8e03978e-40d5"));
        }
        assert_eq!(key_of(&[r#""a\"b\\c""#]).as_deref(), Some(r#"a"b\c"#));
        let longest: &'static str = "k".repeat(KEY_LENGTH_MAX).leak();
        assert_eq!(key_of(&[longest]).as_deref(), Some(longest));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let too_long: &'static str = "k".repeat(KEY_LENGTH_MAX + 1).leak();
        for values in [
            &[""][..],
            &[r#""""#],
            &[r#"""#],
            &["a b"],
            &[r#""a"#],
            &[r#""a"b""#],
            &[r#""a\b""#],
            &[r#""a";p=1"#],
            &["a", "a"],
            &[too_long],
        ] {
            assert_eq!(key_of(values), None, "{values:?}");
        }
    }

    #[test]
    fn requests_differ_by_all_that_their_outcome_depends_on() {
        let request = |method, uri: &str, headers: &[(&str, &str)], body: &[u8]| {
            let mut request = http::Request::builder().method(method).uri(uri);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            fingerprint(&parts, body)
        };
        let matched = [("if-match", "\"1\"")];
        let all = [
            request("POST", "/a", &[], b"x"),
            request("PATCH", "/a", &[], b"x"),
            request("POST", "/b", &[], b"x"),
            request("POST", "/a?b", &[], b"x"),
            request("POST", "/a", &[], b"y"),
            request("POST", "/a", &matched, b"x"),
            request("POST", "/a", &[("if-match", "\"2\"")], b"x"),
            request("POST", "/a", &[("if-none-match", "\"1\"")], b"x"),
            request("POST", "/a", &[("content-type", "\"1\"")], b"x"),
        ];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        let again = request("POST", "/a", &[("accept", "x"), matched[0]], b"x");
        assert_eq!(again, all[5]);
    }

    #[test]
    fn one_request_of_a_key_is_let_through_at_a_time() {
        let (in_flight, key) = (InFlight::default(), |fingerprint| Key {
            name: "k".to_owned(),
            fingerprint: [fingerprint; 32],
            answering: Vec::new(),
            limits: crate::store::KeyLimits::default(),
        });
        let first = in_flight.enter(&key(1)).ok().unwrap();
        assert_eq!(in_flight.enter(&key(1)).err(), Some(KeyRefusal::InFlight));
        let other = in_flight.enter(&key(2)).err();
        assert_eq!(other, Some(KeyRefusal::OtherRequest));
        drop(first);
        assert!(in_flight.enter(&key(2)).is_ok());
    }
}
