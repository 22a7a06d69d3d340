//! Results of atomic operations: <https://jsonapi.org/ext/atomic>.

use super::{ResourceParts, ResourceWriter, push_jsonapi};
use crate::{ATOMIC, Applied};

/// Writes the document of the results, in the order of the operations.
#[derive(Debug)]
pub struct ResultsWriter {
    text: Vec<u8>,
    is_empty: bool,
}

impl ResultsWriter {
    /// Begins a document that is expected to take so many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        const AROUND: usize = 256;
        let mut text = Vec::with_capacity(bytes + AROUND);
        text.extend_from_slice(br#"{"atomic:results":["#);
        let is_empty = true;
        Self { text, is_empty }
    }

    /// The next result: a resource.
    pub fn resource(&mut self, writer: &ResourceWriter, parts: &ResourceParts<'_>) {
        self.next();
        self.text.extend_from_slice(br#"{"data":"#);
        writer.write_parts(&mut self.text, parts);
        self.text.push(b'}');
    }

    /// The next result, which has no data.
    pub fn nothing(&mut self) {
        self.next();
        self.text.extend_from_slice(b"{}");
    }

    fn next(&mut self) {
        if !self.is_empty {
            self.text.push(b',');
        }
        self.is_empty = false;
    }

    /// The end of the document. `profiles` are those that apply besides the extension.
    #[must_use]
    pub fn end(mut self, profiles: &[&'static str]) -> Vec<u8> {
        self.text.push(b']');
        let applied = Applied {
            extensions: vec![ATOMIC],
            profiles: profiles.to_vec(),
        };
        push_jsonapi(&mut self.text, &applied);
        self.text
    }
}
