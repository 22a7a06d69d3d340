//! Log records of OTLP.

use std::time::SystemTime;

use tracing::Level;

use super::Outbox;
use super::spans::{add_encoded, unix_nanos};
use super::wire::{any_value, attribute, bytes, fixed32, fixed64, message, string, uint};
use crate::telemetry::context::TraceContext;
use crate::telemetry::fields::{Sink, Value};

/// A record that is being written.
pub(in crate::telemetry) struct LogRecord {
    bytes: Vec<u8>,
}

impl LogRecord {
    pub(in crate::telemetry) fn begin(level: Level, logger: &str) -> Self {
        let mut record = Self {
            bytes: Vec::with_capacity(512),
        };
        let now = unix_nanos(SystemTime::now());
        let out = &mut record.bytes;
        fixed64(out, 1, now);
        fixed64(out, 11, now);
        let severity = match level {
            Level::TRACE => 1,
            Level::DEBUG => 5,
            Level::INFO => 9,
            Level::WARN => 13,
            Level::ERROR => 17,
        };
        uint(out, 2, severity);
        string(out, 3, level.as_str());
        attribute(out, 6, "log.logger", Value::Text(logger));
        record
    }

    pub(in crate::telemetry) fn belongs_to(&mut self, trace: &TraceContext) {
        let out = &mut self.bytes;
        fixed32(out, 8, u32::from(trace.sampled));
        bytes(out, 9, trace.trace_id.as_bytes());
        bytes(out, 10, trace.span_id.as_bytes());
    }

    pub(in crate::telemetry) fn add_to(self, outbox: &Outbox) {
        // ScopeLogs.log_records
        add_encoded(outbox, |out| {
            message(out, 2, |out| out.extend_from_slice(&self.bytes));
        });
    }
}

impl Sink for LogRecord {
    fn field(&mut self, name: &'static str, value: Value<'_>) {
        match name {
            "message" => message(&mut self.bytes, 5, |out| any_value(out, value)),
            // They have places of their own.
            "trace.id" | "span.id" => {}
            _ => attribute(&mut self.bytes, 6, name, value),
        }
    }
}
