//! The MongoDB store while things go wrong: what was acknowledged is there once, what failed for
//! sure is not there, and everything is answered in time.
//!
//! Needs a server: `scripts/mongodb run -- cargo test -p store-mongo`.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

// The server is not there, or does not let anybody in.
mod away;
// The network is slow, hangs or breaks.
mod network;
// Errors that the server gives.
mod fail_points;
mod failing_reads;
mod failing_writes;
mod failing_units;
mod failing_load;
// A server that is not a replica set, and a collection that is sharded.
mod standalone;
mod sharded;
