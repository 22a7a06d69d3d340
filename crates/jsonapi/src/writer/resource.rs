//! Resource objects and resource identifier objects.

use std::ops::Range;

use super::{Links, json_string, push_string};
use crate::query::path_segment;

const ATTRIBUTES: &[u8] = br#","attributes":"#;

/// Writes the resources of one type.
///
/// What never varies between two resources is escaped once, when the writer is made.
#[derive(Debug, Clone)]
pub struct ResourceWriter {
    collection: String,
    head: String,
    id_attribute: Option<String>,
    relationships: Vec<Relationship>,
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
            relationships: Vec::new(),
            // The last segment follows within the same string.
            links: format!(r#","links":{{"self":{}"#, url.trim_end_matches('"')),
        }
    }

    /// Adds the relationships of the type, which parts name by their position.
    #[must_use]
    pub fn with_relationships<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        let relationship = |name| Relationship::new(&self.collection, name);
        self.relationships = names.into_iter().map(relationship).collect();
        self
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

    /// About how many bytes so many resources take, whose attributes take `bytes` together.
    #[must_use]
    pub fn bytes(&self, resources: usize, bytes: usize) -> usize {
        const ID: usize = 36;
        let each = self.head.len() + ATTRIBUTES.len() + self.links.len() + 3 * ID + 16;
        bytes + resources * each
    }

    /// The URL of the linkage of a relationship; `position` is that among the relationships.
    #[must_use]
    pub fn relationship_url(&self, id: &str, position: usize) -> Option<String> {
        let name = &self.relationships.get(position)?.segment;
        Some(format!("{}/relationships/{name}", self.url(id)))
    }

    /// The URL of the resources of a relationship; `position` is that among the relationships.
    #[must_use]
    pub fn related_url(&self, id: &str, position: usize) -> Option<String> {
        let name = &self.relationships.get(position)?.segment;
        Some(format!("{}/{name}", self.url(id)))
    }

    /// A resource without relationships.
    pub(super) fn write(&self, text: &mut Vec<u8>, id: &str, attributes: &str) {
        self.write_open(text, id, attributes, true);
        text.push(b'}');
    }

    pub(super) fn write_parts(&self, text: &mut Vec<u8>, parts: &ResourceParts<'_>) {
        let id = self.write_open(text, parts.id, parts.attributes, parts.shows_id_attribute);
        let mut before: &[u8] = br#","relationships":{"#;
        for part in parts.relationships {
            if let Some(relationship) = self.relationships.get(part.position) {
                text.extend_from_slice(before);
                relationship.write(text, id.clone(), part);
                before = b",";
            }
        }
        if before == b"," {
            text.push(b'}');
        }
        push_cursor(text, parts.cursor);
        text.push(b'}');
    }

    /// A resource without its end; returns where its id stands in its URL.
    fn write_open(
        &self,
        text: &mut Vec<u8>,
        id: &str,
        attributes: &str,
        shows_id_attribute: bool,
    ) -> Range<usize> {
        text.extend_from_slice(self.head.as_bytes());
        let id_text = text.len();
        push_string(text, id);
        let id_text = id_text..text.len();
        text.extend_from_slice(ATTRIBUTES);
        match &self.id_attribute {
            Some(name) if shows_id_attribute => {
                let members = attributes.strip_prefix('{').unwrap_or(attributes);
                text.extend_from_slice(name.as_bytes());
                text.extend_from_within(id_text);
                if members != "}" {
                    text.push(b',');
                }
                text.extend_from_slice(members.as_bytes());
            }
            _ => text.extend_from_slice(attributes.as_bytes()),
        }
        text.extend_from_slice(self.links.as_bytes());
        let start = text.len();
        // Percent-encoding leaves nothing that JSON would escape.
        for piece in path_segment(id) {
            text.extend_from_slice(piece.as_bytes());
        }
        let end = text.len();
        text.extend_from_slice(br#""}"#);
        start..end
    }

    /// A resource identifier object.
    pub(super) fn write_identifier(&self, text: &mut Vec<u8>, id: &str, cursor: Option<&str>) {
        text.extend_from_slice(self.head.as_bytes());
        push_string(text, id);
        push_cursor(text, cursor);
        text.push(b'}');
    }
}

