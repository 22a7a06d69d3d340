//! Newline-delimited JSON.

use std::io::{BufRead, Read};

use super::{object, too_long, unreadable};
use crate::{ROW_BYTES_MAX, Row};

/// One object on each line; empty lines don't count.
pub(crate) struct LineRows<R> {
    file: R,
    line: u64,
    ended: bool,
}

impl<R: BufRead> LineRows<R> {
    pub(crate) fn new(file: R) -> Self {
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
                    object: object(
                        row,
                        self.line,
                        1 + (text.len() - text.trim_ascii_start().len()) as u64,
                    ),
                }));
            }
        }
        None
    }
}
