//! What is wrong in a definition file, and where.

use std::fmt;
use std::path::PathBuf;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;

use super::super::located_yaml::{LocatedValue, Position};
use super::super::wording::{predicate, shown};
use super::PUBLISHED;
use crate::nearest::{self, ALIKE};

/// One thing wrong in a definition file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1; 0 for what has no lines, such as a folder.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The member, as a JSON pointer; empty for the file as a whole.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Why definitions cannot be used: every mistake that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionError {
    /// File and mistake, in the order of the files and lines.
    pub mistakes: Vec<(PathBuf, Mistake)>,
}

impl std::error::Error for DefinitionError {}

impl fmt::Display for DefinitionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (file, mistake)) in self.mistakes.iter().enumerate() {
            let Mistake {
                line,
                column,
                field,
                message,
            } = mistake;
            let separator = if position == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{}", file.display())?;
            if *line > 0 {
                write!(formatter, ":{line}:{column}")?;
            }
            if !field.is_empty() {
                write!(formatter, ": {field}")?;
            }
            write!(formatter, ": {message}")?;
        }
        Ok(())
    }
}

pub(super) fn mistake(position: Position, field: &str, message: impl Into<String>) -> Mistake {
    let Position { line, column } = position;
    Mistake {
        line,
        column,
        field: field.to_owned(),
        message: message.into(),
    }
}

/// The known name that a wrong one is like, if there is one, for the end of a message.
pub(super) fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = nearest::nearest(name, known, ALIKE);
    nearest.map_or_else(String::new, |meant| format!("; is '{meant}' meant?"))
}

/// The same, or else all known names.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    match nearest::nearest(name, known.iter().copied(), ALIKE) {
        Some(meant) => format!("; is '{meant}' meant?"),
        None if known.is_empty() => String::new(),
        None => format!("; there are {}", known.join(", ")),
    }
}

/// `prefix` is where the schema's instance stands in the file.
pub(super) fn explain(
    error: &ValidationError<'_>,
    prefix: &str,
    located: &LocatedValue,
) -> Vec<Mistake> {
    let path = format!("{prefix}{}", error.instance_path().as_str());
    if let ValidationErrorKind::PropertyNames { error } = error.kind() {
        let name = error.instance().as_str().unwrap_or_default();
        let pointer = format!("{path}/{}", jsonapi::pointer_token(name));
        return vec![mistake(located.position(&pointer), &pointer, words(error))];
    }
    let ValidationErrorKind::AdditionalProperties { unexpected } = error.kind() else {
        return vec![mistake(located.position(&path), &path, words(error))];
    };
    let unknown = |name: &String| {
        let pointer = format!("{path}/{}", jsonapi::pointer_token(name));
        let message = "is not known here; is it misspelled?";
        mistake(located.position(&pointer), &pointer, message)
    };
    unexpected.iter().map(unknown).collect()
}

/// The text that the published schema has for editors, else what the keyword means.
fn words(error: &ValidationError<'_>) -> String {
    let place = error.schema_path().as_str();
    let schema = place
        .rsplit_once('/')
        .and_then(|(schema, _)| PUBLISHED.pointer(schema));
    match schema.and_then(|schema| schema["errorMessage"].as_str()) {
        Some(text) => format!("{} {text}", shown(error.instance())),
        None => format!("{} {}", shown(error.instance()), predicate(error.kind())),
    }
}
