//! Answers as text, straight from stored JSON without a value tree in between.

use serde::Serialize;

use crate::query::path_segment;

const ATTRIBUTES: &[u8] = br#","attributes":"#;
const JSONAPI: &[u8] = br#","jsonapi":{"version":"1.1"}}"#;

/// A document with one top-level member: `meta`, `errors`, or `data` that no store keeps.
#[must_use]
pub fn document(member: &str, value: &impl Serialize) -> Vec<u8> {
    let mut text = format!(r#"{{"{member}":"#).into_bytes();
    // Values with string keys are written without fail.
    if serde_json::to_writer(&mut text, value).is_err() {
        text.extend_from_slice(b"null");
    }
    text.extend_from_slice(JSONAPI);
    text
}

/// Writes the resources of one type.
///
/// What never varies between two resources is escaped once, when the writer is made.
#[derive(Debug, Clone)]
pub struct ResourceWriter {
    collection: String,
    head: String,
    id_attribute: Option<String>,
    /// Between `attributes` and the end of a resource's own URL.
    links: String,
}

impl ResourceWriter {
    /// `collection` is the path of the collection, such as `/contacts`; with an `id_attribute`
    /// every resource repeats its id as an attribute of that name.
    #[must_use]
    pub fn new(resource_type: &str, collection: &str, id_attribute: Option<&str>) -> Self {
        let url = json_string(&format!("{collection}/"));
        Self {
            collection: collection.to_owned(),
            head: format!(r#"{{"type":{},"id":"#, json_string(resource_type)),
            id_attribute: id_attribute.map(|name| format!("{{{}:", json_string(name))),
            // The last segment follows within the same string.
            links: format!(r#","links":{{"self":{}"#, url.trim_end_matches('"')),
        }
    }

    /// The path of the collection.
    #[must_use]
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// The URL of one resource.
    #[must_use]
    pub fn url(&self, id: &str) -> String {
        format!("{}/{}", self.collection, path_segment(id))
    }

    /// The expected size in bytes of so many resources whose attributes have `bytes` together.
    #[must_use]
    pub fn bytes(&self, resources: usize, bytes: usize) -> usize {
        const ID: usize = 36;
        let each = self.head.len() + ATTRIBUTES.len() + self.links.len() + 3 * ID + 16;
        bytes + resources * each
    }

    fn write(&self, text: &mut Vec<u8>, id: &str, attributes: &str) {
        text.extend_from_slice(self.head.as_bytes());
        let id_text = text.len();
        push_string(text, id);
        let id_text = id_text..text.len();
        text.extend_from_slice(ATTRIBUTES);
        match &self.id_attribute {
            None => text.extend_from_slice(attributes.as_bytes()),
            Some(name) => {
                let members = attributes.strip_prefix('{').unwrap_or(attributes);
                text.extend_from_slice(name.as_bytes());
                text.extend_from_within(id_text);
                if members != "}" {
                    text.push(b',');
                }
                text.extend_from_slice(members.as_bytes());
            }
        }
        text.extend_from_slice(self.links.as_bytes());
        // Percent-encoding leaves nothing that JSON would escape.
        for piece in path_segment(id) {
            text.extend_from_slice(piece.as_bytes());
        }
        text.extend_from_slice(br#""}}"#);
    }
}

/// Writes a document of resources of any types, whole or piece by piece: the primary data first,
/// then what is included.
#[derive(Debug)]
pub struct DocumentWriter {
    text: Vec<u8>,
    data: Data,
    /// What the next resource stands behind.
    before: Before,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Data {
    One,
    Many,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Data,
    Included,
}

impl DocumentWriter {
    /// Begins a document whose primary data is one resource, or null if none is written. `bytes` is
    /// its expected size.
    #[must_use]
    pub fn one(bytes: usize) -> Self {
        Self::new(Data::One, br#"{"data":"#, bytes)
    }

    /// Begins a document whose primary data is a list of resources.
    #[must_use]
    pub fn many(bytes: usize) -> Self {
        Self::new(Data::Many, br#"{"data":["#, bytes)
    }

    fn new(data: Data, head: &[u8], bytes: usize) -> Self {
        const AROUND: usize = 512;
        let mut text = Vec::with_capacity(bytes + AROUND);
        text.extend_from_slice(head);
        let before = Before::Nothing;
        Self { text, data, before }
    }

    /// The next resource of the primary data; `attributes` is the text of a JSON object.
    pub fn resource(&mut self, writer: &ResourceWriter, id: &str, attributes: &str) {
        if self.before == Before::Data {
            self.text.push(b',');
        }
        self.before = Before::Data;
        writer.write(&mut self.text, id, attributes);
    }

    /// The next included resource, which ends the primary data.
    pub fn include(&mut self, writer: &ResourceWriter, id: &str, attributes: &str) {
        if self.before == Before::Included {
            self.text.push(b',');
        } else {
            self.end_data();
            self.text.extend_from_slice(br#","included":["#);
        }
        self.before = Before::Included;
        writer.write(&mut self.text, id, attributes);
    }

    fn end_data(&mut self) {
        match self.data {
            Data::Many => self.text.push(b']'),
            Data::One if self.before == Before::Nothing => self.text.extend_from_slice(b"null"),
            Data::One => {}
        }
    }

    /// What is written so far and was not taken before.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }

    /// The end of the document, after what was not taken before.
    #[must_use]
    pub fn end(mut self, links: &Links, total: Option<u64>) -> Vec<u8> {
        if self.before == Before::Included {
            self.text.push(b']');
        } else {
            self.end_data();
        }
        self.text.extend_from_slice(br#","links":"#);
        links.write(&mut self.text);
        if let Some(total) = total {
            let meta = format!(r#","meta":{{"total":{total}}}"#);
            self.text.extend_from_slice(meta.as_bytes());
        }
        self.text.extend_from_slice(JSONAPI);
        self.text
    }
}

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

    fn write(&self, text: &mut Vec<u8>) {
        for (position, (name, url)) in self.0.iter().enumerate() {
            text.push(if position == 0 { b'{' } else { b',' });
            push_string(text, name);
            text.push(b':');
            match url {
                Some(url) => push_string(text, url),
                None => text.extend_from_slice(b"null"),
            }
        }
        text.push(b'}');
    }
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn push_string(text: &mut Vec<u8>, string: &str) {
    // A string is written to memory without fail.
    let _ = serde_json::to_writer(text, string);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn contacts() -> ResourceWriter {
        ResourceWriter::new("contacts", "/contacts", Some("_id"))
    }

    fn value(text: &[u8]) -> Value {
        serde_json::from_slice(text).unwrap()
    }

    fn one(writer: &ResourceWriter, id: &str, attributes: &str) -> Value {
        let mut document = DocumentWriter::one(0);
        document.resource(writer, id, attributes);
        value(&document.end(&Links::new(writer.url(id)), None))
    }

    #[test]
    fn a_resource_repeats_its_id_where_the_type_says_so() {
        let document = one(&contacts(), "5a", r#"{"city":"Brighton"}"#);
        let attributes = json!({"_id": "5a", "city": "Brighton"});
        assert_eq!(document["data"]["attributes"], attributes);
        assert_eq!(document["data"]["links"]["self"], "/contacts/5a");
        assert_eq!(document["links"]["self"], "/contacts/5a");
        assert_eq!(document["jsonapi"], json!({"version": "1.1"}));
        let bare = ResourceWriter::new("books", "/books", None);
        assert_eq!(one(&bare, "5a", "{}")["data"]["attributes"], json!({}));
        let without_others = one(&contacts(), "5a", "{}");
        assert_eq!(without_others["data"]["attributes"], json!({"_id": "5a"}));
    }

    #[test]
    fn ids_are_escaped_in_text_and_in_urls() {
        let document = one(&contacts(), "a/\"b\" ü?", "{}");
        assert_eq!(document["data"]["id"], "a/\"b\" ü?");
        assert_eq!(
            document["data"]["links"]["self"],
            "/contacts/a%2F%22b%22%20%C3%BC%3F"
        );
    }

    #[test]
    fn a_list_that_is_taken_in_pieces_is_the_same_document() {
        let (contacts, links) = (contacts(), Links::new("/contacts".to_owned()));
        let ids = ["a", "\"", "c"];
        let (mut whole, mut piecewise) = (DocumentWriter::many(3), DocumentWriter::many(0));
        let mut pieces = Vec::new();
        for id in ids {
            whole.resource(&contacts, id, "{}");
            piecewise.resource(&contacts, id, "{}");
            pieces.extend(piecewise.take());
        }
        pieces.extend(piecewise.end(&links, Some(3)));
        let whole = whole.end(&links, Some(3));
        assert_eq!(pieces, whole);
        let found = value(&whole);
        let id = |one: &Value| one["id"].as_str().unwrap().to_owned();
        let found: Vec<String> = found["data"].as_array().unwrap().iter().map(id).collect();
        assert_eq!(found, ids);
    }

    #[test]
    fn fr_3_an_empty_collection_is_an_empty_array() {
        let links = Links::new("/contacts".to_owned()).with("next", None);
        let document = value(&DocumentWriter::many(0).end(&links, Some(0)));
        let expected = json!({
            "data": [], "links": {"self": "/contacts", "next": null}, "meta": {"total": 0},
            "jsonapi": {"version": "1.1"}
        });
        assert_eq!(document, expected);
    }

    #[test]
    fn fr_6_no_resource_is_null() {
        let links = Links::new("/articles/1/author".to_owned());
        let document = value(&DocumentWriter::one(0).end(&links, None));
        assert_eq!(document["data"], Value::Null);
    }

    #[test]
    fn included_resources_of_other_types_follow_the_primary_data() {
        let (contacts, links) = (contacts(), Links::new("/contacts".to_owned()));
        let people = ResourceWriter::new("people", "/people", None);
        for (mut document, primary) in [
            (DocumentWriter::many(0), json!([])),
            (DocumentWriter::one(0), Value::Null),
        ] {
            document.include(&people, "1", "{}");
            document.include(&contacts, "2", "{}");
            let document = value(&document.end(&links, None));
            assert_eq!(document["data"], primary);
            assert_eq!(document["included"][0]["type"], "people");
            assert_eq!(document["included"][1]["attributes"], json!({"_id": "2"}));
        }
    }
}
