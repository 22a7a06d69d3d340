//! Rows of CSV (RFC 4180) with a header of attribute names.
//!
//! A cell that is empty says that the attribute is absent. A cell that starts with a backslash
//! says `\N` for null or `\` and JSON for any other value; other cells are texts, or JSON where
//! the type declares an attribute that cannot be a text. So every collection comes back as it was.

use std::cell::Cell;
use std::io::{BufRead, Read};
use std::rc::Rc;

use csv::{ErrorKind, Reader, StringRecord};
use serde_json::Value;

use super::{ROW_BYTES_MAX, Row};
use crate::schema::{Attributes, ResourceType};

const NULL: &str = "\\N";

/// Reads the cells of a file.
pub(super) struct CsvRows<'a, R> {
    of: &'a ResourceType,
    columns: Vec<String>,
    reader: Reader<Bounded<R>>,
    read_ahead: Rc<Cell<usize>>,
    record: StringRecord,
    /// The reader takes a record to end at `\r`, so that with `\r\n` it counts a line too few.
    lines_missed: u64,
    ended: bool,
}

impl<'a, R: BufRead> CsvRows<'a, R> {
    pub(super) fn new(of: &'a ResourceType, mut file: R) -> Result<Self, String> {
        let start = file
            .fill_buf()
            .map_err(|error| format!("the file cannot be read: {error}"))?;
        let first_line = start
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let lines_missed = u64::from(first_line.ends_with(b"\r"));
        let read_ahead = Rc::new(Cell::new(0));
        let mut reader = Reader::from_reader(Bounded {
            file,
            bytes: read_ahead.clone(),
        });
        let header = reader
            .headers()
            .map_err(|error| format!("the header: {error}"))?;
        let columns: Vec<String> = header
            .iter()
            .map(|name| name.trim_start_matches('\u{feff}').to_owned())
            .collect();
        if columns.iter().all(String::is_empty) {
            return Err("the file has no header".to_owned());
        }
        for (position, name) in columns.iter().enumerate() {
            if name.is_empty() {
                return Err(format!("the header: column {} has no name", position + 1));
            }
            if columns[..position].contains(name) {
                return Err(format!("the header: two columns are called '{name}'"));
            }
        }
        Ok(Self {
            of,
            columns,
            reader,
            read_ahead,
            record: StringRecord::new(),
            lines_missed,
            ended: false,
        })
    }

    fn object(&self) -> Result<Attributes, String> {
        let mut object = Attributes::new();
        for (name, cell) in self.columns.iter().zip(&self.record) {
            if let Some(value) = decode(self.of, name, cell)? {
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
        self.read_ahead.set(0);
        let start = self.reader.position().line();
        let line_of = |position: Option<&csv::Position>| {
            position.map_or(start, csv::Position::line) + self.lines_missed
        };
        match self.reader.read_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => {
                let line = line_of(self.record.position());
                Some(Ok(Row {
                    line,
                    object: self.object(),
                }))
            }
            Err(error) => {
                let line = line_of(error.position());
                let reason = match error.kind() {
                    ErrorKind::UnequalLengths {
                        expected_len, len, ..
                    } => {
                        format!("the row has {len} cells, the header {expected_len}")
                    }
                    ErrorKind::Utf8 { err, .. } => {
                        format!("cell {} is not UTF-8", err.field() + 1)
                    }
                    _ => {
                        self.ended = true;
                        return Some(Err(format!("line {line}: {error}")));
                    }
                };
                Some(Ok(Row {
                    line,
                    object: Err(reason),
                }))
            }
        }
    }
}

/// Lets the reader have no more than one row's bytes before it gives a row: a quote that is never
/// closed would otherwise take the whole file into memory.
struct Bounded<R> {
    file: R,
    bytes: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.bytes.get() > ROW_BYTES_MAX {
            let text = format!("a row has more than {ROW_BYTES_MAX} bytes; is a quote left open?");
            return Err(std::io::Error::other(text));
        }
        let length = self.file.read(buffer)?;
        self.bytes.set(self.bytes.get() + length);
        Ok(length)
    }
}

fn decode(of: &ResourceType, name: &str, cell: &str) -> Result<Option<Value>, String> {
    let json = |text: &str| jsonapi::parse_json(text.as_bytes());
    let is_id = name == of.plain_id_member();
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
    if is_id || of.attributes.admits_text(name) {
        return Ok(Some(Value::from(cell)));
    }
    // What is no JSON stays a text, and the schema says what it should have been.
    Ok(Some(json(cell).unwrap_or_else(|_| Value::from(cell))))
}

/// The cell for a value, such that [`decode`] gives the value back.
pub(super) fn encode(of: &ResourceType, name: &str, value: Option<&Value>) -> String {
    let text_possible = name == of.plain_id_member() || of.attributes.admits_text(name);
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
