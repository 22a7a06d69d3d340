//! Which of the list's media types a client wants.

use http::HeaderMap;
use http::header::ACCEPT;

/// The media types of a list, in the order in which a tie is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaType {
    Json,
    Lines,
    Csv,
}

const OFFERED: [(MediaType, &str, &str); 3] = [
    (MediaType::Json, "application", "json"),
    (MediaType::Lines, "application", "x-ndjson"),
    (MediaType::Csv, "text", "csv"),
];

/// The offered type with the highest quality (RFC 9110, 12.5.1).
///
/// JSON if none is acceptable: a client that sends a careless `Accept` still wants the answer.
pub(super) fn media_type(headers: &HeaderMap) -> MediaType {
    if !headers.contains_key(ACCEPT) {
        return MediaType::Json;
    }
    let mut best = (MediaType::Json, 0);
    for (offered, kind, subtype) in OFFERED {
        let quality = quality(headers, kind, subtype);
        if quality > best.1 {
            best = (offered, quality);
        }
    }
    best.0
}

/// The quality, in thousandths, that the most specific matching range gives.
fn quality(headers: &HeaderMap, kind: &str, subtype: &str) -> u16 {
    let mut found = (0, 0);
    let values = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let specificity = match media.split_once('/') {
            Some(("*", "*")) => 1,
            Some((a, "*")) if a.eq_ignore_ascii_case(kind) => 2,
            Some((a, b)) if a.eq_ignore_ascii_case(kind) && b.eq_ignore_ascii_case(subtype) => 3,
            _ => continue,
        };
        let weight = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("q")
                .then(|| thousandths(value.trim()))
        });
        let weight = weight.unwrap_or(1000);
        if (specificity, weight) > found {
            found = (specificity, weight);
        }
    }
    found.1
}

/// `0.25` is 250; what is no quality at all counts as 0.
fn thousandths(value: &str) -> u16 {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let padded = format!("{fraction:0<3}");
    match (
        whole,
        padded
            .get(..3)
            .and_then(|digits| digits.parse::<u16>().ok()),
    ) {
        ("0", Some(fraction)) => fraction,
        ("1", _) => 1000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn chosen(accept: &'static str) -> MediaType {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        media_type(&headers)
    }

    #[test]
    fn the_highest_quality_wins_and_json_wins_ties() {
        assert_eq!(media_type(&HeaderMap::new()), MediaType::Json);
        assert_eq!(chosen("*/*"), MediaType::Json);
        assert_eq!(chosen("application/*"), MediaType::Json);
        assert_eq!(chosen("text/*"), MediaType::Csv);
        assert_eq!(chosen("text/csv, application/json"), MediaType::Json);
        assert_eq!(chosen("text/csv, application/json;q=0.9"), MediaType::Csv);
        assert_eq!(
            chosen("Application/X-NDJSON ; Q=0.5, */*;q=0.1"),
            MediaType::Lines
        );
        assert_eq!(chosen("*/*, application/json;q=0"), MediaType::Lines);
    }

    #[test]
    fn what_is_not_offered_or_not_understood_gets_json() {
        for accept in [
            "text/html",
            "image/png;q=1",
            "",
            ",",
            "text/csv;q=x",
            "json",
            "text/csv;q=0",
        ] {
            assert_eq!(chosen(accept), MediaType::Json, "{accept}");
        }
    }
}
