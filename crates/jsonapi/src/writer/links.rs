//! Links of documents and of relationships: <https://jsonapi.org/format/1.1/#document-links>.

use super::push_string;
use crate::Applied;

/// The links of a document, in their order; null stands where there is no such page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links(Vec<(&'static str, Option<String>)>);

impl Links {
    /// The link `self`: a URL without a host.
    #[must_use]
    pub fn new(url: String) -> Self {
        Self(vec![("self", Some(url))])
    }

    /// Adds a link.
    #[must_use]
    pub fn with(mut self, name: &'static str, url: Option<String>) -> Self {
        self.0.push((name, url));
        self
    }

    /// The URL of a link.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, url) = self.0.iter().find(|(known, _)| *known == name)?;
        url.as_deref()
    }

    /// The object. Where extensions or profiles apply, `self` tells the media type.
    pub(super) fn write(&self, text: &mut Vec<u8>, applied: &Applied) {
        for (position, (name, url)) in self.0.iter().enumerate() {
            text.push(if position == 0 { b'{' } else { b',' });
            match url {
                Some(url) if *name == "self" && !applied.is_empty() => {
                    text.extend_from_slice(br#""self":{"href":"#);
                    push_string(text, url);
                    text.extend_from_slice(br#","type":"#);
                    push_string(text, &applied.to_string());
                    text.push(b'}');
                }
                url => push_link(text, name, url.as_deref()),
            }
        }
        text.push(b'}');
    }

    /// What follows `self` and `related` in the links of a relationship whose linkage is paged.
    pub(super) fn write_pages(&self, text: &mut Vec<u8>) {
        for (name, url) in self.0.iter().filter(|(name, _)| *name != "self") {
            text.push(b',');
            push_link(text, name, url.as_deref());
        }
    }
}

fn push_link(text: &mut Vec<u8>, name: &str, url: Option<&str>) {
    push_string(text, name);
    text.push(b':');
    match url {
        Some(url) => push_string(text, url),
        None => text.extend_from_slice(b"null"),
    }
}
