//! An event as one flat JSON object: time, level, target, message, its own fields, and the fields
//! of the spans around it, the innermost first. No name occurs twice: the event's own field hides
//! that of a span, an inner span's hides that of an outer one.

use std::error::Error;
use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Names that a line has of its own. A field with such a name is shown with a `_` after it.
const RESERVED: [&str; 3] = ["timestamp", "level", "target"];

/// Between the fields of a span that wait to be spliced into lines. JSON escapes it in strings, so
/// it cannot occur inside of a field.
const SEPARATOR: char = '\n';

/// Room for the line of a request.
const LINE_BYTES: usize = 512;

/// Formats events.
#[derive(Debug)]
pub(super) struct JsonLine;

impl<S> FormatEvent<S, FlatFields> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, FlatFields>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        // Many short pieces are cheap to append to a string, and not through the writer.
        let mut text = String::with_capacity(LINE_BYTES);
        text.push_str(r#"{"timestamp":""#);
        SystemTime.format_time(&mut Writer::new(&mut text))?;
        text.push_str(r#"","level":""#);
        text.push_str(metadata.level().as_str());
        text.push_str(r#"","target":"#);
        write_string(&mut text, metadata.target())?;
        let mut fields = FieldWriter {
            out: &mut text,
            before: ",",
            after: "",
            result: Ok(()),
        };
        event.record(&mut fields);
        fields.result?;
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let Some(fields) = extensions.get::<FormattedFields<FlatFields>>() else {
                continue;
            };
            for field in fields.fields.split_terminator(SEPARATOR) {
                let hidden_by = |name| key_of(field) == name;
                let by_event = metadata
                    .fields()
                    .iter()
                    .any(|field| hidden_by(field.name()));
                let by_inner = || {
                    let scope = context.event_scope().into_iter().flatten();
                    let mut inner = scope.take_while(|inner| inner.id() != span.id());
                    inner.any(|inner| inner.fields().iter().any(|field| hidden_by(field.name())))
                };
                if !by_event && !by_inner() {
                    text.push(',');
                    text.push_str(field);
                }
            }
        }
        text.push_str("}\n");
        line.write_str(&text)
    }
}

/// Formats the fields of a span once, when it begins, for all lines within it.
#[derive(Debug)]
pub(super) struct FlatFields;

impl<'writer> FormatFields<'writer> for FlatFields {
    fn format_fields<R: RecordFields>(&self, mut out: Writer<'writer>, fields: R) -> fmt::Result {
        let mut writer = FieldWriter {
            out: &mut out,
            before: "",
            after: "\n",
            result: Ok(()),
        };
        fields.record(&mut writer);
        writer.result
    }

    fn add_fields(
        &self,
        current: &'writer mut FormattedFields<Self>,
        fields: &tracing::span::Record<'_>,
    ) -> fmt::Result {
        let mut added = String::new();
        self.format_fields(Writer::new(&mut added), fields)?;
        // The latest value of a field counts.
        let old = std::mem::take(&mut current.fields);
        for field in old.split_terminator(SEPARATOR) {
            let replaced = added
                .split_terminator(SEPARATOR)
                .any(|new| key_of(new) == key_of(field));
            if !replaced {
                current.fields.push_str(field);
                current.fields.push(SEPARATOR);
            }
        }
        current.fields.push_str(&added);
        Ok(())
    }
}

/// The name in `"name":value`.
fn key_of(field: &str) -> &str {
    let name = field
        .strip_prefix('"')
        .and_then(|field| field.split_once('"'));
    name.map_or("", |(name, _)| name)
}

/// Writes each field as `"name":value`, between `before` and `after`.
struct FieldWriter<'a, W> {
    out: &'a mut W,
    before: &'static str,
    after: &'static str,
    result: fmt::Result,
}

impl<W: Write> FieldWriter<'_, W> {
    fn field(&mut self, field: &Field, value: impl FnOnce(&mut W) -> fmt::Result) {
        if self.result.is_ok() {
            self.result = self.try_field(field.name(), value);
        }
    }

    fn try_field(&mut self, name: &str, value: impl FnOnce(&mut W) -> fmt::Result) -> fmt::Result {
        let name = name.strip_prefix("r#").unwrap_or(name);
        let suffix = if RESERVED.contains(&name) { "_" } else { "" };
        // Piece by piece: the machinery of `write!` costs more than the copy.
        for piece in [self.before, "\"", name, suffix, "\":"] {
            self.out.write_str(piece)?;
        }
        value(self.out)?;
        self.out.write_str(self.after)
    }
}

impl<W: Write> Visit for FieldWriter<'_, W> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, |out| write_string(out, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, |out| write!(out, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, |out| write!(out, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |out| write!(out, "{value}"));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.field(field, |out| write!(out, "{value}"));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.field(field, |out| write!(out, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, |out| {
            // JSON has no word for what is not a number.
            if value.is_finite() {
                write!(out, "{value}")
            } else {
                out.write_str("null")
            }
        });
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.field(field, |out| {
            out.write_char('"')?;
            write!(Escaped(out), "{value}")?;
            let mut source = value.source();
            while let Some(error) = source {
                write!(Escaped(out), ": {error}")?;
                source = error.source();
            }
            out.write_char('"')
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.field(field, |out| {
            out.write_char('"')?;
            write!(Escaped(out), "{value:?}")?;
            out.write_char('"')
        });
    }
}

