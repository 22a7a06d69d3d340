//! How many connections there are, for the metrics.

use metrics::Gauge;

/// One that is open.
#[derive(Debug)]
pub(super) struct Counted(Gauge);

impl Counted {
    pub(super) fn opened() -> Self {
        metrics::describe_gauge!("http.server.connections", "Open connections of all ports");
        metrics::describe_counter!("http.server.connections.opened", "Connections so far");
        metrics::counter!("http.server.connections.opened").increment(1);
        let open = metrics::gauge!("http.server.connections");
        open.increment(1.0);
        Self(open)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
