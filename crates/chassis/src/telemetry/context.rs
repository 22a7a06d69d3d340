//! The trace that a request belongs to: <https://www.w3.org/TR/trace-context/>.

pub(crate) mod ids;

use http::{HeaderMap, HeaderName, HeaderValue};

pub use self::ids::{SpanId, TraceId};

/// The header that names the trace and the caller's span.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header with what other systems of tracing say of the trace.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The header of an answer that names the trace and the span that answered: level 2 of the standard.
pub const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// `00-` trace id `-` span id `-` flags.
const VERSION_00_BYTES: usize = 55;
const STATE_BYTES_MAX: usize = 512;
const STATE_MEMBERS_MAX: usize = 32;
const SAMPLED: u8 = 1;

/// The trace of a request and the request's own span: a request extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace, which the caller began or this process.
    pub trace_id: TraceId,
    /// The span of this request.
    pub span_id: SpanId,
    /// The span of the caller, if it named one.
    pub parent_id: Option<SpanId>,
    /// Whether the trace is recorded.
    pub sampled: bool,
    /// What other systems of tracing said, to be handed on as it is.
    pub state: Option<HeaderValue>,
}

impl TraceContext {
    /// Goes on with the trace that the headers name; without one, or with one that is not written
    /// as the standard wants it, a new trace begins. The caller decides whether its trace is
    /// recorded; `sample` decides for new ones.
    #[must_use]
    pub fn continued(headers: &HeaderMap, sample: impl FnOnce(TraceId) -> bool) -> Self {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let parent = match (parents.next(), parents.next()) {
            (Some(parent), None) => parse_parent(parent.as_bytes()),
            _ => None,
        };
        let span_id = SpanId::fresh();
        if let Some((trace_id, parent_id, sampled)) = parent {
            return Self {
                trace_id,
                span_id,
                parent_id: Some(parent_id),
                sampled,
                state: state_of(headers),
            };
        }
        let trace_id = TraceId::fresh();
        Self {
            trace_id,
            span_id,
            parent_id: None,
            sampled: sample(trace_id),
            state: None,
        }
    }

    /// The `traceparent` of requests that this one causes elsewhere.
    #[must_use]
    pub fn traceparent(&self) -> HeaderValue {
        let (mut trace, mut span) = ([0; 32], [0; 16]);
        let (trace, span) = (self.trace_id.hex(&mut trace), self.span_id.hex(&mut span));
        let flags = u8::from(self.sampled);
        let text = format!("00-{trace}-{span}-{flags:02x}");
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// The trace, the caller's span, and whether the trace is recorded.
fn parse_parent(text: &[u8]) -> Option<(TraceId, SpanId, bool)> {
    let version = hex_byte(text.get(..2)?)?;
    let fits = match version {
        0 => text.len() == VERSION_00_BYTES,
        0xff => false,
        // Later versions may have more behind what this one has.
        _ => text.len() == VERSION_00_BYTES || text.get(VERSION_00_BYTES) == Some(&b'-'),
    };
    let dashes = [2, 35, 52].iter().all(|at| text.get(*at) == Some(&b'-'));
    if !fits || !dashes {
        return None;
    }
    let trace_id = TraceId::parse(&text[3..35])?;
    let span_id = SpanId::parse(&text[36..52])?;
    let flags = hex_byte(&text[53..55])?;
    Some((trace_id, span_id, flags & SAMPLED != 0))
}

/// Two lower-case digits.
fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    match digits {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

/// All `tracestate` headers as one, or none when it is too long or not written as it should be.
fn state_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut all = headers.get_all(TRACESTATE).iter();
    let first = all.next()?;
    let mut joined = first.as_bytes().to_vec();
    for further in all {
        joined.push(b',');
        joined.extend_from_slice(further.as_bytes());
    }
    let members = joined.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let mut count = 0;
    for member in members.filter(|member| !member.is_empty()) {
        count += 1;
        if !is_state_member(member) {
            return None;
        }
    }
    if count == 0 || count > STATE_MEMBERS_MAX || joined.len() > STATE_BYTES_MAX {
        return None;
    }
    HeaderValue::from_bytes(&joined).ok()
}

/// `key=value`, or `tenant@system=value`.
fn is_state_member(member: &[u8]) -> bool {
    let Some(equals) = member.iter().position(|byte| *byte == b'=') else {
        return false;
    };
    let (key, value) = (&member[..equals], &member[equals + 1..]);
    let of_key =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(byte);
    let of_value = |byte: &u8| (b' '..=b'~').contains(byte) && !b",=".contains(byte);
    (1..=256).contains(&key.len())
        && key[0].is_ascii_alphanumeric()
        && key.iter().all(of_key)
        && (1..=256).contains(&value.len())
        && value.iter().all(of_value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn continued(parents: &[&str], states: &[&str]) -> TraceContext {
        let mut headers = HeaderMap::new();
        for (name, values) in [(TRACEPARENT, parents), (TRACESTATE, states)] {
            for value in values {
                headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
            }
        }
        TraceContext::continued(&headers, |_| false)
    }

    #[test]
    fn a_trace_is_continued_with_a_span_of_its_own() {
        let context = continued(&[PARENT], &["vendor=a b", "t@v=1"]);
        let written = context.traceparent();
        let written = written.to_str().unwrap();
        assert_eq!((&written[..36], &written[52..]), (&PARENT[..36], "-01"));
        assert_ne!(written, PARENT);
        assert_eq!(context.parent_id, SpanId::parse(&PARENT.as_bytes()[36..52]));
        assert_eq!(context.state.unwrap(), "vendor=a b,t@v=1");
        assert!(!continued(&[&PARENT.replace("-01", "-00")], &[]).sampled);
        assert!(continued(&[&PARENT.replace("-01", "-ff")], &[]).sampled);
        assert!(continued(&[&format!("{}-more", PARENT.replace("00-4", "cc-4"))], &[]).sampled);
    }

    #[test]
    fn what_is_not_written_as_the_standard_wants_it_begins_a_new_trace() {
        let upper = PARENT.to_uppercase();
        for parent in [
            "",
            "00",
            &upper,
            &PARENT.replace("00-4", "ff-4"),
            &format!("{PARENT}-more"),
            &PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &PARENT.replace('f', "g"),
            &PARENT.replace("-00f", "_00f"),
            &PARENT.replace("00-4", "cc-4").replace("-01", "-01x"),
        ] {
            let context = continued(&[parent], &["a=1"]);
            assert_eq!((context.parent_id, context.state), (None, None), "{parent}");
            assert!(!context.sampled);
        }
        assert_eq!(continued(&[PARENT, PARENT], &[]).parent_id, None);
        let many = vec!["a=1"; 33].join(",");
        for state in [
            "a",
            "=1",
            "a=",
            "A=1",
            "a=b=c",
            &many,
            &format!("a={}", "x".repeat(257)),
        ] {
            assert_eq!(continued(&[PARENT], &[state]).state, None, "{state}");
        }
    }

    proptest! {
        #[test]
        fn any_headers_give_a_context_that_can_be_written(parent in "[ -~]{0,70}", state in "[ -~]{0,600}") {
            let context = continued(&[&parent], &[&state]);
            let again = context.traceparent();
            let (trace, span, sampled) = parse_parent(again.as_bytes()).unwrap();
            prop_assert_eq!((trace, span, sampled), (context.trace_id, context.span_id, context.sampled));
        }
    }
}
