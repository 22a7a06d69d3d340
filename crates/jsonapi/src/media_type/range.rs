//! One media type or media range with its parameters (RFC 9110, sections 5.6.6 and 8.3.1). Values
//! that are URIs are taken without quotes too, which the RFC does not allow and clients send.

/// A media type in lower case, and its parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MediaType {
    pub(super) essence: String,
    /// Names in lower case, values without their quotes; what follows `q` is left out.
    pub(super) parameters: Vec<(String, String)>,
    weight: Option<String>,
}

impl MediaType {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = split_unquoted(text, ';').map(str::trim);
        let essence = parts.next()?.to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let (mut parameters, mut weight) = (Vec::new(), None);
        for part in parts.filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            let name = name.trim().to_ascii_lowercase();
            let value = unquoted(value.trim())?;
            if !is_token(&name) {
                return None;
            }
            if name == "q" {
                weight = Some(value);
                break;
            }
            parameters.push((name, value));
        }
        Some(Self {
            essence,
            parameters,
            weight,
        })
    }

    /// Whether a weight is given, which only ranges have.
    pub(super) fn has_weight(&self) -> bool {
        self.weight.is_some()
    }

    /// The weight of a range: 1 when it has none, or one that is not a number.
    pub(super) fn weight(&self) -> f32 {
        let weight = self.weight.as_ref().and_then(|weight| weight.parse().ok());
        weight.unwrap_or(1.0)
    }
}

/// The ranges of an `Accept` header.
pub(super) fn split(header: &str) -> impl Iterator<Item = &str> {
    split_unquoted(header, ',').filter(|range| !range.trim().is_empty())
}

/// A separator inside a quoted value does not separate.
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character| {
        if escaped {
            escaped = false;
            return false;
        }
        escaped = quoted && character == '\\';
        quoted ^= character == '"';
        character == separator && !quoted
    })
}

fn unquoted(value: &str) -> Option<String> {
    let Some(inside) = value.strip_prefix('"') else {
        let is_plain =
            !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
        return is_plain.then(|| value.to_owned());
    };
    let mut text = String::new();
    let mut characters = inside.chars();
    loop {
        match characters.next()? {
            '"' => break,
            '\\' => text.push(characters.next()?),
            other => text.push(other),
        }
    }
    characters.as_str().is_empty().then_some(text)
}

fn is_token(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_taken_apart() {
        let found = MediaType::parse(r#" A/B+c ; X = "a;b\"c" ;y=urn:z; q=0.5;z=1"#).unwrap();
        assert_eq!(found.essence, "a/b+c");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(found.parameters, [pair("x", "a;b\"c"), pair("y", "urn:z")]);
        assert!((found.weight() - 0.5).abs() < f32::EPSILON);
    }

    #[test]
    fn what_is_no_media_type_is_none() {
        for text in [
            "",
            "a",
            "a/",
            "/b",
            "a b/c",
            "a/b;x",
            "a/b;x=\"",
            "a/b;x=\"y\"z",
            "a/b;=1",
        ] {
            assert_eq!(MediaType::parse(text), None, "{text}");
        }
    }

    #[test]
    fn commas_in_quotes_separate_nothing() {
        let ranges: Vec<_> = split(r#"a/b;x="1,\",2", c/d,,"#).collect();
        assert_eq!(ranges, [r#"a/b;x="1,\",2""#, " c/d"]);
    }
}
