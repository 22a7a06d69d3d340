//! The forms of the log.

use std::fmt;
use std::str::FromStr;

use super::TelemetryError;

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogMode {
    /// One flat JSON object on each line, with the names of the Elastic Common Schema.
    #[default]
    Json,
    /// `name=value` pairs with the same names.
    Logfmt,
    /// One readable line, in colours on a terminal for people.
    Local,
}

impl FromStr for LogMode {
    type Err = TelemetryError;

    fn from_str(text: &str) -> Result<Self, TelemetryError> {
        if text.eq_ignore_ascii_case("json") {
            Ok(Self::Json)
        } else if text.eq_ignore_ascii_case("logfmt") {
            Ok(Self::Logfmt)
        } else if text.eq_ignore_ascii_case("local") {
            Ok(Self::Local)
        } else {
            Err(TelemetryError::Mode {
                given: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for LogMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Json => "JSON",
            Self::Logfmt => "LOGFMT",
            Self::Local => "LOCAL",
        })
    }
}
