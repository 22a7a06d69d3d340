//! `ETag`, `If-Match` and `If-None-Match`: <https://www.rfc-editor.org/rfc/rfc9110#section-13>.
//!
//! The tag of a resource is its version, the same on every process.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use jsonapi::Error;
use serde_json::{Map, Value};

use crate::controller::Versions;
use crate::schema::ResourceType;
use crate::store::{Resource, Version};

/// The tag of a resource.
pub(super) fn tag(resource: &Resource) -> Option<HeaderValue> {
    let version = Version::of_text(&resource.text);
    HeaderValue::try_from(format!("\"{version}\"")).ok()
}

/// The versions that `If-Match` allows for a change.
///
/// # Errors
/// 400 for a header that names no tags, 428 where the type demands one and there is none.
pub(super) fn if_match(
    headers: &HeaderMap,
    resource_type: &ResourceType,
) -> Result<Versions, Error> {
    let tags = tags(headers, &header::IF_MATCH)?;
    versions(tags, resource_type).map_err(|error| error.header("If-Match"))
}

/// The same for an operation that stands at `pointer`, whose `meta.ifMatch` has the text of such a
/// header.
///
/// # Errors
/// As [`if_match`], with the place.
pub(super) fn meta_if_match(
    meta: &Map<String, Value>,
    resource_type: &ResourceType,
    pointer: &str,
) -> Result<Versions, Error> {
    let tags = match meta.get("ifMatch") {
        None => None,
        Some(value) => {
            let text = value.as_str().map(str::trim);
            let tags = match text {
                Some("*") => Some(Tags::Any),
                text => text.and_then(list).map(Tags::These),
            };
            let refused = || unreadable("meta.ifMatch").pointer(format!("{pointer}/meta/ifMatch"));
            Some(tags.ok_or_else(refused)?)
        }
    };
    versions(tags, resource_type).map_err(|error| error.pointer(pointer))
}

fn versions(tags: Option<Tags>, resource_type: &ResourceType) -> Result<Versions, Error> {
    match tags {
        None if resource_type.if_match_required => {
            let (code, title) = ("if_match_required", "If-Match is required");
            let detail = "Read the resource and send its ETag as 'If-Match', or as 'meta.ifMatch' \
                          of an operation, so that no change of others is lost.";
            Err(Error::new(StatusCode::PRECONDITION_REQUIRED, code, title).detail(detail))
        }
        None | Some(Tags::Any) => Ok(None),
        // A weak tag never matches here.
        Some(Tags::These(tags)) => {
            let strong = tags.iter().filter(|(is_weak, _)| !is_weak);
            Ok(Some(
                strong.filter_map(|(_, tag)| tag.parse().ok()).collect(),
            ))
        }
    }
}

/// The answer to a read, or 304 if the client has it already.
///
/// # Errors
/// 400 for a header that names no tags.
pub(super) fn unless_known(headers: &HeaderMap, response: Response) -> Result<Response, Error> {
    match response.headers().get(header::ETAG) {
        Some(tag) if is_known(headers, tag)? => {
            let tag = [(header::ETAG, tag.clone())];
            Ok((StatusCode::NOT_MODIFIED, tag).into_response())
        }
        _ => Ok(response),
    }
}

fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> Result<bool, Error> {
    let tag = tag.to_str().unwrap_or_default().trim_matches('"');
    Ok(match tags(headers, &header::IF_NONE_MATCH)? {
        None => false,
        Some(Tags::Any) => true,
        Some(Tags::These(tags)) => tags.iter().any(|(_, known)| known == tag),
    })
}

/// Whether a resource may only be made if there is none with its id.
///
/// # Errors
/// 400 for a header that names no tags.
pub(super) fn must_be_new(headers: &HeaderMap) -> Result<bool, Error> {
    Ok(matches!(
        tags(headers, &header::IF_NONE_MATCH)?,
        Some(Tags::Any)
    ))
}

/// What a condition names.
#[derive(Debug, PartialEq, Eq)]
enum Tags {
    /// `*`
    Any,
    /// Each with whether it is weak.
    These(Vec<(bool, String)>),
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Error> {
    let mut these = Vec::new();
    let mut is_given = false;
    for value in headers.get_all(name) {
        is_given = true;
        let text = value.to_str().unwrap_or("?").trim();
        if text == "*" {
            return Ok(Some(Tags::Any));
        }
        these.extend(list(text).ok_or_else(|| malformed(name))?);
    }
    Ok(is_given.then_some(Tags::These(these)))
}

/// A list of entity tags; a comma may be in a tag.
fn list(mut text: &str) -> Option<Vec<(bool, String)>> {
    let mut tags = Vec::new();
    loop {
        let strong = text.strip_prefix("W/");
        let opened = strong.unwrap_or(text).strip_prefix('"')?;
        let (tag, rest) = opened.split_once('"')?;
        tags.push((strong.is_some(), tag.to_owned()));
        let rest = rest.trim_start();
        if rest.is_empty() {
            return Some(tags);
        }
        text = rest.strip_prefix(',')?.trim_start();
    }
}

fn malformed(name: &HeaderName) -> Error {
    let header = match *name {
        header::IF_MATCH => "If-Match",
        _ => "If-None-Match",
    };
    unreadable(header).header(header)
}

fn unreadable(name: &str) -> Error {
    Error::new(StatusCode::BAD_REQUEST, "invalid_header", "Invalid header").detail(format!(
        "'{name}' is '*' or a list of tags in quotes, such as \"5f2a\"."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn lists_of_tags_are_read_and_other_texts_refused() {
        let read = |value| tags(&headers(header::IF_MATCH, value), &header::IF_MATCH);
        assert_eq!(read("*").unwrap(), Some(Tags::Any));
        let both = vec![(false, "a,b".to_owned()), (true, "c".to_owned())];
        assert_eq!(read(r#""a,b" , W/"c""#).unwrap(), Some(Tags::These(both)));
        for malformed in ["", "a", r#""a"#, r#""a""b""#, r#""a","#, "w/\"a\""] {
            let error = read(malformed).unwrap_err();
            assert_eq!(error.status, StatusCode::BAD_REQUEST, "{malformed}");
        }
        assert_eq!(tags(&HeaderMap::new(), &header::IF_MATCH).unwrap(), None);
    }

    #[test]
    fn a_tag_is_known_whether_it_is_weak_or_not() {
        let tag = HeaderValue::from_static("\"5f\"");
        for (value, known) in [
            ("*", true),
            ("W/\"5f\"", true),
            ("\"5e\", \"5f\"", true),
            ("\"5\"", false),
        ] {
            let headers = headers(header::IF_NONE_MATCH, value);
            assert_eq!(is_known(&headers, &tag).unwrap(), known, "{value}");
        }
    }
}
