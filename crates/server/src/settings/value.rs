//! How the value of a setting is read from its text.

mod edge;
mod telemetry;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use chassis::health::Policy;

pub(crate) use self::telemetry::{LogFilter, Ratio};

pub(crate) use self::edge::Rate;

/// A type that settings can have; the error completes the sentence "'text' …".
pub(super) trait SettingValue: Sized {
    /// What help calls such a value.
    const KIND: &'static str;

    fn parse(text: &str) -> Result<Self, String>;
}

/// A text that must not be shown.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// The text itself, for whom it is meant.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

impl SettingValue for PathBuf {
    const KIND: &'static str = "PATH";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Err("is not a path".to_owned())
        } else if text.contains("://") {
            Err("is a URI and not a path; that of a MongoDB deployment is 'mongo_uri'".to_owned())
        } else {
            Ok(Self::from(text))
        }
    }
}

/// A name that is shown everywhere.
impl SettingValue for String {
    const KIND: &'static str = "NAME";

    fn parse(text: &str) -> Result<Self, String> {
        let fits = |one: char| one.is_ascii_alphanumeric() || "._-".contains(one);
        if (1..=64).contains(&text.len()) && text.chars().all(fits) {
            Ok(text.to_owned())
        } else {
            Err("is not a name of 1 to 64 letters, digits, dots, dashes and underscores".to_owned())
        }
    }
}

impl SettingValue for Secret {
    const KIND: &'static str = "URI";

    /// Files of secrets often end with a newline, which is not part of the secret. A blank secret
    /// is a mistake: it is not the same as no secret.
    fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" => Err("is blank".to_owned()),
            secret => Ok(Self(secret.to_owned())),
        }
    }
}

impl<T: SettingValue> SettingValue for Option<T> {
    const KIND: &'static str = T::KIND;

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Ok(None)
        } else {
            T::parse(text).map(Some)
        }
    }
}

/// A count; its bounds stand in its declaration.
impl SettingValue for u64 {
    const KIND: &'static str = "COUNT";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| format!("is not an integer from 0 to {}", Self::MAX))
    }
}

impl SettingValue for usize {
    const KIND: &'static str = "COUNT";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| format!("is not an integer from 0 to {}", Self::MAX))
    }
}

/// A number of milliseconds, or a number with its unit.
impl SettingValue for Duration {
    const KIND: &'static str = "DURATION";

    fn parse(text: &str) -> Result<Self, String> {
        const UNITS: [(&str, u64); 6] = [
            ("", 1),
            ("ms", 1),
            ("s", 1_000),
            ("m", 60_000),
            ("h", 3_600_000),
            ("d", 86_400_000),
        ];
        let millis = number_with_unit(text, &UNITS);
        millis.map(Self::from_millis).ok_or_else(|| {
            "is not a duration such as 250ms, 10s, 5m, 1h or a number of milliseconds".to_owned()
        })
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

impl Size {
    /// For what is in memory.
    pub(crate) fn in_memory(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// What a file may be used for, in the octal digits of `chmod`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileMode(pub(crate) u32);

impl SettingValue for FileMode {
    const KIND: &'static str = "MODE";

    fn parse(text: &str) -> Result<Self, String> {
        match u32::from_str_radix(text, 8) {
            // Its owner reads and writes it, and nobody runs it.
            Ok(mode) if mode & 0o600 == 0o600 && mode & !0o666 == 0 => Ok(Self(mode)),
            _ => Err("is not a mode such as 0600, 0640 or 0644".to_owned()),
        }
    }
}

/// A number of bytes, or a number with its unit.
impl SettingValue for Size {
    const KIND: &'static str = "SIZE";

    fn parse(text: &str) -> Result<Self, String> {
        const UNITS: [(&str, u64); 8] = [
            ("", 1),
            ("b", 1),
            ("kb", 1_000),
            ("mb", 1_000_000),
            ("gb", 1_000_000_000),
            ("kib", 1 << 10),
            ("mib", 1 << 20),
            ("gib", 1 << 30),
        ];
        let bytes = number_with_unit(&text.to_ascii_lowercase(), &UNITS);
        bytes
            .map(Self)
            .ok_or_else(|| "is not a size such as 64KiB, 1MiB, 2GB or a number of bytes".to_owned())
    }
}

/// `10s` with `("s", 1_000)` is 10,000. A blank may stand before the unit.
fn number_with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// What a failing store means for readiness.
impl SettingValue for Policy {
    const KIND: &'static str = "POLICY";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "required" => Ok(Self::Required),
            "degraded" => Ok(Self::Degraded),
            "informational" => Ok(Self::Informational),
            _ => Err("is neither required nor degraded nor informational".to_owned()),
        }
    }
}

/// When a drain shows in readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DrainReadiness {
    /// As soon as the process is told to stop.
    Immediately,
    /// When the door closes.
    AfterDelay,
    /// Not at all.
    Never,
}

impl SettingValue for DrainReadiness {
    const KIND: &'static str = "WHEN";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "immediately" => Ok(Self::Immediately),
            "after-delay" => Ok(Self::AfterDelay),
            "never" => Ok(Self::Never),
            _ => Err("is neither immediately nor after-delay nor never".to_owned()),
        }
    }
}

impl SettingValue for bool {
    const KIND: &'static str = "BOOL";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| "is neither true nor false".to_owned())
    }
}

impl SettingValue for fibonacci::Generator {
    const KIND: &'static str = "FORM";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|error| format!("is no form of the generator: {error}"))
    }
}
