//! `monocoque resources check`

use std::path::Path;

use crate::definitions;
use crate::failure::Failure;

/// Prints the types of a directory, or fails with every mistake in it.
pub(super) fn run(folder: &Path) -> Result<(), Failure> {
    let types = definitions::load(folder)?;
    let lines: Vec<String> = types
        .iter()
        .map(|of| format!("{}: fine, in the collection '{}'\n", of.name, of.collection))
        .collect();
    super::print(&lines.concat())
}
