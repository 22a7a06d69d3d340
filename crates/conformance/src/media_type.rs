//! Media types with their parameters, as a client reads them.

/// The media type of JSON:API.
pub(crate) const JSON_API: &str = "application/vnd.api+json";
/// The extension of atomic operations.
pub(crate) const ATOMIC: &str = "https://jsonapi.org/ext/atomic";
/// The profile of cursor pagination.
pub(crate) const CURSOR: &str = "https://jsonapi.org/profiles/ethanresnick/cursor-pagination";

/// The media type of JSON:API with a parameter, quoted.
pub(crate) fn with(name: &str, value: &str) -> String {
    format!("{JSON_API};{name}=\"{value}\"")
}

/// A `Content-Type`, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MediaType {
    /// In lower case.
    pub(crate) essence: String,
    /// In order: the name in lower case, the value without quotes, and whether it had some.
    pub(crate) parameters: Vec<(String, String, bool)>,
}

impl MediaType {
    pub(crate) fn read(text: &str) -> Self {
        let mut parts = split(text).into_iter();
        let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let parameters = parts.filter(|part| !part.trim().is_empty()).map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((&part, ""));
            let value = value.trim();
            let inner = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
            let quoted = inner.is_some();
            let value = inner.unwrap_or(value).to_owned();
            (name.trim().to_ascii_lowercase(), value, quoted)
        });
        Self {
            essence,
            parameters: parameters.collect(),
        }
    }

    /// The URIs in a parameter.
    pub(crate) fn uris(&self, name: &str) -> Vec<&str> {
        let found = self.parameters.iter().find(|(known, ..)| known == name);
        found.map_or_else(Vec::new, |(_, value, _)| value.split(' ').collect())
    }

    /// Whether a parameter names a URI.
    pub(crate) fn names(&self, parameter: &str, uri: &str) -> bool {
        self.uris(parameter).contains(&uri)
    }
}

/// Splits at the semicolons that are not in quotes.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for letter in text.chars() {
        quoted ^= letter == '"';
        match parts.last_mut() {
            Some(part) if letter != ';' || quoted => part.push(letter),
            _ => parts.push(String::new()),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_with_and_without_quotes() {
        let read = MediaType::read("Application/Vnd.Api+JSON; ext=\"a;b c\" ;Charset=utf-8");
        assert_eq!(read.essence, JSON_API);
        assert_eq!(read.uris("ext"), ["a;b", "c"]);
        assert_eq!(
            read.parameters[1],
            ("charset".into(), "utf-8".into(), false)
        );
        assert!(read.uris("profile").is_empty());
    }
}
