//! Content negotiation: <https://jsonapi.org/format/1.1/#content-negotiation-servers>.

mod accepted;
mod range;

use std::fmt;

use ::http::StatusCode;

use crate::Error;
pub use accepted::accepts;
use range::MediaType;

/// The media type of every answer, without parameters where no extension or profile applies.
pub const MEDIA_TYPE: &str = "application/vnd.api+json";

/// The extension for atomic operations: <https://jsonapi.org/ext/atomic>.
pub const ATOMIC: &str = "https://jsonapi.org/ext/atomic";

/// The profile for pages by cursor.
pub const CURSOR_PAGINATION: &str = "https://jsonapi.org/profiles/ethanresnick/cursor-pagination";

/// How a request body is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// A JSON:API document.
    JsonApi,
    /// `application/json`: the attributes as one object, as people write them for curl.
    PlainJson,
}

/// The extensions and profiles that an endpoint knows, as URIs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offered {
    /// Extensions.
    pub extensions: &'static [&'static str],
    /// Profiles.
    pub profiles: &'static [&'static str],
}

/// The extensions and profiles that apply to a document, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Extensions.
    pub extensions: Vec<&'static str>,
    /// Profiles.
    pub profiles: Vec<&'static str>,
}

impl Applied {
    /// Whether none applies.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.extensions.is_empty() && self.profiles.is_empty()
    }

    /// Whether this extension or profile applies.
    #[must_use]
    pub fn has(&self, uri: &str) -> bool {
        self.extensions.contains(&uri) || self.profiles.contains(&uri)
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        other
            .extensions
            .into_iter()
            .for_each(|uri| add(&mut self.extensions, uri));
        other
            .profiles
            .into_iter()
            .for_each(|uri| add(&mut self.profiles, uri));
        self
    }
}

/// The value of a `Content-Type` header.
impl fmt::Display for Applied {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MEDIA_TYPE)?;
        for (name, uris) in [("ext", &self.extensions), ("profile", &self.profiles)] {
            if !uris.is_empty() {
                write!(formatter, ";{name}=\"{}\"", uris.join(" "))?;
            }
        }
        Ok(())
    }
}

/// Reads a `Content-Type` header.
///
/// # Errors
/// 415 for anything but the two formats, for parameters that JSON:API does not know, and for
/// extensions that are not offered. Unknown profiles are ignored, as required.
pub fn content_type(
    header: Option<&str>,
    offered: Offered,
) -> Result<(BodyFormat, Applied), Error> {
    let refuse = |detail: String| {
        Err(Error::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Unsupported media type",
        )
        .detail(detail)
        .header("Content-Type"))
    };
    let Some(text) = header else {
        return refuse(format!(
            "The request has a body but no Content-Type. Send {MEDIA_TYPE} or application/json."
        ));
    };
    let Some(media_type) = MediaType::parse(text) else {
        return refuse(format!("'{}' is not a media type.", shortened(text)));
    };
    match media_type.essence.as_str() {
        MEDIA_TYPE if media_type.has_weight() => refuse(foreign_parameter("q")),
        MEDIA_TYPE => match applied(&media_type, offered) {
            Ok(applied) => Ok((BodyFormat::JsonApi, applied)),
            Err(reason) => refuse(reason),
        },
        "application/json" => Ok((BodyFormat::PlainJson, Applied::default())),
        other => refuse(format!(
            "A body of type '{}' is not understood. Send {MEDIA_TYPE} (a JSON:API document) or \
             application/json (the attributes as one object).",
            shortened(other)
        )),
    }
}

/// Whether a `Content-Type` header names JSON:API, with whatever parameters.
#[must_use]
pub fn is_json_api(header: &str) -> bool {
    MediaType::parse(header).is_some_and(|media_type| media_type.essence == MEDIA_TYPE)
}

