//! Entity tags of compressed answers.
//!
//! A strong tag stands for the same bytes, so a compressed answer needs another than the plain one:
//! `"7f3a"` becomes `"7f3a;gzip"`. Where a client sends that back as a condition it means the same
//! version, and the service is asked with its own tag. `If-Range` is left alone: a part of the plain
//! bytes is no part of what such a client has.

use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue};

use super::Coding;

/// Marks the tag of an answer in `coding`. A weak tag stands for both.
pub(super) fn add(headers: &mut HeaderMap, coding: Coding) {
    let Some(tag) = headers.get(ETAG).and_then(|tag| tag.to_str().ok()) else {
        return;
    };
    if tag.starts_with("W/") {
        return;
    }
    let marked = tag
        .strip_suffix('"')
        .map(|tag| format!("{tag}{}", coding.tag_ending()));
    if let Some(marked) = marked.and_then(|tag| HeaderValue::try_from(tag).ok()) {
        headers.insert(ETAG, marked);
    }
}

/// Takes the marks from the tags of conditions. Returns which coding the tags of `If-None-Match`
/// had.
pub(super) fn strip(headers: &mut HeaderMap) -> Option<Coding> {
    let mut held = None;
    for name in [IF_NONE_MATCH, IF_MATCH] {
        let http::header::Entry::Occupied(mut entry) = headers.entry(&name) else {
            continue;
        };
        for value in entry.iter_mut() {
            let Some(mut text) = value.to_str().ok().map(str::to_owned) else {
                continue;
            };
            let mut marked = None;
            for coding in Coding::all() {
                if text.contains(coding.tag_ending()) {
                    text = text.replace(coding.tag_ending(), "\"");
                    marked = Some(coding);
                }
            }
            if marked.is_none() {
                continue;
            }
            if name == IF_NONE_MATCH {
                held = marked;
            }
            if let Ok(stripped) = HeaderValue::try_from(text) {
                *value = stripped;
            }
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_comes_back_as_the_service_gave_it() {
        for coding in Coding::all() {
            let mut headers = HeaderMap::new();
            headers.insert(ETAG, HeaderValue::from_static("\"7f3a\""));
            add(&mut headers, coding);
            let marked = headers.remove(ETAG).unwrap();
            assert_eq!(marked, format!("\"7f3a;{}\"", coding.name()));
            let several = format!("\"other\", {}", marked.to_str().unwrap());
            headers.insert(IF_NONE_MATCH, several.parse().unwrap());
            headers.insert(IF_MATCH, marked);
            assert_eq!(strip(&mut headers), Some(coding));
            assert_eq!(headers[IF_NONE_MATCH], "\"other\", \"7f3a\"");
            assert_eq!(headers[IF_MATCH], "\"7f3a\"");
            assert_eq!(strip(&mut headers), None);
        }
    }

    #[test]
    fn a_weak_tag_stands_for_both() {
        let mut headers = HeaderMap::new();
        headers.insert(ETAG, HeaderValue::from_static("W/\"7f3a\""));
        add(&mut headers, Coding::Gzip);
        assert_eq!(headers[ETAG], "W/\"7f3a\"");
    }
}
