//! Spans of OTLP.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Outbox;
use super::wire::{attribute, bytes, fixed32, fixed64, message, string, uint};
use crate::telemetry::context::{SpanId, TraceContext};
use crate::telemetry::fields::Value;

/// What a span is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanKind {
    /// A request that was answered.
    Server = 2,
    /// A call of something else.
    Client = 3,
}

/// A span that has ended just now.
pub(crate) struct Span<'a> {
    pub(crate) context: &'a TraceContext,
    pub(crate) id: SpanId,
    pub(crate) parent: Option<SpanId>,
    pub(crate) kind: SpanKind,
    /// `GET /contacts/{id}`.
    pub(crate) name: &'a [&'a str],
    pub(crate) took: Duration,
    /// Whether it failed.
    pub(crate) failed: bool,
    pub(crate) attributes: &'a [(&'static str, Option<Value<'a>>)],
}

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Has `write` encode one thing, and adds it. The room for it is kept by the thread.
pub(super) fn add_encoded(outbox: &Outbox, write: impl FnOnce(&mut Vec<u8>)) {
    let mut buffer = BUFFER.take();
    buffer.clear();
    write(&mut buffer);
    outbox.add(&buffer);
    BUFFER.set(buffer);
}

pub(super) fn unix_nanos(time: SystemTime) -> u64 {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}

impl Outbox {
    /// Adds a span.
    pub(crate) fn add_span(&self, span: &Span<'_>) {
        // ScopeSpans.spans
        add_encoded(self, |out| message(out, 2, |out| span.encode(out)));
    }
}

impl Span<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        const STATUS_ERROR: u64 = 2;
        /// Bits 8 and 9: whether the parent is of another process is known, and so it is.
        const PARENT_IS_REMOTE: u32 = 0x300;
        bytes(out, 1, self.context.trace_id.as_bytes());
        bytes(out, 2, self.id.as_bytes());
        if let Some(state) = self
            .context
            .state
            .as_ref()
            .and_then(|state| state.to_str().ok())
        {
            string(out, 3, state);
        }
        if let Some(parent) = &self.parent {
            bytes(out, 4, parent.as_bytes());
        }
        message(out, 5, |out| {
            for part in self.name {
                out.extend_from_slice(part.as_bytes());
            }
        });
        uint(out, 6, self.kind as u64);
        let end = unix_nanos(SystemTime::now());
        let took = u64::try_from(self.took.as_nanos()).unwrap_or(u64::MAX);
        fixed64(out, 7, end.saturating_sub(took));
        fixed64(out, 8, end);
        for (name, value) in self.attributes {
            if let Some(value) = value {
                attribute(out, 9, name, *value);
            }
        }
        if self.failed {
            message(out, 15, |out| uint(out, 3, STATUS_ERROR));
        }
        let remote = match (self.kind, self.parent) {
            (SpanKind::Server, Some(_)) => PARENT_IS_REMOTE,
            _ => 0,
        };
        fixed32(out, 16, remote | u32::from(self.context.sampled));
    }
}
