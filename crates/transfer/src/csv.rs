//! Rows of CSV (RFC 4180) with a header of attribute names.
//!
//! A cell that is empty says that the attribute is absent. A cell that starts with a backslash
//! says `\N` for null or `\` and JSON for any other value; other cells are texts, or JSON where
//! the type declares an attribute that cannot be a text. So every collection comes back as it was.

use std::cell::RefCell;
use std::io::{BufRead, Read};
use std::rc::Rc;

use csv::{ErrorKind, Reader, StringRecord};
use resources::schema::{Attributes, IdKind, ResourceType};
use serde_json::Value;

use crate::header::columns;
use crate::{ROW_BYTES_MAX, Row};

const NULL: &str = "\\N";

/// Reads the cells of a file.
pub(super) struct CsvRows<'a, R> {
    resource_type: &'a ResourceType,
    columns: Vec<String>,
    reader: Reader<Tail<R>>,
    tail: Rc<RefCell<Vec<u8>>>,
    line: u64,
    record: StringRecord,
    ended: bool,
}

impl<'a, R: BufRead> CsvRows<'a, R> {
    pub(super) fn new(resource_type: &'a ResourceType, file: R) -> Result<Self, String> {
        let tail = Rc::new(RefCell::new(Vec::new()));
        let mut reader = Reader::from_reader(Tail {
            file,
            unread: tail.clone(),
        });
        let header = reader
            .headers()
            .map_err(|error| format!("the header: {error}"))?;
        let cells = header.iter();
        let cells = cells.map(|name| name.trim_start_matches('\u{feff}').to_owned());
        let columns = columns(resource_type, cells)?;
        let record = StringRecord::new();
        let mut rows = Self {
            resource_type,
            columns,
            reader,
            tail,
            line: 1,
            record,
            ended: false,
        };
        let (_, header) = rows.take_text(0);
        if open_quote(&header).is_some() {
            return Err("the header: a quote is never closed".to_owned());
        }
        Ok(rows)
    }

    /// The line on which the record that was just read starts, and its text.
    fn take_text(&mut self, before: u64) -> (u64, Vec<u8>) {
        let length = usize::try_from(self.reader.position().byte() - before).unwrap_or(usize::MAX);
        let mut tail = self.tail.borrow_mut();
        let length = length.min(tail.len());
        let text: Vec<u8> = tail.drain(..length).collect();
        // The reader skips empty lines, and leaves the end of one for the next record.
        let blank = text
            .iter()
            .take_while(|byte| matches!(**byte, b'\r' | b'\n'))
            .count();
        let line = self.line + line_breaks(&text[..blank]);
        self.line += line_breaks(&text);
        (line, text[blank..].to_vec())
    }

    fn object(&self) -> Result<Attributes, String> {
        let mut object = Attributes::new();
        for (name, cell) in self.columns.iter().zip(&self.record) {
            if let Some(value) = decode(self.resource_type, name, cell)? {
                object.insert(name.clone(), value);
            }
        }
        Ok(object)
    }
}

impl<R: BufRead> Iterator for CsvRows<'_, R> {
    type Item = Result<Row, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let before = self.reader.position().byte();
        let read = self.reader.read_record(&mut self.record);
        let (line, text) = self.take_text(before);
        // Whatever else is wrong with such a row, it has taken all that follows.
        let is_io = |error: &csv::Error| matches!(error.kind(), ErrorKind::Io(_));
        if let Some(quote) = open_quote(&text)
            && !read.as_ref().is_err_and(is_io)
        {
            self.ended = true;
            let line = line + line_breaks(&text[..quote]);
            return Some(Err(format!("line {line}: a quote is never closed")));
        }
        let object = match read {
            Ok(false) => {
                self.ended = true;
                return None;
            }
            Ok(true) => self.object(),
            Err(error) => match error.kind() {
                ErrorKind::UnequalLengths {
                    expected_len, len, ..
                } => Err(format!(
                    "the row has {len} cells, the header {expected_len}"
                )),
                ErrorKind::Utf8 { err, .. } => {
                    Err(format!("cell {} is not UTF-8", err.field() + 1))
                }
                _ => {
                    self.ended = true;
                    return Some(Err(format!("line {line}: {error}")));
                }
            },
        };
        Some(Ok(Row {
            line,
            bytes: text.len(),
            object,
        }))
    }
}

fn line_breaks(text: &[u8]) -> u64 {
    text.split(|byte| *byte == b'\n').count() as u64 - 1
}

/// Where the quote stands that a record does not close: everything after it would be in one cell.
fn open_quote(record: &[u8]) -> Option<usize> {
    let mut quote = None;
    let mut cell_start = true;
    for (position, byte) in record.iter().enumerate() {
        match byte {
            b'"' if quote.is_some() || cell_start => {
                quote = match quote {
                    Some(_) => None,
                    None => Some(position),
                };
                // A quote right after a closing one is a quote in the cell, and opens it again.
                cell_start = quote.is_none();
            }
            b',' => cell_start = quote.is_none(),
            _ => cell_start = false,
        }
    }
    quote
}

/// Keeps the bytes that the reader has taken and not yet given out as a record. They are bounded by
/// one row, because a quote that is never closed would take the whole file into memory.
struct Tail<R> {
    file: R,
    unread: Rc<RefCell<Vec<u8>>>,
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut unread = self.unread.borrow_mut();
        if unread.len() > ROW_BYTES_MAX {
            let text = format!("a row has more than {ROW_BYTES_MAX} bytes; is a quote left open?");
            return Err(std::io::Error::other(text));
        }
        let length = self.file.read(buffer)?;
        unread.extend_from_slice(&buffer[..length]);
        Ok(length)
    }
}

fn decode(resource_type: &ResourceType, name: &str, cell: &str) -> Result<Option<Value>, String> {
    let json = |text: &str| jsonapi::parse_json(text.as_bytes());
    if cell.is_empty() {
        return Ok(None);
    }
    if cell == NULL {
        return Ok(Some(Value::Null));
    }
    if let Some(text) = cell.strip_prefix('\\') {
        return match json(text) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(format!(
                "'{name}': after a backslash there must be N or JSON"
            )),
        };
    }
    if is_text(resource_type, name) {
        return Ok(Some(Value::from(cell)));
    }
    // A cell that is not JSON stays a text; the schema then names the right type.
    Ok(Some(json(cell).unwrap_or_else(|_| Value::from(cell))))
}

/// Whether a cell may be a text as it stands: an id, also that of a to-one relationship, and what the
/// type does not declare as something else.
fn is_text(resource_type: &ResourceType, name: &str) -> bool {
    if let Some(relationship) = resource_type.relationship(name) {
        return relationship.is_to_one() && relationship.target.id != IdKind::Integer;
    }
    let is_id = name == resource_type.plain_id_member() || name == "id";
    is_id || resource_type.attributes.admits_text(name)
}

/// The cell for a value, such that [`decode`] gives the value back.
pub(super) fn encode(resource_type: &ResourceType, name: &str, value: Option<&Value>) -> String {
    let text_possible = is_text(resource_type, name);
    match value {
        None => String::new(),
        Some(Value::Null) => NULL.to_owned(),
        Some(Value::String(text))
            if text_possible && !text.is_empty() && !text.starts_with('\\') =>
        {
            text.clone()
        }
        Some(value @ Value::String(_)) => format!("\\{value}"),
        Some(value) if text_possible => format!("\\{value}"),
        Some(value) => value.to_string(),
    }
}
