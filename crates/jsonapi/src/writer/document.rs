//! Documents of resources.

use super::{JSONAPI, Links, ResourceParts, ResourceWriter, push_jsonapi};
use crate::Applied;

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
    /// The start of `included`.
    NoInclusion,
    Included,
}

impl DocumentWriter {
    /// Begins a document whose primary data is one resource, or null if none is written. It is
    /// expected to take so many bytes.
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
        self.next_data();
        writer.write(&mut self.text, id, attributes);
    }

    /// The next resource of the primary data.
    pub fn resource_parts(&mut self, writer: &ResourceWriter, parts: &ResourceParts<'_>) {
        self.next_data();
        writer.write_parts(&mut self.text, parts);
    }

    /// The next resource identifier of the primary data, where that is linkage. With the cursor
    /// pagination profile it has a cursor.
    pub fn identifier(&mut self, writer: &ResourceWriter, id: &str, cursor: Option<&str>) {
        self.next_data();
        writer.write_identifier(&mut self.text, id, cursor);
    }

    /// The next included resource, which ends the primary data; `attributes` is the text of a
    /// JSON object.
    pub fn include(&mut self, writer: &ResourceWriter, id: &str, attributes: &str) {
        self.next_included();
        writer.write(&mut self.text, id, attributes);
    }

    /// The next included resource, which ends the primary data.
    pub fn include_parts(&mut self, writer: &ResourceWriter, parts: &ResourceParts<'_>) {
        self.next_included();
        writer.write_parts(&mut self.text, parts);
    }

    /// Ends the primary data and begins what is included, which may be nothing.
    pub fn begin_included(&mut self) {
        if !matches!(self.before, Before::NoInclusion | Before::Included) {
            self.end_data();
            self.text.extend_from_slice(br#","included":["#);
            self.before = Before::NoInclusion;
        }
    }

    fn next_data(&mut self) {
        if self.before == Before::Data {
            self.text.push(b',');
        }
        self.before = Before::Data;
    }

    fn next_included(&mut self) {
        self.begin_included();
        if self.before == Before::Included {
            self.text.push(b',');
        }
        self.before = Before::Included;
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
        self.end_lists();
        self.push_links(links, &Applied::default());
        if let Some(total) = total {
            let meta = format!(r#","meta":{{"total":{total}}}"#);
            self.text.extend_from_slice(meta.as_bytes());
        }
        self.text.extend_from_slice(JSONAPI);
        self.text
    }

    /// The end of the document with all that can be said of it, after what was not taken before.
    #[must_use]
    pub fn close(mut self, closing: &Closing<'_>) -> Vec<u8> {
        self.end_lists();
        self.push_links(closing.links, closing.applied);
        self.push_meta(closing);
        push_jsonapi(&mut self.text, closing.applied);
        self.text
    }

    fn end_lists(&mut self) {
        match self.before {
            Before::NoInclusion | Before::Included => self.text.push(b']'),
            Before::Nothing | Before::Data => self.end_data(),
        }
    }

    fn push_links(&mut self, links: &Links, applied: &Applied) {
        self.text.extend_from_slice(br#","links":"#);
        links.write(&mut self.text, applied);
    }

    fn push_meta(&mut self, closing: &Closing<'_>) {
        let mut page = match closing.total {
            None => String::new(),
            Some(Total::Exact(total)) => format!(r#""total":{total}"#),
            Some(Total::Estimated(guess)) => {
                format!(r#""estimatedTotal":{{"bestGuess":{guess}}}"#)
            }
        };
        if closing.range_truncated {
            page.push_str(if page.is_empty() { "" } else { "," });
            page.push_str(r#""rangeTruncated":true"#);
        }
        if page.is_empty() {
            return;
        }
        let total = match closing.total {
            Some(Total::Exact(total)) => format!(r#""total":{total},"#),
            _ => String::new(),
        };
        let meta = format!(r#","meta":{{{total}"page":{{{page}}}}}"#);
        self.text.extend_from_slice(meta.as_bytes());
    }
}

/// What stands behind the resources of a document.
#[derive(Debug, Clone, Copy)]
pub struct Closing<'a> {
    /// `links`.
    pub links: &'a Links,
    /// `meta.total` and what `meta.page` says of it.
    pub total: Option<Total>,
    /// `meta.page.rangeTruncated`: the range between two cursors has more resources.
    pub range_truncated: bool,
    /// What applies to the document.
    pub applied: &'a Applied,
}

/// How many resources a collection has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Total {
    /// So many: `meta.total` and `meta.page.total`.
    Exact(u64),
    /// About so many: `meta.page.estimatedTotal.bestGuess`.
    Estimated(u64),
}

impl Total {
    /// The number, exact or not.
    #[must_use]
    pub fn number(self) -> u64 {
        let (Self::Exact(number) | Self::Estimated(number)) = self;
        number
    }
}
