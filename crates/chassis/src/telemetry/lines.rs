//! Makes a line of each event: its own fields, then those of the request and the spans that it
//! happened in, the innermost first. No name occurs twice: the event's own field hides that of a
//! span, an inner span's hides that of an outer one.

use std::cell::Cell;
use std::collections::HashSet;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use http::HeaderValue;
use tracing::callsite::Identifier;
use tracing::field::FieldSet;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Span, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope, SpanRef};
use tracing_subscriber::{Layer, Registry};

use super::context::TraceContext;
use super::fields::{Fields, Kept, Sink, Value, shown_name};
use super::flood::Flood;
use super::form::{Line, Style};
use super::level::REQUEST_SPAN;
use super::otlp::{LogRecord, Outbox};
use super::redaction::{Redaction, is_secret};

/// Room for the line of a request.
const LINE_BYTES: usize = 1024;
/// A thread keeps the room of its last line, unless it was a very long one.
const KEPT_BYTES_MAX: usize = 16 * 1024;

/// What all lines of a request say of it.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    pub(crate) request_id: HeaderValue,
    pub(crate) apitrace: Option<HeaderValue>,
    pub(crate) trace: Option<TraceContext>,
}

impl RequestContext {
    pub(crate) fn apitrace(&self) -> Option<Value<'_>> {
        self.apitrace.as_ref()?.to_str().ok().map(Value::Text)
    }

    fn fields(&self, sink: &mut impl Sink) {
        // Both are made from ASCII only.
        let id = self.request_id.to_str().unwrap_or_default();
        sink.field("http.request.id", Value::Text(id));
        if let Some(apitrace) = self.apitrace() {
            sink.field("apitrace", apitrace);
        }
        if let Some(context) = &self.trace {
            let (mut trace, mut span) = ([0; 32], [0; 16]);
            let trace = context.trace_id.hex(&mut trace);
            sink.field("trace.id", Value::Text(trace));
            sink.field("span.id", Value::Text(context.span_id.hex(&mut span)));
        }
    }
}

/// A span of which every line carries what the context says, whatever the filter is.
pub(crate) fn request_span(context: RequestContext) -> Span {
    let span = tracing::error_span!(target: REQUEST_SPAN, "request");
    span.with_subscriber(|(id, dispatch)| {
        let registry = dispatch.downcast_ref::<Registry>();
        if let Some(span) = registry.and_then(|registry| registry.span(id)) {
            span.extensions_mut().insert(context);
        }
    });
    span
}

/// The fields of a span as its lines show them.
type SpanFields = Vec<(&'static str, Kept)>;

/// What the lines of a process are made with.
#[derive(Debug)]
pub(crate) struct Lines<W> {
    pub(super) style: Style,
    redaction: Redaction,
    pub(super) flood: Arc<Flood>,
    writer: Arc<W>,
    /// Where log records for the collector go.
    records: Option<Arc<Outbox>>,
    /// Places of the code with a field whose name is that of a secret.
    secret_places: RwLock<HashSet<Identifier>>,
    has_secret_places: AtomicBool,
}

thread_local! {
    static TEXT: Cell<String> = const { Cell::new(String::new()) };
}

impl<W> Lines<W> {
    pub(super) fn new(
        style: Style,
        redaction: Redaction,
        flood: Arc<Flood>,
        writer: Arc<W>,
    ) -> Self {
        Self {
            style,
            redaction,
            flood,
            writer,
            records: None,
            secret_places: RwLock::default(),
            has_secret_places: AtomicBool::new(false),
        }
    }

    pub(super) fn with_records(mut self, records: Option<Arc<Outbox>>) -> Self {
        self.records = records;
        self
    }

    fn has_secrets(&self, place: &Metadata<'_>) -> bool {
        let places = || {
            self.secret_places
                .read()
                .unwrap_or_else(PoisonError::into_inner)
        };
        self.has_secret_places.load(Ordering::Acquire) && places().contains(&place.callsite())
    }

    fn write_line<S>(&self, event: &Event<'_>, context: &Context<'_, S>, text: &mut String)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let metadata = event.metadata();
        let style = &self.style;
        let (level, logger) = (*metadata.level(), metadata.target());
        let record = self
            .records
            .as_ref()
            .map(|_| LogRecord::begin(level, logger));
        let mut both = Both {
            line: Line { style, text },
            record,
        };
        both.line.begin(level);
        let has_secrets = self.has_secrets(metadata);
        event.record(&mut Fields::new(&mut both, &self.redaction, has_secrets));
        for span in context.event_scope(event).into_iter().flatten() {
            let extensions = span.extensions();
            if let Some(request) = extensions.get::<RequestContext>() {
                request.fields(&mut both);
                if let (Some(record), Some(trace)) = (&mut both.record, &request.trace) {
                    record.belongs_to(trace);
                }
            }
            for (name, kept) in extensions.get::<SpanFields>().into_iter().flatten() {
                if !is_hidden(name, metadata, context.event_scope(event), &span) {
                    both.field(name, kept.value());
                }
            }
        }
        both.line.end(logger);
        if let Some((record, records)) = both.record.zip(self.records.as_ref()) {
            record.add_to(records);
        }
    }
}

