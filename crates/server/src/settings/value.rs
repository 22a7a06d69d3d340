//! How the value of a setting is read from its text.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use chassis::telemetry::LogMode;

/// A type that settings can have; the error completes the sentence "'text' …".
pub(super) trait SettingValue: Sized {
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

/// Rules for which log lines are written; the telemetry checks them.
#[derive(Debug, Clone)]
pub(crate) struct LogFilter(pub(crate) String);

impl SettingValue for SocketAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| "is not an IP address and a port such as 127.0.0.1:8000".to_owned())
    }
}

impl SettingValue for PathBuf {
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

impl SettingValue for Secret {
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
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Ok(None)
        } else {
            T::parse(text).map(Some)
        }
    }
}

impl SettingValue for LogMode {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| "is neither JSON nor LOCAL".to_owned())
    }
}

impl SettingValue for LogFilter {
    fn parse(text: &str) -> Result<Self, String> {
        // The message of the telemetry would repeat the URI with its password.
        if text.contains("://") {
            return Err("is a URI and no rule such as 'info,chassis=debug'".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl SettingValue for u64 {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| format!("is not an integer from 0 to {}", Self::MAX))
    }
}

impl SettingValue for bool {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| "is neither true nor false".to_owned())
    }
}

impl SettingValue for usize {
    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(0) | Err(_) => Err(format!("is not an integer from 1 to {}", Self::MAX)),
            Ok(number) => Ok(number),
        }
    }
}

impl SettingValue for fibonacci::Generator {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|error| format!("is no form of the generator: {error}"))
    }
}
