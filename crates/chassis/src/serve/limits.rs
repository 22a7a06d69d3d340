//! What the connections of a server may take.

use std::time::Duration;

/// How much connections may take.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// How long a connection has for the complete head of a request, counted from its opening for
    /// the first request and from the first byte for later ones. Default 10 s.
    pub header_read_timeout: Duration,
    /// The most bytes of such a head, at least 8 KiB. Default 128 KiB.
    pub head_bytes_max: usize,
    /// How long a connection may be without a request. Default 75 s. A proxy in front must keep its
    /// idle connections for less than this, or it will send requests into connections that are
    /// being closed.
    pub idle_timeout: Duration,
    /// How long a client may leave an answer untaken; then its connection is cut. A client that
    /// takes less than 4 KiB in this time counts as one that takes nothing. Default 30 s.
    pub write_timeout: Duration,
    /// The age at which a connection is closed after its next response, less up to a tenth by
    /// chance, so that clients spread over new replicas. Default 1 h.
    pub connection_age_max: Duration,
    /// The most connections at once. For one more, the idle connection that has been quiet longest
    /// is closed; where none is idle it waits in the listener's backlog. Default 16384.
    pub connections_max: usize,
    /// The most requests at once on a connection of HTTP/2. Default 100.
    pub streams_max: u32,
    /// How long idle connections of HTTP/1 are kept in a drain for requests that may be on the
    /// wire, since their last request. Default 3 s.
    pub drain_quiet: Duration,
    /// How long connections have to finish after the door was closed; then they are cut.
    /// Default 30 s.
    pub drain_timeout: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            header_read_timeout: Duration::from_secs(10),
            head_bytes_max: 128 * 1024,
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            connection_age_max: Duration::from_hours(1),
            connections_max: 16_384,
            streams_max: 100,
            drain_quiet: Duration::from_secs(3),
            drain_timeout: Duration::from_secs(30),
        }
    }
}
