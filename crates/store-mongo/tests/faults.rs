//! The MongoDB store while things go wrong: what was acknowledged is there once, what failed for
//! sure is not there, and everything is answered in time.
//!
//! Needs a server: `scripts/mongodb run -- cargo test -p store-mongo`.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

#[path = "faults/away.rs"]
mod away;
#[path = "faults/book.rs"]
mod book;
#[path = "faults/books.rs"]
mod books;
#[path = "faults/connection_string.rs"]
mod connection_string;
#[path = "faults/connection_strings.rs"]
mod connection_strings;
#[path = "faults/fail_points.rs"]
mod fail_points;
#[path = "faults/failing_load.rs"]
mod failing_load;
#[path = "faults/failing_reads.rs"]
mod failing_reads;
#[path = "faults/failing_units.rs"]
mod failing_units;
#[path = "faults/failing_writes.rs"]
mod failing_writes;
#[path = "faults/interposer.rs"]
mod interposer;
#[path = "faults/ledger.rs"]
mod ledger;
#[path = "faults/load.rs"]
mod load;
#[path = "faults/network.rs"]
mod network;
#[path = "faults/operator.rs"]
mod operator;
#[path = "faults/own_server.rs"]
mod own_server;
#[path = "faults/proxy.rs"]
mod proxy;
#[path = "faults/readers.rs"]
mod readers;
#[path = "faults/script.rs"]
mod script;
#[path = "faults/server.rs"]
mod server;
#[path = "faults/sharded.rs"]
mod sharded;
#[path = "faults/standalone.rs"]
mod standalone;
#[path = "faults/unreplicated.rs"]
mod unreplicated;
#[path = "faults/wire.rs"]
mod wire;