fn write_string(out: &mut impl Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    Escaped(out).write_str(text)?;
    out.write_char('"')
}

/// The inside of a JSON string.
struct Escaped<'a, W>(&'a mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain_from = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.0.write_str(&text[plain_from..at])?;
            match byte {
                b'"' => self.0.write_str(r#"\""#)?,
                b'\\' => self.0.write_str(r"\\")?,
                b'\n' => self.0.write_str(r"\n")?,
                b'\t' => self.0.write_str(r"\t")?,
                control => write!(self.0, r"\u{control:04x}")?,
            }
            plain_from = at + 1;
        }
        self.0.write_str(&text[plain_from..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;
    use tracing::field::Empty;

    use crate::telemetry::LogMode;
    use crate::testing::LogCapture;

    fn logged(act: impl FnOnce()) -> (String, Value) {
        let log = LogCapture::start("trace");
        act();
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:#?}");
        (
            lines[0].clone(),
            serde_json::from_str(&lines[0]).expect(&lines[0]),
        )
    }

    #[test]
    fn a_line_is_flat_and_its_own_names_come_first() {
        let (text, line) = logged(|| {
            let span = tracing::info_span!("request", request_id = "7", count = 3);
            span.in_scope(|| tracing::warn!(ratio = 0.5, nan = f64::NAN, ok = true, "done"));
        });
        let names: Vec<_> = line.as_object().unwrap().keys().collect();
        let own = [
            "timestamp",
            "level",
            "target",
            "message",
            "ratio",
            "nan",
            "ok",
        ];
        assert_eq!(names[..7], own);
        assert_eq!(names[7..], ["request_id", "count"]);
        assert_eq!(
            (&line["level"], &line["message"]),
            (&"WARN".into(), &"done".into())
        );
        assert_eq!(
            (&line["nan"], &line["ratio"], &line["count"]),
            (&Value::Null, &0.5.into(), &3.into())
        );
        // 2026-11-22T07:49:00.123456Z
        let timestamp = line["timestamp"].as_str().unwrap();
        assert_eq!(
            (timestamp.len(), &timestamp[10..11], &timestamp[26..]),
            (27, "T", "Z"),
            "{text}"
        );
    }

    #[test]
    fn no_name_occurs_twice() {
        let (text, line) = logged(|| {
            let outer = tracing::info_span!("outer", a = "outer", b = "outer", c = "outer");
            let inner = outer
                .in_scope(|| tracing::info_span!("inner", a = "inner", b = "inner", later = Empty));
            inner.record("later", 1);
            inner.record("later", 2);
            inner.in_scope(|| tracing::info!(a = "event", level = 9, "message"));
        });
        assert_eq!(
            (&line["a"], &line["b"], &line["c"]),
            (&"event".into(), &"inner".into(), &"outer".into())
        );
        assert_eq!(
            (&line["level"], &line["level_"], &line["later"]),
            (&"INFO".into(), &9.into(), &2.into())
        );
        for name in ["\"a\":", "\"b\":", "\"level\":", "\"later\":"] {
            assert_eq!(text.matches(name).count(), 1, "{name} in {text}");
        }
    }

    #[test]
    fn an_error_is_shown_with_its_sources() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer \"quoted\"")]
        struct Outer(#[source] std::fmt::Error);

        let error = Outer(std::fmt::Error);
        let error: &(dyn std::error::Error + 'static) = &error;
        let (_, line) = logged(|| tracing::error!(error, "failed"));
        let expected = format!("outer \"quoted\": {}", std::fmt::Error);
        assert_eq!(line["error"], expected.as_str());
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in "(?s).*", in_span in "(?s).*") {
            let (_, line) = logged(|| {
                let span = tracing::info_span!("span", in_span);
                span.in_scope(|| tracing::info!(text, debug = ?text, "{text}"));
            });
            prop_assert_eq!(&line["text"], text.as_str());
            prop_assert_eq!(&line["message"], text.as_str());
            prop_assert_eq!(&line["in_span"], in_span.as_str());
            let debug = format!("{text:?}");
            prop_assert_eq!(&line["debug"], debug.as_str());
        }
    }

    #[test]
    fn a_log_mode_is_read_in_any_case_and_shown_in_capitals() {
        for (text, mode) in [
            ("json", LogMode::Json),
            ("LOCAL", LogMode::Local),
            ("Local", LogMode::Local),
        ] {
            assert_eq!(text.parse::<LogMode>().unwrap(), mode);
            assert_eq!(mode.to_string(), text.to_uppercase());
        }
        let error = "xml".parse::<LogMode>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no log mode \"xml\": it is JSON or LOCAL"
        );
    }
}
