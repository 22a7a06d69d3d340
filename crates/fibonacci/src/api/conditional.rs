//! Which part of an answer a request still needs: `If-None-Match`, `Range`, `If-Range`.

use http::header::{IF_NONE_MATCH, IF_RANGE, RANGE};
use http::{HeaderMap, Method};

use super::ApiError;

/// What to send of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The client has it already.
    Nothing,
    /// All of it.
    Whole,
    /// `length` bytes from `offset` on; never none.
    Range { offset: u64, length: u64 },
}

/// The part that the headers ask for, in the order of RFC 9110, 13.2.2.
pub(super) fn part(
    method: &Method,
    headers: &HeaderMap,
    etag: &str,
    length: u64,
) -> Result<Part, ApiError> {
    if lists_tag(headers, etag) {
        return Ok(Part::Nothing);
    }
    // A range is defined for GET only.
    let Some(range) = headers.get(RANGE).filter(|_| method == Method::GET) else {
        return Ok(Part::Whole);
    };
    // A date in If-Range cannot match: the answers have none.
    if headers
        .get(IF_RANGE)
        .is_some_and(|validator| validator != etag)
    {
        return Ok(Part::Whole);
    }
    match range.to_str().ok().and_then(single_range) {
        // What is malformed, has another unit or many ranges may be answered as if absent.
        None => Ok(Part::Whole),
        Some(range) => satisfied(range, length).ok_or(ApiError::RangeNotSatisfiable(length)),
    }
}

/// `If-None-Match` compares weakly, so a cache that weakened the tag still finds it.
fn lists_tag(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    // No tag of ours contains a comma.
    values.flat_map(|value| value.split(',')).any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByteRange {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

fn single_range(value: &str) -> Option<ByteRange> {
    let (unit, range) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    match (first, last) {
        ("", last) => Some(ByteRange::Last(position(last)?)),
        (first, "") => Some(ByteRange::From(position(first)?)),
        (first, last) => {
            let (first, last) = (position(first)?, position(last)?);
            (first <= last).then_some(ByteRange::Between(first, last))
        }
    }
}

/// A position too large for a u64 is beyond any answer.
fn position(digits: &str) -> Option<u64> {
    let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn satisfied(range: ByteRange, length: u64) -> Option<Part> {
    let (offset, end) = match range {
        ByteRange::From(first) => (first, length),
        ByteRange::Between(first, last) => (first, last.saturating_add(1).min(length)),
        ByteRange::Last(count) => (length.saturating_sub(count), length),
    };
    (offset < end).then(|| Part::Range {
        offset,
        length: end - offset,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http::header::HeaderName;

    const TAG: &str = "\"t\"";

    fn asked(headers: &[(HeaderName, &'static str)]) -> Option<Part> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        part(&Method::GET, &headers, TAG, 100).ok()
    }

    fn range(offset: u64, length: u64) -> Part {
        Part::Range { offset, length }
    }

    #[test]
    fn a_single_range_is_cut_to_the_answer() {
        assert_eq!(asked(&[(RANGE, "bytes=0-0")]), Some(range(0, 1)));
        assert_eq!(asked(&[(RANGE, "bytes=10-19")]), Some(range(10, 10)));
        assert_eq!(asked(&[(RANGE, "bytes=90-")]), Some(range(90, 10)));
        assert_eq!(asked(&[(RANGE, "bytes=90-999")]), Some(range(90, 10)));
        assert_eq!(
            asked(&[(RANGE, "bytes=90-99999999999999999999")]),
            Some(range(90, 10))
        );
        assert_eq!(asked(&[(RANGE, "bytes=-5")]), Some(range(95, 5)));
        assert_eq!(asked(&[(RANGE, "bytes=-500")]), Some(range(0, 100)));
        assert_eq!(asked(&[(RANGE, "Bytes = 1-2")]), Some(range(1, 2)));
    }

    #[test]
    fn a_range_beyond_the_answer_is_not_satisfiable() {
        for value in [
            "bytes=100-",
            "bytes=100-200",
            "bytes=-0",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(asked(&[(RANGE, value)]), None, "{value}");
        }
    }

    #[test]
    fn what_is_not_one_range_of_bytes_gets_everything() {
        for value in [
            "bytes=5-1",
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes",
            "bytes=",
            "bytes=a-b",
            "bytes=-",
        ] {
            assert_eq!(asked(&[(RANGE, value)]), Some(Part::Whole), "{value}");
        }
    }

    #[test]
    fn if_range_needs_the_strong_tag() {
        assert_eq!(
            asked(&[(RANGE, "bytes=1-2"), (IF_RANGE, TAG)]),
            Some(range(1, 2))
        );
        for validator in ["W/\"t\"", "\"other\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            let headers = [(RANGE, "bytes=1-2"), (IF_RANGE, validator)];
            assert_eq!(asked(&headers), Some(Part::Whole), "{validator}");
        }
    }

    #[test]
    fn a_known_tag_needs_nothing_even_with_a_range() {
        for tags in [TAG, "W/\"t\"", "*", "\"a\", \"t\""] {
            let headers = [(IF_NONE_MATCH, tags), (RANGE, "bytes=1-2")];
            assert_eq!(asked(&headers), Some(Part::Nothing), "{tags}");
        }
        assert_eq!(asked(&[(IF_NONE_MATCH, "\"a\"")]), Some(Part::Whole));
    }
}
