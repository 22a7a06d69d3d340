//! Whether a client takes answers that are no JSON:API documents.

use super::range::{self, MediaType};

/// Whether `Accept` headers take answers of a media type, such as `text/event-stream`: the range
/// that names it most closely decides, and no header takes everything.
#[must_use]
pub fn accepts<'a>(headers: impl IntoIterator<Item = &'a str>, media_type: &str) -> bool {
    let kind = media_type.split('/').next().unwrap_or_default();
    let mut best = None;
    let mut given = false;
    for text in headers.into_iter().flat_map(range::split) {
        given = true;
        let Some(range) = MediaType::parse(text) else {
            continue;
        };
        let closeness = match range.essence.as_str() {
            essence if essence == media_type => 2,
            essence if essence.strip_suffix("/*") == Some(kind) => 1,
            "*/*" => 0,
            _ => continue,
        };
        if best.is_none_or(|(other, _)| other < closeness) {
            best = Some((closeness, range.weight() > 0.0));
        }
    }
    best.map_or(!given, |(_, is_taken)| is_taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_range_decides() {
        for (headers, expected) in [
            (&[][..], true),
            (&["text/event-stream"], true),
            (&["TEXT/Event-Stream; charset=utf-8"], true),
            (&["text/*"], true),
            (&["application/json", "*/*;q=0.1"], true),
            (&["application/vnd.api+json"], false),
            (&["text/html, application/xml"], false),
            (&["*/*, text/event-stream;q=0"], false),
            (&["text/*;q=0, */*"], false),
            (&["nonsense"], false),
        ] {
            let found = accepts(headers.iter().copied(), "text/event-stream");
            assert_eq!(found, expected, "{headers:?}");
        }
    }
}
