//! Whole collections in and out of files, in constant memory.

#![forbid(unsafe_code)]

mod csv;
mod document;
mod export;
mod header;
mod import;
mod json;
mod row_ids;

use std::io::BufRead;
use std::path::Path;
use std::str::FromStr;

use resources::schema::{Attributes, ResourceType};

pub use export::{ExportError, export};
pub use import::{
    BATCH_ROWS, ImportError, ImportOptions, Importer, OnError, REJECTIONS_MAX, RowPosition,
    Summary, UpsertKey, check,
};
pub use row_ids::RowIds;

/// The longest row that is read, in bytes: no document of MongoDB is longer.
pub const ROW_BYTES_MAX: usize = 16 << 20;

/// How rows are written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON array of objects, or a JSON:API document with resource objects.
    Json,
    /// One JSON object on each line.
    JsonLines,
    /// Comma-separated values with a header of attribute names.
    Csv,
}

impl Format {
    /// The format that a file's extension stands for.
    #[must_use]
    pub fn from_extension(path: &Path) -> Option<Self> {
        path.extension()?.to_str()?.parse().ok()
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "json" => Ok(Self::Json),
            "ndjson" | "jsonl" => Ok(Self::JsonLines),
            "csv" => Ok(Self::Csv),
            _ => Err(format!(
                "'{text}' is no format; there are json, ndjson and csv"
            )),
        }
    }
}

/// A row of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The line on which it starts, from 1.
    pub line: u64,
    /// The length of its text, so that batches of long rows hold fewer.
    pub bytes: usize,
    /// The resource as one plain object, or why the row is not one.
    pub object: Result<Attributes, String>,
}

/// The rows of a file. An error ends them: where the next row would start is unknown.
pub type Rows<'a> = Box<dyn Iterator<Item = Result<Row, String>> + 'a>;

/// Reads the rows of a file.
///
/// # Errors
/// When the file does not start as its format says.
pub fn rows<'a>(
    format: Format,
    resource_type: &'a ResourceType,
    file: impl BufRead + 'a,
) -> Result<Rows<'a>, String> {
    Ok(match format {
        Format::Json => Box::new(json::ArrayRows::new(resource_type, file)?),
        Format::JsonLines => Box::new(json::LineRows::new(file)),
        Format::Csv => Box::new(csv::CsvRows::new(resource_type, file)?),
    })
}

#[cfg(test)]
mod tests;
