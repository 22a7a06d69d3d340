//! Rows of JSON: the elements of an array, or one object on each line.

use std::io::{BufRead, Read};

use resources::schema::Attributes;
use serde_json::Value;

use crate::{ROW_BYTES_MAX, Row};

fn unreadable(error: &std::io::Error) -> String {
    format!("the file cannot be read: {error}")
}

fn too_long(line: u64) -> String {
    format!("line {line}: the row has more than {ROW_BYTES_MAX} bytes")
}

/// Reads the text of one row, which starts on this line of the file.
fn object(text: &[u8], line: u64) -> Result<Attributes, String> {
    if text.trim_ascii().is_empty() {
        return Err("there is no element before the comma or bracket".to_owned());
    }
    match jsonapi::parse_json(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("the row is not an object".to_owned()),
        Err(invalid) if invalid.line == 1 => Err(invalid.reason),
        Err(invalid) => {
            let line = line + invalid.line as u64 - 1;
            Err(format!("line {line}: {}", invalid.reason))
        }
    }
}

/// The elements of one JSON array.
///
/// The text is cut at the commas of the outermost level and each element is read by itself. So one
/// bad element does not spoil the others, and memory holds one element at a time.
pub(super) struct ArrayRows<R> {
    file: R,
    line: u64,
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

impl<R: BufRead> ArrayRows<R> {
    pub(super) fn new(mut file: R) -> Result<Self, String> {
        // Some programs start files with a byte order mark.
        let start = file.fill_buf().map_err(|error| unreadable(&error))?;
        if start.starts_with(b"\xef\xbb\xbf") {
            file.consume(3);
        }
        let mut rows = Self {
            file,
            line: 1,
            state: State::First,
        };
        match rows.skip_white()? {
            Some(b'[') => {
                rows.file.consume(1);
                Ok(rows)
            }
            Some(b'{') => Err(
                "the file starts with an object, not with an array: for one object \
                               on each line choose the format ndjson"
                    .to_owned(),
            ),
            Some(_) => Err(format!(
                "line {}: the file does not start with '['",
                rows.line
            )),
            None => Err("the file is empty".to_owned()),
        }
    }

    /// The next byte that is not white space, left in place.
    fn skip_white(&mut self) -> Result<Option<u8>, String> {
        loop {
            let buffer = self.file.fill_buf().map_err(|error| unreadable(&error))?;
            let Some(&byte) = buffer.first() else {
                return Ok(None);
            };
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' => {}
                _ => return Ok(Some(byte)),
            }
            self.file.consume(1);
        }
    }

    fn next_row(&mut self) -> Result<Option<Row>, String> {
        let first = self.skip_white()?;
        if first == Some(b']') {
            self.file.consume(1);
            let after_comma = self.state == State::Next;
            let line = self.line;
            self.expect_end()?;
            let object = Err("there is no element after the last comma".to_owned());
            return Ok(after_comma.then_some(Row {
                line,
                bytes: 0,
                object,
            }));
        }
        let line = self.line;
        let (text, end) = self.element(line)?;
        if end == b']' {
            self.expect_end()?;
        } else {
            self.state = State::Next;
        }
        Ok(Some(Row {
            line,
            bytes: text.len(),
            object: object(&text, line),
        }))
    }

    /// The text up to the comma or bracket that ends the element, and that byte.
    fn element(&mut self, first_line: u64) -> Result<(Vec<u8>, u8), String> {
        let mut text = Vec::new();
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
            let end = buffer.iter().position(|byte| cut.ends_at(*byte));
            let taken = &buffer[..end.unwrap_or(buffer.len())];
            self.line += taken.split(|byte| *byte == b'\n').count() as u64 - 1;
            text.extend_from_slice(taken);
            let (length, last) = (taken.len(), end.map(|end| buffer[end]));
            self.file.consume(length + usize::from(last.is_some()));
            if text.len() > ROW_BYTES_MAX {
                return Err(too_long(first_line));
            }
            if let Some(last) = last {
                return Ok((text, last));
            }
        }
    }

    fn expect_end(&mut self) -> Result<(), String> {
        self.state = State::Ended;
        match self.skip_white()? {
            None => Ok(()),
            Some(_) => Err(format!("line {}: there is more after the array", self.line)),
        }
    }
}

impl<R: BufRead> Iterator for ArrayRows<R> {
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
    /// Whether this byte ends the element.
    fn ends_at(&mut self, byte: u8) -> bool {
        if self.escaped {
            self.escaped = false;
        } else if self.in_text {
            self.escaped = byte == b'\\';
            self.in_text = byte != b'"';
        } else {
            match byte {
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                b',' | b']' if self.depth == 0 => return true,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        false
    }
}

/// One object on each line; empty lines don't count.
pub(super) struct LineRows<R> {
    file: R,
    line: u64,
    ended: bool,
}

impl<R: BufRead> LineRows<R> {
    pub(super) fn new(file: R) -> Self {
        Self {
            file,
            line: 0,
            ended: false,
        }
    }
}

impl<R: BufRead> Iterator for LineRows<R> {
    type Item = Result<Row, String>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            self.line += 1;
            let mut text = Vec::new();
            let bound = ROW_BYTES_MAX as u64 + 1;
            let read = Read::by_ref(&mut self.file)
                .take(bound)
                .read_until(b'\n', &mut text);
            let failure = match read {
                Err(error) => Some(unreadable(&error)),
                Ok(length) if length > ROW_BYTES_MAX => Some(too_long(self.line)),
                Ok(_) => None,
            };
            self.ended = failure.is_some() || text.is_empty();
            if let Some(failure) = failure {
                return Some(Err(failure));
            }
            let row = text
                .strip_prefix(b"\xef\xbb\xbf")
                .unwrap_or(&text)
                .trim_ascii();
            if !row.is_empty() {
                return Some(Ok(Row {
                    line: self.line,
                    bytes: row.len(),
                    object: object(row, self.line),
                }));
            }
        }
        None
    }
}
