//! Every setting: its name, meaning and default are written once, in [`declaration`].
//!
//! A setting `request_timeout_ms` is `request_timeout_ms` in the file, `MONOCOQUE_REQUEST_TIMEOUT_MS`
//! in the environment and `--request-timeout-ms` on the command line, in rising order.

mod declaration;
mod flags;
mod list;
mod sources;
mod contradictions;
mod value;

use std::fmt;
use std::path::PathBuf;

pub(crate) use declaration::Settings;
pub(crate) use flags::{SettingFlags, hide_unused};
pub(crate) use sources::{Effective, colours_are_wanted, read};
pub(crate) use value::{DrainReadiness, LogFilter, Secret};

/// A setting as it is declared.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its name in the file.
    pub(crate) name: &'static str,
    /// The heading that help shows it under.
    pub(crate) group: &'static str,
    /// What help calls its value.
    pub(crate) kind: &'static str,
    /// Its doc comment.
    pub(crate) doc: &'static str,
    /// Its default; empty means that it is not set.
    pub(crate) default: &'static str,
    /// The least and the most that it may be, both included.
    pub(crate) bounds: Option<(&'static str, &'static str)>,
    /// A further environment variable, which the `MONOCOQUE_` one overrides.
    pub(crate) variable: Option<&'static str>,
    /// Whether its value may be shown.
    pub(crate) secret: bool,
}

impl Setting {
    /// `MONOCOQUE_…`
    pub(crate) fn own_variable(&self) -> String {
        format!("MONOCOQUE_{}", self.name.to_ascii_uppercase())
    }

    /// The flag without its dashes.
    pub(crate) fn flag(&self) -> String {
        self.name.replace('_', "-")
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(PathBuf),
    Variable(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File(path) => write!(formatter, "file {}", path.display()),
            Self::Variable(name) => write!(formatter, "environment {name}"),
            Self::Flag(name) => write!(formatter, "flag --{name}"),
        }
    }
}

#[cfg(test)]
mod tests;
