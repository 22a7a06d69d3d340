//! Answers as text, straight from stored JSON without a value tree in between.

use std::sync::Arc;

use serde::Serialize;

use crate::Pagination;
use crate::query::{page_url, path_segment};

const ATTRIBUTES: &[u8] = br#","attributes":"#;
const JSONAPI: &[u8] = br#","jsonapi":{"version":"1.1"}}"#;

/// A document with one top-level member, such as `meta` or `errors`, or `data` of no declared type.
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

    /// The URL of one resource.
    #[must_use]
    pub fn url(&self, id: &str) -> String {
        format!("{}/{}", self.collection, path_segment(id))
    }

    /// A document with one resource; `attributes` is the text of a JSON object.
    #[must_use]
    pub fn one(&self, id: &str, attributes: &str) -> Vec<u8> {
        let mut text = Vec::with_capacity(attributes.len() + self.around_one(id.len()));
        text.extend_from_slice(br#"{"data":"#);
        self.resource(&mut text, id, attributes);
        self.links(&mut text, id);
        text.extend_from_slice(JSONAPI);
        text
    }

    /// Begins a document with one page of the collection, whose resources are expected to be so
    /// many, with attributes of so many bytes together.
    #[must_use]
    pub fn page(self: &Arc<Self>, resources: usize, bytes: usize) -> PageWriter {
        const ID: usize = 36;
        let mut text = Vec::with_capacity(bytes + resources * self.around_one(ID) + 512);
        text.extend_from_slice(br#"{"data":["#);
        PageWriter {
            writer: self.clone(),
            text,
            comma: false,
        }
    }

    /// The bytes of a resource without its attributes.
    fn around_one(&self, id: usize) -> usize {
        self.head.len() + ATTRIBUTES.len() + self.links.len() + 3 * id + 64
    }

    fn resource(&self, text: &mut Vec<u8>, id: &str, attributes: &str) {
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
        self.links(text, id);
        text.push(b'}');
    }

    /// The member `links` with the resource's own URL.
    fn links(&self, text: &mut Vec<u8>, id: &str) {
        text.extend_from_slice(self.links.as_bytes());
        // Percent-encoding leaves nothing that JSON would escape.
        for piece in path_segment(id) {
            text.extend_from_slice(piece.as_bytes());
        }
        text.extend_from_slice(br#""}"#);
    }
}

/// Writes a document with one page, resource by resource.
#[derive(Debug)]
pub struct PageWriter {
    writer: Arc<ResourceWriter>,
    text: Vec<u8>,
    comma: bool,
}

impl PageWriter {
    /// The next resource; `attributes` is the text of a JSON object.
    pub fn resource(&mut self, id: &str, attributes: &str) {
        if std::mem::replace(&mut self.comma, true) {
            self.text.push(b',');
        }
        self.writer.resource(&mut self.text, id, attributes);
    }

    /// What is written so far and was not taken before.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }

    /// The end of the document, after what was not taken before.
    #[must_use]
    pub fn end(mut self, links: CollectionLinks) -> Vec<u8> {
        let text = &mut self.text;
        text.extend_from_slice(b"],\"links\":");
        text.extend_from_slice(links.to_json(&self.writer.collection).as_bytes());
        text.extend_from_slice(format!(r#","meta":{{"total":{}}}"#, links.total).as_bytes());
        text.extend_from_slice(JSONAPI);
        self.text
    }
}

/// The pagination links of a collection: <https://jsonapi.org/format/1.1/#fetching-pagination>.
#[derive(Debug, Clone, Copy)]
pub struct CollectionLinks {
    /// The page that was asked for.
    pub page: Pagination,
    /// Resources in the whole collection.
    pub total: u64,
}

impl CollectionLinks {
    /// `prev` and `next` are null where there is no such page. Before a page past the end lies
    /// the last page that has resources.
    fn to_json(self, collection: &str) -> String {
        let Pagination { number, size } = self.page;
        let last = self.total.div_ceil(size).max(1);
        let link = |name: &str, number: Option<u64>| {
            let url = number.map_or_else(
                || "null".to_owned(),
                |number| json_string(&page_url(collection, number, size)),
            );
            format!("\"{name}\":{url}")
        };
        let prev = (number > 1).then(|| (number - 1).min(last));
        let next = (number < last).then_some(number + 1);
        format!(
            "{{{},{},{},{},{}}}",
            link("self", Some(number)),
            link("first", Some(1)),
            link("prev", prev),
            link("next", next),
            link("last", Some(last)),
        )
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

    fn contacts() -> Arc<ResourceWriter> {
        Arc::new(ResourceWriter::new("contacts", "/contacts", Some("_id")))
    }

    fn value(text: &[u8]) -> Value {
        serde_json::from_slice(text).unwrap()
    }

    #[test]
    fn a_resource_repeats_its_id_where_the_type_says_so() {
        let document = value(&contacts().one("5a", r#"{"city":"Brighton"}"#));
        assert_eq!(
            document["data"]["attributes"],
            json!({"_id": "5a", "city": "Brighton"})
        );
        assert_eq!(document["data"]["links"]["self"], "/contacts/5a");
        assert_eq!(document["jsonapi"], json!({"version": "1.1"}));
        let bare = ResourceWriter::new("books", "/books", None);
        assert_eq!(
            value(&bare.one("5a", "{}"))["data"]["attributes"],
            json!({})
        );
        assert_eq!(
            value(&contacts().one("5a", "{}"))["data"]["attributes"],
            json!({"_id": "5a"})
        );
    }

    #[test]
    fn ids_are_escaped_in_text_and_in_urls() {
        let document = value(&contacts().one("a/\"b\" ü?", "{}"));
        assert_eq!(document["data"]["id"], "a/\"b\" ü?");
        assert_eq!(
            document["data"]["links"]["self"],
            "/contacts/a%2F%22b%22%20%C3%BC%3F"
        );
    }

    #[test]
    fn pg_2_and_3_links_lead_through_all_pages() {
        let links = |number, size, total| {
            let page = Pagination { number, size };
            let text = contacts().page(0, 0).end(CollectionLinks { page, total });
            let links = value(&text)["links"].clone();
            let number = |name: &str| {
                let url = links[name].as_str()?.to_owned();
                url.split('=')
                    .nth(1)?
                    .split('&')
                    .next()?
                    .parse::<u64>()
                    .ok()
            };
            [
                number("self"),
                number("first"),
                number("prev"),
                number("next"),
                number("last"),
            ]
        };
        assert_eq!(links(1, 10, 25), [Some(1), Some(1), None, Some(2), Some(3)]);
        assert_eq!(links(3, 10, 25), [Some(3), Some(1), Some(2), None, Some(3)]);
        assert_eq!(links(1, 10, 0), [Some(1), Some(1), None, None, Some(1)]);
        assert_eq!(links(9, 10, 25), [Some(9), Some(1), Some(3), None, Some(3)]);
    }

    #[test]
    fn a_page_that_is_taken_in_pieces_is_the_same_document() {
        let links = CollectionLinks {
            page: Pagination { number: 1, size: 5 },
            total: 3,
        };
        let ids = ["a", "\"", "c"];
        let mut whole = contacts().page(3, 6);
        let mut piecewise = contacts().page(0, 0);
        let mut pieces = Vec::new();
        for id in ids {
            whole.resource(id, "{}");
            piecewise.resource(id, "{}");
            pieces.extend(piecewise.take());
        }
        pieces.extend(piecewise.end(links));
        let whole = whole.end(links);
        assert_eq!(pieces, whole);
        let found = value(&whole);
        let id = |one: &Value| one["id"].as_str().unwrap().to_owned();
        let found: Vec<String> = found["data"].as_array().unwrap().iter().map(id).collect();
        assert_eq!(found, ids);
    }

    #[test]
    fn fr_3_an_empty_collection_is_an_empty_array() {
        let links = CollectionLinks {
            page: Pagination { number: 1, size: 5 },
            total: 0,
        };
        let document = value(&contacts().page(0, 0).end(links));
        assert_eq!(
            (&document["data"], &document["meta"]["total"]),
            (&json!([]), &json!(0))
        );
    }
}
