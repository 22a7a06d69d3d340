//! How many connections there are, for the metrics.

use std::fmt;

use metrics::{Counter, Gauge};

/// Those of one listener. The names are looked up once, and not for each connection.
pub(super) struct Counted {
    open: Gauge,
    so_far: Counter,
}

impl fmt::Debug for Counted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Counted")
    }
}

impl Counted {
    pub(super) fn new() -> Self {
        metrics::describe_gauge!("http.server.connections", "Open connections of all ports");
        metrics::describe_counter!("http.server.connections.opened", "Connections so far");
        Self {
            open: metrics::gauge!("http.server.connections"),
            so_far: metrics::counter!("http.server.connections.opened"),
        }
    }

    pub(super) fn opened(&self) {
        self.so_far.increment(1);
        self.open.increment(1.0);
    }

    pub(super) fn closed(&self) {
        self.open.decrement(1.0);
    }
}
