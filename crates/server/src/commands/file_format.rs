//! The format of a file of rows.

use std::path::Path;

use transfer::Format;

use crate::failure::Failure;

/// The format that the command line names, else the one that the extension of the file stands for.
pub(super) fn file_format(named: Option<Format>, file: &Path) -> Result<Format, Failure> {
    let by_extension = || Format::from_extension(file);
    named.or_else(by_extension).ok_or_else(|| {
        Failure::usage(format!(
            "the extension of '{}' says nothing about its format: name it with --format json, \
             ndjson or csv",
            file.display()
        ))
    })
}