/// Reads `Accept` headers: whether the client takes JSON:API answers, and with which of the
/// offered extensions and profiles.
///
/// `*/*`, `application/*` and `application/json` are taken to include JSON:API, since a document
/// is JSON and the server has nothing else to offer. But where JSON:API is named, one of its
/// ranges must be usable, as the format demands: one without parameters other than `ext` and
/// `profile`, and without extensions that are not offered. Of several usable ones the one with
/// the greatest weight is taken, then the one that comes first.
///
/// # Errors
/// 406 when no range is left.
pub fn accept<'a>(
    headers: impl IntoIterator<Item = &'a str>,
    offered: Offered,
) -> Result<Applied, Error> {
    let (mut given, mut includes_json_api) = (false, false);
    let mut refused = None;
    let mut best: Option<(f32, Applied)> = None;
    for text in headers.into_iter().flat_map(range::split) {
        given = true;
        let Some(range) = MediaType::parse(text) else {
            continue;
        };
        let weight = range.weight();
        match range.essence.as_str() {
            "*/*" | "application/*" | "application/json" => includes_json_api |= weight > 0.0,
            MEDIA_TYPE if weight > 0.0 => match applied(&range, offered) {
                Ok(applied) if best.as_ref().is_none_or(|(other, _)| *other < weight) => {
                    best = Some((weight, applied));
                }
                Ok(_) => {}
                Err(reason) => refused = refused.or(Some(reason)),
            },
            MEDIA_TYPE => refused = Some(format!("{MEDIA_TYPE} has the weight 0.")),
            _ => {}
        }
    }
    if let Some((_, applied)) = best {
        return Ok(applied);
    }
    if !given || (includes_json_api && refused.is_none()) {
        return Ok(Applied::default());
    }
    let reason = refused.unwrap_or_else(|| "The Accept header leaves out JSON:API.".to_owned());
    Err(Error::new(
        StatusCode::NOT_ACCEPTABLE,
        "not_acceptable",
        "Not acceptable",
    )
    .detail(format!("{reason} Every answer is {MEDIA_TYPE}."))
    .header("Accept"))
}

/// What a JSON:API media type asks for, or why it cannot be used.
fn applied(media_type: &MediaType, offered: Offered) -> Result<Applied, String> {
    let mut applied = Applied::default();
    for (name, value) in &media_type.parameters {
        match name.as_str() {
            "ext" => {
                for uri in value.split_ascii_whitespace() {
                    let Some(known) = find(offered.extensions, uri) else {
                        let uri = shortened(uri);
                        return Err(format!("The extension '{uri}' is not offered at this URL."));
                    };
                    add(&mut applied.extensions, known);
                }
            }
            "profile" => {
                let known = value.split_ascii_whitespace();
                let known = known.filter_map(|uri| find(offered.profiles, uri));
                known.for_each(|uri| add(&mut applied.profiles, uri));
            }
            other => return Err(foreign_parameter(other)),
        }
    }
    Ok(applied)
}

fn foreign_parameter(name: &str) -> String {
    let name = shortened(name);
    format!("{MEDIA_TYPE} takes only the parameters 'ext' and 'profile', not '{name}'.")
}

