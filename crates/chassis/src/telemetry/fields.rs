//! The fields of events and spans: named as collectors expect them, bounded, without secrets.

use std::error::Error;
use std::fmt::{self, Write};

use tracing::field::{Field, Visit};

use super::redaction::{REDACTED, Redaction, is_secret};

/// The longest text of a field, in bytes; the rest is counted.
pub(super) const TEXT_BYTES_MAX: usize = 4096;
/// The longest trace of a stack, which is long by nature and seldom.
const STACK_BYTES_MAX: usize = 64 * 1024;

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

/// Takes fields, one after the other.
pub(super) trait Sink {
    fn field(&mut self, name: &'static str, value: Value<'_>);
}

impl<F: FnMut(&'static str, Value<'_>)> Sink for F {
    fn field(&mut self, name: &'static str, value: Value<'_>) {
        self(name, value);
    }
}

/// The name of a field in the log: that of the Elastic Common Schema where the code has a short one.
pub(super) fn shown_name(name: &'static str) -> &'static str {
    match name {
        "error" => "error.message",
        "backtrace" => "error.stack_trace",
        "client" => "client.address",
        "thread" => "process.thread.name",
        "version" => "service.version",
        _ => name.strip_prefix("r#").unwrap_or(name),
    }
}

/// Hands the fields of an event or a span to a sink.
pub(super) struct Fields<'a, S> {
    sink: &'a mut S,
    redaction: &'a Redaction,
    /// Whether one of the names is that of a secret. It is found out once for each place.
    has_secrets: bool,
}

impl<'a, S: Sink> Fields<'a, S> {
    pub(super) fn new(sink: &'a mut S, redaction: &'a Redaction, has_secrets: bool) -> Self {
        Self {
            sink,
            redaction,
            has_secrets,
        }
    }

    fn text(&mut self, name: &'static str, text: &str) {
        let name = shown_name(name);
        if self.has_secrets && is_secret(name) {
            self.sink.field(name, Value::Text(REDACTED));
            return;
        }
        let text = self.redaction.cleaned(text);
        let bytes_max = bytes_max(name);
        if text.len() <= bytes_max {
            self.sink.field(name, Value::Text(&text));
        } else {
            self.sink
                .field(name, Value::Text(&cut(&text, bytes_max, 0)));
        }
    }

    /// A text that is written now, and of which no more is kept than is shown.
    fn written(&mut self, name: &'static str, write: impl FnOnce(&mut Beginning) -> fmt::Result) {
        let mut beginning = Beginning {
            text: String::new(),
            // A secret may stand across the bound.
            bytes_max: bytes_max(shown_name(name)) * 2,
            left_out: 0,
        };
        // What cannot be written is shown as far as it came.
        let _ = write(&mut beginning);
        if beginning.left_out > 0 && !(self.has_secrets && is_secret(name)) {
            let name = shown_name(name);
            let text = self.redaction.cleaned(&beginning.text);
            let text = cut(&text, bytes_max(name), beginning.left_out);
            self.sink.field(name, Value::Text(&text));
        } else {
            self.text(name, &beginning.text);
        }
    }

    fn plain(&mut self, field: &Field, value: Value<'_>) {
        let name = shown_name(field.name());
        let is_hidden = self.has_secrets && is_secret(name);
        let value = if is_hidden {
            Value::Text(REDACTED)
        } else {
            value
        };
        self.sink.field(name, value);
    }
}

fn bytes_max(name: &str) -> usize {
    match name {
        "error.stack_trace" => STACK_BYTES_MAX,
        _ => TEXT_BYTES_MAX,
    }
}

/// The beginning of a text, and how much of it is missing besides `left_out` bytes.
fn cut(text: &str, bytes_max: usize, left_out: usize) -> String {
    let end = text.floor_char_boundary(bytes_max);
    let left_out = left_out + text.len() - end;
    format!("{}… ({left_out} bytes more)", &text[..end])
}

/// Keeps the beginning of what is written and counts the rest.
struct Beginning {
    text: String,
    bytes_max: usize,
    left_out: usize,
}

impl Write for Beginning {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let room = self.bytes_max.saturating_sub(self.text.len());
        let end = piece.floor_char_boundary(room);
        self.text.push_str(&piece[..end]);
        self.left_out += piece.len() - end;
        Ok(())
    }
}

impl<S: Sink> Visit for Fields<'_, S> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, Value::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, Value::Unsigned(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.plain(field, Value::Float(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.written(field.name(), |out| {
            write!(out, "{value}")?;
            let mut source = value.source();
            while let Some(error) = source {
                write!(out, ": {error}")?;
                source = error.source();
            }
            Ok(())
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.written(field.name(), |out| write!(out, "{value:?}"));
    }
}

/// The value of a field of a span, which later events show.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    Text(String),
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

impl Kept {
    pub(super) fn of(value: Value<'_>) -> Self {
        match value {
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Bool(value) => Self::Bool(value),
            Value::Signed(value) => Self::Signed(value),
            Value::Unsigned(value) => Self::Unsigned(value),
            Value::Float(value) => Self::Float(value),
        }
    }

    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Bool(value) => Value::Bool(*value),
            Self::Signed(value) => Value::Signed(*value),
            Self::Unsigned(value) => Value::Unsigned(*value),
            Self::Float(value) => Value::Float(*value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_how_much_is_missing() {
        let text = "é".repeat(TEXT_BYTES_MAX);
        let cut = cut(&text, 5, 10);
        assert_eq!(cut, format!("éé… ({} bytes more)", text.len() - 4 + 10));
    }
}
