//! Rows of JSON: the elements of an array, or one object on each line.

mod lines;

use std::io::BufRead;

use resources::schema::{Attributes, ResourceType};
use serde_json::Value;

use crate::{ROW_BYTES_MAX, Row, document};

pub(crate) use self::lines::LineRows;

fn unreadable(error: &std::io::Error) -> String {
    format!("the file cannot be read: {error}")
}

fn too_long(line: u64) -> String {
    format!("line {line}: the row has more than {ROW_BYTES_MAX} bytes")
}

/// Reads the text of one row, which starts at this line and column of the file.
fn object(text: &[u8], line: u64, column: u64) -> Result<Attributes, String> {
    if text.trim_ascii().is_empty() {
        return Err("there is no element before the comma or bracket".to_owned());
    }
    match jsonapi::parse_json(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("the row is not an object".to_owned()),
        Err(invalid) => {
            let before = if invalid.line == 1 { column - 1 } else { 0 };
            let line = line + invalid.line as u64 - 1;
            let column = before + invalid.column as u64;
            Err(format!("line {line}, column {column}: {}", invalid.reason))
        }
    }
}

/// The elements of one JSON array: the file itself, or the primary data of a JSON:API document.
///
/// The text is cut at the commas of the outermost level and each element is read by itself. So one
/// bad element does not spoil the others, and memory holds one element at a time.
pub(super) struct ArrayRows<'a, R> {
    resource_type: &'a ResourceType,
    file: R,
    /// Where the next byte stands, from 1.
    line: u64,
    column: u64,
    /// Whether the elements are resource objects.
    is_document: bool,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// After `[`: an element or the end.
    First,
    /// After a comma: an element.
    Next,
    Ended,
}

impl<'a, R: BufRead> ArrayRows<'a, R> {
    pub(super) fn new(resource_type: &'a ResourceType, mut file: R) -> Result<Self, String> {
        // Some programs start files with a byte order mark.
        let start = file.fill_buf().map_err(|error| unreadable(&error))?;
        if start.starts_with(b"\xef\xbb\xbf") {
            file.consume(3);
        }
        let mut rows = Self {
            resource_type,
            file,
            line: 1,
            column: 1,
            is_document: false,
            state: State::First,
        };
        match rows.skip_white()? {
            Some(b'[') => {
                rows.pass_over(1);
                Ok(rows)
            }
            Some(b'{') => {
                rows.enter_document()?;
                Ok(rows)
            }
            Some(_) => Err(format!(
                "line {}: the file does not start with '['",
                rows.line
            )),
            None => Err("the file is empty".to_owned()),
        }
    }

    /// Goes on to the first element of the primary data.
    fn enter_document(&mut self) -> Result<(), String> {
        let no_data = "the file starts with an object, and not with an array; it is no JSON:API \
                       document with an array 'data' either: for one object on each line choose \
                       the format ndjson";
        self.is_document = true;
        self.pass_over(1);
        loop {
            let (name, end) = self.text_up_to(b":}")?;
            if end != b':' {
                return Err(no_data.to_owned());
            }
            if name.trim_ascii() == b"\"data\"" {
                break;
            }
            if self.pass(b",}", &mut |_| true)? != b',' {
                return Err(no_data.to_owned());
            }
        }
        match self.skip_white()? {
            Some(b'[') => {
                self.pass_over(1);
                Ok(())
            }
            _ => Err(no_data.to_owned()),
        }
    }

    /// Passes over so many bytes of the buffer.
    fn pass_over(&mut self, count: usize) {
        if let Ok(buffer) = self.file.fill_buf() {
            let taken = &buffer[..count.min(buffer.len())];
            match taken.iter().rposition(|byte| *byte == b'\n') {
                Some(last) => {
                    self.line += taken.split(|byte| *byte == b'\n').count() as u64 - 1;
                    self.column = (taken.len() - last) as u64;
                }
                None => self.column += taken.len() as u64,
            }
        }
        self.file.consume(count);
    }

