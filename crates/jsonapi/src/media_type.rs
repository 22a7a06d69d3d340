//! Content negotiation: <https://jsonapi.org/format/1.1/#content-negotiation-servers>.

use ::http::StatusCode;
use mime::Mime;

use crate::Error;

/// The media type of every answer, without parameters as long as no extension or profile applies.
pub const MEDIA_TYPE: &str = "application/vnd.api+json";

/// How a request body is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// A JSON:API document.
    JsonApi,
    /// `application/json`: the attributes as one object, as people write them for curl.
    PlainJson,
}

/// Reads a `Content-Type` header.
///
/// # Errors
/// 415 for anything but the two formats, for parameters that JSON:API does not know, and for
/// extensions, of which none is offered yet. Unknown profiles are ignored, as required.
pub fn content_type(header: Option<&str>) -> Result<BodyFormat, Error> {
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
    let Ok(media_type) = text.parse::<Mime>() else {
        return refuse(format!("'{}' is not a media type.", shortened(text)));
    };
    match media_type.essence_str() {
        MEDIA_TYPE => match unsupported_parameter(&media_type) {
            None => Ok(BodyFormat::JsonApi),
            Some(reason) => refuse(reason),
        },
        "application/json" => Ok(BodyFormat::PlainJson),
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
    let media_type = header.parse::<Mime>();
    media_type.is_ok_and(|media_type| media_type.essence_str() == MEDIA_TYPE)
}

/// Checks that the client takes JSON:API answers.
///
/// `*/*`, `application/*` and `application/json` are taken to include it, since a JSON:API
/// document is JSON and the server has nothing else to offer. A JSON:API range that carries
/// parameters other than `profile` counts as absent, as the format demands.
///
/// # Errors
/// 406 when no range is left.
pub fn accept<'a>(headers: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
    let mut refused = None;
    let mut given = false;
    for range in headers.into_iter().flat_map(split_outside_quotes) {
        given = true;
        match acceptable(range.trim()) {
            Ok(()) => return Ok(()),
            Err(reason) => refused = refused.or(reason),
        }
    }
    if !given {
        return Ok(());
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

fn acceptable(range: &str) -> Result<(), Option<String>> {
    // `q` and what follows it belong to the Accept header, not to the media type.
    let mut parts = range.split(';');
    let own: Vec<&str> = parts.by_ref().take_while(|part| !is_weight(part)).collect();
    let weight = range.split(';').find(|part| is_weight(part));
    let zero = weight.and_then(|part| part.split('=').nth(1)?.trim().parse::<f32>().ok());
    let media_type = own.join(";").parse::<Mime>().map_err(|_| None)?;
    if zero == Some(0.0) {
        return Err(None);
    }
    match media_type.essence_str() {
        "*/*" | "application/*" | "application/json" => Ok(()),
        MEDIA_TYPE => unsupported_parameter(&media_type).map_or(Ok(()), |reason| Err(Some(reason))),
        _ => Err(None),
    }
}

fn is_weight(parameter: &str) -> bool {
    parameter
        .split('=')
        .next()
        .is_some_and(|name| name.trim().eq_ignore_ascii_case("q"))
}

fn unsupported_parameter(media_type: &Mime) -> Option<String> {
    media_type
        .params()
        .find_map(|(name, value)| match name.as_str() {
            "profile" => None,
            "ext" if value.as_str().trim().is_empty() => None,
            "ext" => Some(format!(
                "The extension '{}' is not offered.",
                shortened(value.as_str())
            )),
            other => Some(format!(
                "{MEDIA_TYPE} takes only the parameters 'ext' and 'profile', not '{}'.",
                shortened(other)
            )),
        })
}

/// A comma inside a quoted parameter does not separate ranges.
fn split_outside_quotes(header: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    header.split(move |character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    })
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cn_6_a_json_api_body_with_a_foreign_parameter_is_refused() {
        for text in [
            "application/vnd.api+json;charset=utf-8",
            "application/vnd.api+json; version=1",
            "application/vnd.api+json;q=0.5",
        ] {
            let error = content_type(Some(text)).unwrap_err();
            assert_eq!(error.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{text}");
        }
    }

    #[test]
    fn cn_7_a_body_with_an_unknown_extension_is_refused() {
        let error = content_type(Some(r#"application/vnd.api+json;ext="urn:x""#)).unwrap_err();
        assert!(error.detail.unwrap().contains("urn:x"));
    }

    #[test]
    fn cn_8_to_11_one_usable_range_is_enough() {
        for header in [
            "application/vnd.api+json;charset=utf-8, application/vnd.api+json",
            r#"application/vnd.api+json;ext="urn:x,y", application/vnd.api+json"#,
            "text/html, */*;q=0.1",
            "application/json",
        ] {
            assert!(accept([header]).is_ok(), "{header}");
        }
        for header in [
            "application/vnd.api+json;charset=utf-8",
            r#"application/vnd.api+json;ext="urn:x""#,
            "text/html",
            "application/vnd.api+json;q=0",
            "nonsense",
        ] {
            assert_eq!(
                accept([header]).unwrap_err().status,
                StatusCode::NOT_ACCEPTABLE,
                "{header}"
            );
        }
    }

    #[test]
    fn cn_13_unknown_profiles_are_ignored() {
        assert!(accept([r#"application/vnd.api+json;profile="urn:nope""#]).is_ok());
        assert_eq!(
            content_type(Some(r#"application/vnd.api+json;profile="urn:nope""#)),
            Ok(BodyFormat::JsonApi)
        );
    }

    #[test]
    fn cn_16_and_17_a_weight_is_no_parameter_and_wildcards_are_fine() {
        for header in ["application/vnd.api+json;q=0.5", "*/*", "application/*"] {
            assert!(accept([header]).is_ok(), "{header}");
        }
        assert!(accept([]).is_ok());
    }

    #[test]
    fn cn_19_other_bodies_are_refused_with_what_would_be_right() {
        for header in [None, Some("application/x-www-form-urlencoded"), Some("???")] {
            let error = content_type(header).unwrap_err();
            assert_eq!(error.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
    }

    #[test]
    fn cn_20_media_types_are_case_insensitive() {
        assert_eq!(
            content_type(Some("Application/Vnd.Api+Json")),
            Ok(BodyFormat::JsonApi)
        );
        assert_eq!(
            content_type(Some("application/json; charset=utf-8")),
            Ok(BodyFormat::PlainJson)
        );
    }
}
