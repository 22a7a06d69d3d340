//! Values of settings about the log and what is exported.

use chassis::telemetry::LogMode;
use chassis::telemetry::otlp::Endpoint;

use super::SettingValue;

/// Rules for which log lines are written.
#[derive(Debug, Clone)]
pub(crate) struct LogFilter(pub(crate) String);

impl SettingValue for LogMode {
    const KIND: &'static str = "MODE";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| "is neither JSON nor LOGFMT nor LOCAL".to_owned())
    }
}

impl SettingValue for LogFilter {
    const KIND: &'static str = "RULES";

    fn parse(text: &str) -> Result<Self, String> {
        // The message of the telemetry would repeat the URI with its password.
        if text.contains("://") {
            return Err("is a URI and no rule such as 'info,chassis=debug'".to_owned());
        }
        let checked = chassis::telemetry::check_filter(text);
        checked.map_err(|error| format!("cannot be used: {error}"))?;
        Ok(Self(text.to_owned()))
    }
}

/// A part of a whole, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Ratio(pub(crate) f64);

impl SettingValue for Ratio {
    const KIND: &'static str = "RATIO";

    fn parse(text: &str) -> Result<Self, String> {
        let parsed = text.parse().ok();
        let parsed = parsed.filter(|ratio| (0.0..=1.0).contains(ratio));
        parsed
            .map(Self)
            .ok_or_else(|| "is not a number from 0 to 1, such as 0.1".to_owned())
    }
}

impl SettingValue for Endpoint {
    const KIND: &'static str = "URL";

    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }
}