    /// The next byte that is not white space, left in place.
    fn skip_white(&mut self) -> Result<Option<u8>, String> {
        loop {
            let buffer = self.file.fill_buf().map_err(|error| unreadable(&error))?;
            match buffer.first() {
                Some(b'\n' | b' ' | b'\t' | b'\r') => self.pass_over(1),
                other => return Ok(other.copied()),
            }
        }
    }

    fn next_row(&mut self) -> Result<Option<Row>, String> {
        let first = self.skip_white()?;
        let (line, column) = (self.line, self.column);
        if first == Some(b']') {
            self.pass_over(1);
            let after_comma = self.state == State::Next;
            self.expect_end()?;
            let object = Err("there is no element after the last comma".to_owned());
            return Ok(after_comma.then_some(Row {
                line,
                bytes: 0,
                object,
            }));
        }
        let (text, end) = self.text_up_to(b",]")?;
        if end == b']' {
            self.expect_end()?;
        } else {
            self.state = State::Next;
        }
        let mut object = object(&text, line, column);
        if self.is_document {
            object = object.and_then(|object| document::row(self.resource_type, object));
        }
        Ok(Some(Row {
            line,
            bytes: text.len(),
            object,
        }))
    }

    /// The text up to the first of these bytes at the outermost level, and that byte.
    fn text_up_to(&mut self, ends: &[u8]) -> Result<(Vec<u8>, u8), String> {
        let mut text = Vec::new();
        let end = self.pass(ends, &mut |piece| {
            text.extend_from_slice(piece);
            text.len() <= ROW_BYTES_MAX
        })?;
        Ok((text, end))
    }

    /// The same, where `keep` takes the text piece by piece, and says whether that is not too much.
    fn pass(&mut self, ends: &[u8], keep: &mut dyn FnMut(&[u8]) -> bool) -> Result<u8, String> {
        let first_line = self.line;
        let mut cut = Cut::default();
        loop {
            let buffer = self.file.fill_buf().map_err(|error| unreadable(&error))?;
            if buffer.is_empty() {
                return Err(format!(
                    "line {}: the file ends inside the array, in the element that starts on line \
                     {first_line}",
                    self.line
                ));
            }
            let end = buffer.iter().position(|byte| cut.ends_at(*byte, ends));
            let length = end.unwrap_or(buffer.len());
            if !keep(&buffer[..length]) {
                return Err(too_long(first_line));
            }
            let last = end.map(|end| buffer[end]);
            self.pass_over(length + usize::from(last.is_some()));
            if let Some(last) = last {
                return Ok(last);
            }
        }
    }

    fn expect_end(&mut self) -> Result<(), String> {
        self.state = State::Ended;
        if self.is_document {
            return self.leave_document();
        }
        match self.skip_white()? {
            None => Ok(()),
            Some(_) => Err(format!("line {}: there is more after the array", self.line)),
        }
    }

    /// Passes over the other members of the document.
    fn leave_document(&mut self) -> Result<(), String> {
        while self.pass(b",}", &mut |_| true)? == b',' {}
        match self.skip_white()? {
            None => Ok(()),
            Some(_) => Err(format!(
                "line {}: there is more after the document",
                self.line
            )),
        }
    }
}

impl<R: BufRead> Iterator for ArrayRows<'_, R> {
    type Item = Result<Row, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Ended {
            return None;
        }
        let row = self.next_row().transpose();
        if matches!(row, Some(Err(_))) {
            self.state = State::Ended;
        }
        row
    }
}

/// The state of the search for the end of an element, after the bytes so far.
#[derive(Debug, Default)]
struct Cut {
    depth: usize,
    in_text: bool,
    escaped: bool,
}

impl Cut {
    /// Whether this byte ends the part: one of these at the outermost level.
    fn ends_at(&mut self, byte: u8, ends: &[u8]) -> bool {
        if self.escaped {
            self.escaped = false;
        } else if self.in_text {
            self.escaped = byte == b'\\';
            self.in_text = byte != b'"';
        } else {
            match byte {
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                byte if self.depth == 0 && ends.contains(&byte) => return true,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        false
    }
}