/// The texts of a relationship between the ids of its resource.
#[derive(Debug, Clone)]
struct Relationship {
    /// The name within a URL.
    segment: String,
    /// Up to the id in `self`.
    start: String,
    /// From there to the id in `related`.
    middle: String,
    /// The end of `related`.
    end: String,
}

impl Relationship {
    fn new(collection: &str, name: &str) -> Self {
        let segment = path_segment(name).to_string();
        let url = json_string(&format!("{collection}/"));
        let url = url.trim_end_matches('"');
        Self {
            start: format!(r#"{}:{{"links":{{"self":{url}"#, json_string(name)),
            middle: format!(r#"/relationships/{segment}","related":{url}"#),
            end: format!(r#"/{segment}""#),
            segment,
        }
    }

    /// `id` is where the id of the resource stands in the text, encoded.
    fn write(&self, text: &mut Vec<u8>, id: Range<usize>, parts: &RelationshipParts<'_>) {
        text.extend_from_slice(self.start.as_bytes());
        text.extend_from_within(id.clone());
        text.extend_from_slice(self.middle.as_bytes());
        text.extend_from_within(id);
        text.extend_from_slice(self.end.as_bytes());
        if let Some(pages) = parts.pages {
            pages.write_pages(text);
        }
        text.push(b'}');
        match parts.data {
            None => {}
            Some(LinkageParts::One(None)) => text.extend_from_slice(br#","data":null"#),
            Some(LinkageParts::One(Some(one))) => {
                text.extend_from_slice(br#","data":"#);
                one.writer.write_identifier(text, one.id, None);
            }
            Some(LinkageParts::Many(identifiers)) => {
                text.extend_from_slice(br#","data":["#);
                for (position, one) in identifiers.iter().enumerate() {
                    if position > 0 {
                        text.push(b',');
                    }
                    one.writer.write_identifier(text, one.id, None);
                }
                text.push(b']');
            }
        }
        if let Some(total) = parts.total {
            text.extend_from_slice(format!(r#","meta":{{"total":{total}}}"#).as_bytes());
        }
        text.push(b'}');
    }
}

/// What is written of a resource, in parts.
#[derive(Debug, Clone, Copy)]
pub struct ResourceParts<'a> {
    /// `id`.
    pub id: &'a str,
    /// The text of a JSON object.
    pub attributes: &'a str,
    /// Whether the id is repeated as an attribute, where the type does so.
    pub shows_id_attribute: bool,
    /// Those that are shown.
    pub relationships: &'a [RelationshipParts<'a>],
    /// `meta.page.cursor`, with the cursor pagination profile.
    pub cursor: Option<&'a str>,
}

impl<'a> ResourceParts<'a> {
    /// A resource with its attributes alone.
    #[must_use]
    pub fn new(id: &'a str, attributes: &'a str) -> Self {
        Self {
            id,
            attributes,
            shows_id_attribute: true,
            relationships: &[],
            cursor: None,
        }
    }
}

/// What is written of a relationship besides its links `self` and `related`.
#[derive(Debug, Clone, Copy, Default)]
pub struct RelationshipParts<'a> {
    /// Which of the relationships of the writer it is.
    pub position: usize,
    /// The linkage.
    pub data: Option<LinkageParts<'a>>,
    /// Links to other pages of the linkage; their `self` is left out.
    pub pages: Option<&'a Links>,
    /// `meta.total`: how many resources the relationship has.
    pub total: Option<u64>,
}

/// The linkage of a relationship.
#[derive(Debug, Clone, Copy)]
pub enum LinkageParts<'a> {
    /// A to-one relationship.
    One(Option<IdentifierParts<'a>>),
    /// A to-many relationship.
    Many(&'a [IdentifierParts<'a>]),
}

/// A resource that is named only.
#[derive(Debug, Clone, Copy)]
pub struct IdentifierParts<'a> {
    /// The writer of its type.
    pub writer: &'a ResourceWriter,
    /// `id`.
    pub id: &'a str,
}

fn push_cursor(text: &mut Vec<u8>, cursor: Option<&str>) {
    if let Some(cursor) = cursor {
        text.extend_from_slice(br#","meta":{"page":{"cursor":"#);
        push_string(text, cursor);
        text.extend_from_slice(b"}}");
    }
}
