//! Who a request is: the id that its log lines and its answer share, and the caller's own trace.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tracing::Span;
use uuid::Uuid;

use crate::operations;
use crate::telemetry::context::{TRACERESPONSE, TraceContext, ids};
use crate::telemetry::{self, Observation, RequestContext};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_BYTES_MAX: usize = 128;
const APITRACE: HeaderName = HeaderName::from_static("apitrace");
const APITRACE_BYTES_MAX: usize = 256;

/// The id of a request: a request extension, and the `X-Request-Id` of every response.
///
/// The caller's own is taken when it is well formed: 1 to 128 characters of `A-Z a-z 0-9` and
/// `. _ : + / = @ -`. Otherwise it is a fresh UUID of version 7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        text(&self.0)
    }

    fn is_well_formed(value: &HeaderValue) -> bool {
        (1..=REQUEST_ID_BYTES_MAX).contains(&value.len())
            && value
                .as_bytes()
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._:+/=@-".contains(byte))
    }

    pub(super) fn fresh() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        let mut random = [0; 10];
        random[..8].copy_from_slice(&ids::random().to_le_bytes());
        random[8..].copy_from_slice(&ids::random().to_le_bytes()[..2]);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        let mut buffer = Uuid::encode_buffer();
        let value = HeaderValue::from_str(id.hyphenated().encode_lower(&mut buffer));
        Self(value.unwrap_or_else(|_| HeaderValue::from_static("unknown")))
    }
}

/// What the caller calls its own course of calls: a request extension where the request had a well
/// formed `Apitrace` header, and the `Apitrace` of its response. Never made up.
///
/// Well formed is 1 to 256 characters of visible ASCII, and spaces between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apitrace(HeaderValue);

impl Apitrace {
    /// The trace as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        text(&self.0)
    }

    fn is_well_formed(value: &HeaderValue) -> bool {
        let bytes = value.as_bytes();
        bytes.len() <= APITRACE_BYTES_MAX
            && bytes.first().is_some_and(u8::is_ascii_graphic)
            && bytes.last().is_some_and(u8::is_ascii_graphic)
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_graphic() || *byte == b' ')
    }
}

/// Both values are made from ASCII only.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// What [`identify`] found out about a request.
pub(super) struct Identity {
    request_id: RequestId,
    apitrace: Option<Apitrace>,
    trace: Option<TraceContext>,
}

/// Reads or makes the id, and leaves it with the request for its handler.
pub(super) fn identify(request: &mut Request, observation: &Observation) -> Identity {
    let header = |name| request.headers().get(name);
    let request_id = match header(REQUEST_ID) {
        Some(given) if RequestId::is_well_formed(given) => RequestId(given.clone()),
        _ => RequestId::fresh(),
    };
    let apitrace = header(APITRACE)
        .filter(|given| Apitrace::is_well_formed(given))
        .cloned()
        .map(Apitrace);
    let is_probe = operations::is_probe(request.uri().path());
    let trace = observation.trace(request.headers(), is_probe);
    request.extensions_mut().insert(request_id.clone());
    if let Some(trace) = &trace {
        request.extensions_mut().insert(trace.clone());
    }
    if let Some(apitrace) = &apitrace {
        request.extensions_mut().insert(apitrace.clone());
    }
    Identity {
        request_id,
        apitrace,
        trace,
    }
}

impl Identity {
    pub(super) fn request_id(&self) -> &str {
        self.request_id.as_str()
    }

    /// Shared with the log: what it shows of each line within the request.
    pub(super) fn context(&self) -> RequestContext {
        RequestContext {
            request_id: self.request_id.0.clone(),
            apitrace: self.apitrace.as_ref().map(|apitrace| apitrace.0.clone()),
            trace: self.trace.clone(),
        }
    }

    /// The span of the request: what is logged within it carries the ids.
    pub(super) fn span(&self) -> Span {
        telemetry::request_span(self.context())
    }

    pub(super) fn stamp(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.request_id.0);
        if let Some(apitrace) = self.apitrace {
            headers.insert(APITRACE, apitrace.0);
        }
        // A caller who traces is told in which span the request was answered.
        if let Some(trace) = self.trace.filter(|trace| trace.parent_id.is_some()) {
            headers.insert(TRACERESPONSE, trace.traceparent());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use proptest::prelude::*;

    use super::*;

    fn identified(name: HeaderName, value: &[u8]) -> Identity {
        let mut request = Request::new(Body::empty());
        if let Ok(value) = HeaderValue::from_bytes(value) {
            request.headers_mut().insert(name, value);
        }
        identify(&mut request, &Observation::default())
    }

    fn allowed_in_request_id(character: char) -> bool {
        matches!(character, 'A'..='Z' | 'a'..='z' | '0'..='9')
            || ['.', '_', ':', '+', '/', '=', '@', '-'].contains(&character)
    }

    #[test]
    fn fresh_ids_differ_across_threads() {
        let some = || {
            (0..10_000)
                .map(|_| RequestId::fresh().as_str().to_owned())
                .collect()
        };
        let threads = [(); 4].map(|()| std::thread::spawn(some));
        let mut all = std::collections::HashSet::new();
        for thread in threads {
            let ids: Vec<String> = thread.join().unwrap();
            all.extend(ids);
        }
        assert_eq!(all.len(), 40_000);
    }

    proptest! {
        #[test]
        fn a_request_id_is_taken_exactly_when_it_is_well_formed(given in "(?s).{0,140}|[-A-Za-z0-9._:+/=@]{0,140}") {
            let well_formed = (1..=128).contains(&given.len()) && given.chars().all(allowed_in_request_id);
            let taken = identified(REQUEST_ID, given.as_bytes()).request_id;
            prop_assert_eq!(taken.as_str() == given, well_formed);
            prop_assert!(RequestId::is_well_formed(&taken.0));
        }

        #[test]
        fn an_apitrace_is_taken_whole_or_not_at_all(given in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Some(apitrace) = identified(APITRACE, &given).apitrace {
                prop_assert_eq!(apitrace.as_str().as_bytes(), &given[..]);
                prop_assert!((1..=256).contains(&given.len()));
                prop_assert!(given.iter().all(|byte| (b' '..=b'~').contains(byte)));
            }
        }

        #[test]
        fn visible_words_are_an_apitrace(given in "[!-~]{1,99}( [!-~]{1,99})?") {
            let apitrace = identified(APITRACE, given.as_bytes()).apitrace;
            prop_assert_eq!(apitrace.map(|apitrace| apitrace.as_str().to_owned()), Some(given));
        }
    }
}
