//! How a line of the log looks: what stands at its beginning and end, and how fields are written.

use std::fmt::Write;

use tracing::Level;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use super::LogMode;
use super::escape::{is_hazard, push_escaped, push_visible};
use super::fields::{Sink, Value};

/// The version of the Elastic Common Schema whose names the fields have.
const ECS_VERSION: &str = "9.1.0";

/// A line that is being written.
pub(super) struct Line<'a> {
    pub(super) style: &'a Style,
    pub(super) text: &'a mut String,
}

/// What all lines of a process have in common.
#[derive(Clone, Debug)]
pub(super) struct Style {
    pub(super) mode: LogMode,
    /// Whether LOCAL lines are in colours.
    pub(super) colours: bool,
    /// `"ecs.version":…,"service.name":…` with a comma at the end.
    service: String,
}

impl Style {
    pub(super) fn new(mode: LogMode, colours: bool, service_name: &str) -> Self {
        let mut service = format!(r#""ecs.version":"{ECS_VERSION}","service.name":""#);
        push_escaped(&mut service, service_name);
        service.push_str(r#"","log.logger":""#);
        Self {
            mode,
            colours,
            service,
        }
    }

    /// A whole line about the log itself.
    pub(super) fn note(
        &self,
        text: &mut String,
        message: &str,
        fields: &[(&'static str, Value<'_>)],
    ) {
        let mut line = Line { style: self, text };
        line.begin(Level::WARN);
        line.field("message", Value::Text(message));
        for (name, value) in fields {
            line.field(name, *value);
        }
        line.end("chassis::telemetry");
    }
}

impl Line<'_> {
    pub(super) fn begin(&mut self, level: Level) {
        match self.style.mode {
            LogMode::Json => {
                self.text.push_str(r#"{"@timestamp":""#);
                self.push_time();
                self.text.push_str(r#"","log.level":""#);
                self.text.push_str(level.as_str());
                self.text.push('"');
            }
            LogMode::Logfmt => {
                self.text.push_str("@timestamp=");
                self.push_time();
                self.text.push_str(" log.level=");
                self.text.push_str(level.as_str());
            }
            LogMode::Local => {
                self.push_time();
                let colour = match level {
                    _ if !self.style.colours => "",
                    Level::ERROR => "\x1b[31m",
                    Level::WARN => "\x1b[33m",
                    Level::INFO => "\x1b[32m",
                    _ => "\x1b[34m",
                };
                let end = if colour.is_empty() { "" } else { "\x1b[0m" };
                let _ = write!(self.text, " {colour}{level:>5}{end}");
            }
        }
    }

    pub(super) fn end(&mut self, logger: &str) {
        match self.style.mode {
            LogMode::Json => {
                self.text.push(',');
                self.text.push_str(&self.style.service);
                push_escaped(self.text, logger);
                self.text.push_str("\"}\n");
            }
            LogMode::Logfmt => {
                self.text.push_str(" log.logger=");
                push_visible(self.text, logger);
                self.text.push('\n');
            }
            LogMode::Local => {
                self.text.push_str("  (");
                push_visible(self.text, logger);
                self.text.push_str(")\n");
            }
        }
    }

    fn push_time(&mut self) {
        // A time that cannot be told leaves an empty one.
        let _ = SystemTime.format_time(&mut Writer::new(self.text));
    }

    fn push_number(&mut self, value: Value<'_>) {
        // Writing to a string does not fail.
        let _ = match value {
            Value::Text(_) => Ok(()),
            Value::Bool(value) => write!(self.text, "{value}"),
            Value::Signed(value) => write!(self.text, "{value}"),
            Value::Unsigned(value) => write!(self.text, "{value}"),
            // JSON has no word for what is not a number.
            Value::Float(value) if value.is_finite() => write!(self.text, "{value}"),
            Value::Float(_) => write!(self.text, "null"),
        };
    }
}

impl Sink for Line<'_> {
    fn field(&mut self, name: &'static str, value: Value<'_>) {
        if self.style.mode == LogMode::Json {
            self.text.push_str(",\"");
            push_escaped(self.text, name);
            self.text.push_str("\":");
            match value {
                Value::Text(text) => {
                    self.text.push('"');
                    push_escaped(self.text, text);
                    self.text.push('"');
                }
                other => self.push_number(other),
            }
            return;
        }
        self.text.push(' ');
        if let (LogMode::Local, "message", Value::Text(text)) = (self.style.mode, name, value) {
            push_visible(self.text, text);
            return;
        }
        push_visible(self.text, name);
        self.text.push('=');
        match value {
            Value::Text(text) if needs_quotes(text) => {
                self.text.push('"');
                push_escaped(self.text, text);
                self.text.push('"');
            }
            Value::Text(text) => self.text.push_str(text),
            other => self.push_number(other),
        }
    }
}

fn needs_quotes(text: &str) -> bool {
    let special =
        |character: char| matches!(character, ' ' | '"' | '=' | '\\') || is_hazard(character);
    text.is_empty() || text.contains(special)
}