/// A line, and the same for the collector where there is one.
struct Both<'a> {
    line: Line<'a>,
    record: Option<LogRecord>,
}

impl Sink for Both<'_> {
    fn field(&mut self, name: &'static str, value: Value<'_>) {
        self.line.field(name, value);
        if let Some(record) = &mut self.record {
            record.field(name, value);
        }
    }
}

/// Whether the event or a span further inside has a field of this name.
fn is_hidden<'a, S: LookupSpan<'a>>(
    name: &str,
    event: &Metadata<'_>,
    scope: Option<Scope<'a, S>>,
    span: &SpanRef<'a, S>,
) -> bool {
    let has = |fields: &FieldSet| fields.iter().any(|field| shown_name(field.name()) == name);
    let inner = scope.into_iter().flatten();
    has(event.fields())
        || inner
            .take_while(|inner| inner.id() != span.id())
            .any(|inner| has(inner.metadata().fields()))
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Send + Sync + 'static,
    for<'a> &'a W: Write,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata
            .fields()
            .iter()
            .any(|field| is_secret(field.name()))
        {
            let places = self.secret_places.write();
            let mut places = places.unwrap_or_else(PoisonError::into_inner);
            places.insert(metadata.callsite());
            self.has_secret_places.store(true, Ordering::Release);
        }
        Interest::always()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().fields().is_empty() {
            return;
        }
        let mut kept = SpanFields::new();
        let mut keep = |name: &'static str, value: Value<'_>| kept.push((name, Kept::of(value)));
        let has_secrets = self.has_secrets(attributes.metadata());
        attributes.record(&mut Fields::new(&mut keep, &self.redaction, has_secrets));
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(kept);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        let has_secrets = self.has_secrets(span.metadata());
        let mut extensions = span.extensions_mut();
        let Some(kept) = extensions.get_mut::<SpanFields>() else {
            return;
        };
        // The latest value of a field counts.
        let mut keep = |name: &'static str, value: Value<'_>| {
            kept.retain(|(known, _)| *known != name);
            kept.push((name, Kept::of(value)));
        };
        values.record(&mut Fields::new(&mut keep, &self.redaction, has_secrets));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let is_bounded = self.flood.bounds(metadata);
        if is_bounded && !self.flood.admit(metadata) {
            return;
        }
        // Taken, since what is shown may log something itself.
        let mut text = TEXT.take();
        text.clear();
        text.reserve(LINE_BYTES);
        self.write_line(event, &context, &mut text);
        if is_bounded {
            self.flood.wrote(metadata, text.len());
        }
        // A log that nobody takes is no reason to stop serving.
        let _ = (&*self.writer).write_all(text.as_bytes());
        if text.capacity() <= KEPT_BYTES_MAX {
            TEXT.set(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use proptest::prelude::*;
    use serde_json::Value as Json;
    use tracing::field::Empty;

    use crate::telemetry::{LogMode, LogSettings};
    use crate::testing::LogCapture;

    fn logged_as(settings: &LogSettings, act: impl FnOnce()) -> String {
        let log = LogCapture::start_with(settings);
        act();
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:#?}");
        lines[0].clone()
    }

    fn logged(act: impl FnOnce()) -> (String, Json) {
        let settings = LogSettings {
            filter: "trace".to_owned(),
            ..LogSettings::default()
        };
        let line = logged_as(&settings, act);
        (line.clone(), serde_json::from_str(&line).expect(&line))
    }

    #[test]
    fn a_line_is_flat_and_has_the_names_of_ecs() {
        let (text, line) = logged(|| {
            let span = tracing::info_span!("request", step = "7", count = 3);
            span.in_scope(|| tracing::warn!(ratio = 0.5, nan = f64::NAN, ok = true, "done"));
        });
        let names: Vec<_> = line.as_object().unwrap().keys().collect();
        let own = ["@timestamp", "log.level", "message", "ratio", "nan", "ok"];
        assert_eq!(names[..6], own);
        let around = ["step", "count", "ecs.version", "service.name", "log.logger"];
        assert_eq!(names[6..], around);
        assert_eq!(
            (&line["log.level"], &line["message"]),
            (&"WARN".into(), &"done".into())
        );
        assert_eq!(
            (&line["nan"], &line["ratio"], &line["count"]),
            (&Json::Null, &0.5.into(), &3.into())
        );
        // 2026-11-22T07:49:00.123456Z
        let timestamp = line["@timestamp"].as_str().unwrap();
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
            inner.in_scope(|| tracing::info!(a = "event", "message"));
        });
        assert_eq!(
            (&line["a"], &line["b"], &line["c"], &line["later"]),
            (&"event".into(), &"inner".into(), &"outer".into(), &2.into())
        );
        for name in ["\"a\":", "\"b\":", "\"later\":"] {
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
        assert_eq!(line["error.message"], expected.as_str());
    }

    #[test]
    fn every_form_is_one_line_without_secrets_and_orders_to_terminals() {
        for mode in [LogMode::Json, LogMode::Logfmt, LogMode::Local] {
            let settings = LogSettings {
                mode,
                secrets: vec!["hunter22".to_owned()],
                ..LogSettings::default()
            };
            let line = logged_as(&settings, || {
                let text = "a\u{9b}31m b\u{202e}c\u{2028}d\r\ne \u{1b}[31m hunter22";
                tracing::info!(text, authorization = "Bearer x", password = 12, "{text}");
            });
            let control = |one: char| one.is_control() || "\u{202e}\u{2028}".contains(one);
            assert!(!line.contains(control), "{line:?}");
            assert!(
                !line.contains("hunter22") && !line.contains("Bearer"),
                "{line}"
            );
            assert!(!line.contains("=12") && !line.contains(":12"), "{line}");
            for text in ["\\u009b31m", "\\u202e", "\\u2028", "[redacted]", "INFO"] {
                assert!(line.contains(text), "no {text}: {line}");
            }
        }
    }

    #[test]
    fn a_line_is_bounded_however_long_its_fields_are() {
        let long = "é".repeat(300_000);
        let (text, line) = logged(|| tracing::info!(long, debug = ?long, "{long}"));
        assert!(text.len() < 16 * 1024, "{}", text.len());
        let shown = line["long"].as_str().unwrap();
        assert!(shown.ends_with("é… (595904 bytes more)"), "{shown}");
        assert!(line["debug"].as_str().unwrap().ends_with("bytes more)"));
    }

    #[test]
    fn a_field_that_logs_while_it_is_shown_leaves_both_lines_whole() {
        static NESTED: Mutex<u32> = Mutex::new(0);
        struct Logging;
        impl std::fmt::Display for Logging {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                *NESTED.lock().unwrap() += 1;
                tracing::info!("inside");
                f.write_str("shown")
            }
        }
        let log = LogCapture::start("info");
        tracing::info!(value = %Logging, "outside");
        let lines = log.lines();
        // The library suppresses events that are caused by its own work on another.
        let outside = lines.iter().find(|line| line.contains("outside")).unwrap();
        assert!(outside.contains(r#""value":"shown""#), "{lines:#?}");
        assert!(*NESTED.lock().unwrap() > 0);
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
            ("logfmt", LogMode::Logfmt),
            ("LOCAL", LogMode::Local),
            ("Local", LogMode::Local),
        ] {
            assert_eq!(text.parse::<LogMode>().unwrap(), mode);
            assert_eq!(mode.to_string(), text.to_uppercase());
        }
        let error = "xml".parse::<LogMode>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no log mode \"xml\": it is JSON, LOGFMT or LOCAL"
        );
    }
}