fn find(offered: &[&'static str], uri: &str) -> Option<&'static str> {
    offered.iter().find(|known| **known == uri).copied()
}

fn add(uris: &mut Vec<&'static str>, uri: &'static str) {
    if !uris.contains(&uri) {
        uris.push(uri);
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROFILE: &str = CURSOR_PAGINATION;
    const NOTHING: Offered = Offered {
        extensions: &[],
        profiles: &[],
    };
    const BOTH: Offered = Offered {
        extensions: &[ATOMIC],
        profiles: &[PROFILE, "urn:second"],
    };

    fn body(header: &str, offered: Offered) -> Result<(BodyFormat, Applied), Error> {
        content_type(Some(header), offered)
    }

    fn status(result: Result<impl fmt::Debug, Error>) -> StatusCode {
        result.unwrap_err().status
    }

    #[test]
    fn cn_6_a_json_api_body_with_a_foreign_parameter_is_refused() {
        for text in [
            "application/vnd.api+json;charset=utf-8",
            "application/vnd.api+json; version=1",
            "application/vnd.api+json;q=0.5",
        ] {
            assert_eq!(
                status(body(text, BOTH)),
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "{text}"
            );
        }
    }

    #[test]
    fn cn_7_a_body_with_an_unknown_extension_is_refused() {
        for uris in ["urn:x".to_owned(), format!("{ATOMIC} urn:x")] {
            let error = body(&format!("{MEDIA_TYPE};ext=\"{uris}\""), BOTH).unwrap_err();
            assert_eq!(error.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
            assert!(error.detail.unwrap().contains("urn:x"));
        }
        let atomic = format!("{MEDIA_TYPE};ext=\"{ATOMIC}\"");
        assert!(body(&atomic, NOTHING).is_err());
        assert!(body(&atomic, BOTH).unwrap().1.has(ATOMIC));
    }

    #[test]
    fn cn_8_and_cn_11_one_usable_range_is_enough() {
        for header in [
            "application/vnd.api+json;charset=utf-8, application/vnd.api+json",
            r#"application/vnd.api+json;ext="urn:x,y", application/vnd.api+json"#,
            "text/html, */*;q=0.1",
            "application/json",
        ] {
            assert_eq!(accept([header], BOTH), Ok(Applied::default()), "{header}");
        }
    }

    #[test]
    fn cn_9_and_cn_10_no_usable_range_of_json_api_is_406_whatever_else_is_taken() {
        for header in [
            "application/vnd.api+json;charset=utf-8",
            "application/vnd.api+json;charset=utf-8, */*",
            "*/*, application/vnd.api+json;charset=utf-8",
            r#"application/vnd.api+json;ext="urn:x""#,
            r#"application/vnd.api+json;ext="urn:x", application/json"#,
            "text/html",
            "nonsense",
        ] {
            assert_eq!(
                status(accept([header], BOTH)),
                StatusCode::NOT_ACCEPTABLE,
                "{header}"
            );
        }
        let atomic = format!("{MEDIA_TYPE};ext=\"{ATOMIC}\"");
        assert!(accept([atomic.as_str()], NOTHING).is_err());
    }

    #[test]
    fn cn_3_to_5_and_cn_12_what_is_applied_is_named_once_in_quotes() {
        let header = format!("{MEDIA_TYPE};profile=\"urn:second urn:nope  {PROFILE} urn:second\"");
        let applied = accept([header.as_str()], BOTH).unwrap();
        assert!(applied.has(PROFILE) && applied.has("urn:second"));
        assert_eq!(
            applied.to_string(),
            format!("{MEDIA_TYPE};profile=\"urn:second {PROFILE}\"")
        );
        let header = format!("{MEDIA_TYPE}; ext=\"{ATOMIC}\"; profile=\"{PROFILE}\"");
        let applied = accept([header.as_str()], BOTH).unwrap();
        let expected = format!("{MEDIA_TYPE};ext=\"{ATOMIC}\";profile=\"{PROFILE}\"");
        assert_eq!(applied.to_string(), expected);
        assert_eq!(applied.clone().and(applied.clone()), applied);
        assert_eq!(Applied::default().to_string(), MEDIA_TYPE);
    }

    #[test]
    fn the_range_with_the_greatest_weight_is_applied() {
        let with = |first: &str, second: &str| {
            let header = format!("{MEDIA_TYPE}{first}, {MEDIA_TYPE};profile=\"{PROFILE}\"{second}");
            !accept([header.as_str()], BOTH).unwrap().is_empty()
        };
        assert!(with(";q=0.5", ""));
        assert!(!with("", ""));
        assert!(!with(";q=0.5", ";q=0.4"));
        assert!(with(";q=0", ";q=0.1"));
    }

    #[test]
    fn cn_13_unknown_profiles_are_ignored() {
        let header = r#"application/vnd.api+json;profile="urn:nope""#;
        assert_eq!(accept([header], BOTH), Ok(Applied::default()));
        assert_eq!(
            body(header, BOTH),
            Ok((BodyFormat::JsonApi, Applied::default()))
        );
    }

    #[test]
    fn cn_16_and_17_a_weight_is_no_parameter_and_wildcards_are_fine() {
        for header in ["application/vnd.api+json;q=0.5", "*/*", "application/*"] {
            assert!(accept([header], NOTHING).is_ok(), "{header}");
        }
        assert!(accept([], NOTHING).is_ok());
        for header in [
            "application/vnd.api+json;q=0",
            "application/vnd.api+json; Q=0.000, */*",
            "*/*;q=0",
        ] {
            assert!(accept([header], NOTHING).is_err(), "{header}");
        }
    }

    #[test]
    fn cn_19_other_bodies_are_refused_with_what_would_be_right() {
        for header in [None, Some("application/x-www-form-urlencoded"), Some("???")] {
            let result = content_type(header, BOTH);
            assert_eq!(status(result), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
    }

    #[test]
    fn cn_20_names_are_case_insensitive_and_quotes_optional() {
        for header in [
            "Application/Vnd.Api+Json".to_owned(),
            format!("{MEDIA_TYPE} ; PROFILE=urn:x"),
            format!("{MEDIA_TYPE};Ext=\"\""),
            format!("{MEDIA_TYPE};"),
        ] {
            assert_eq!(
                body(&header, BOTH).unwrap().0,
                BodyFormat::JsonApi,
                "{header}"
            );
            assert!(accept([header.as_str()], BOTH).is_ok());
            assert!(is_json_api(&header));
        }
        let unquoted = format!("{MEDIA_TYPE};Profile={PROFILE}");
        assert!(body(&unquoted, BOTH).unwrap().1.has(PROFILE));
        let plain = body("application/json; charset=utf-8", BOTH).unwrap();
        assert_eq!(plain.0, BodyFormat::PlainJson);
    }

    #[test]
    fn cn_21_refusals_name_the_header() {
        let accept = accept(["text/html"], BOTH).unwrap_err();
        assert_eq!(accept.source, Some(crate::Source::Header("Accept")));
        let body = body("text/html", BOTH).unwrap_err();
        assert_eq!(body.source, Some(crate::Source::Header("Content-Type")));
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_refused(text in "(application/vnd.api\\+json|[a-z*/;=\"\\\\, .q0-9]{0,12}){0,4}") {
            let _ = body(&text, BOTH);
            if let Ok(applied) = accept([text.as_str()], BOTH) {
                let again = applied.to_string();
                prop_assert_eq!(accept([again.as_str()], BOTH), Ok(applied));
            }
        }
    }
}
