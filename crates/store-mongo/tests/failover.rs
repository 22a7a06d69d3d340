//! The MongoDB store while the server that takes the writes goes and another comes: what was
//! acknowledged is there once, and the store finds the other by itself.
//!
//! A target of its own, because it may kill a member of the deployment that all tests share.
//!
//! Needs a server: `scripts/mongodb run -- cargo test -p store-mongo`.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]
#![expect(
    dead_code,
    reason = "some of what `faults.rs` has too is used only there"
)]

#[path = "faults/book.rs"]
mod book;
#[path = "faults/connection_string.rs"]
mod connection_string;
#[path = "faults/elections.rs"]
mod elections;
#[path = "faults/interposer.rs"]
mod interposer;
#[path = "faults/ledger.rs"]
mod ledger;
#[path = "faults/load.rs"]
mod load;
#[path = "faults/loss.rs"]
mod loss;
#[path = "faults/operator.rs"]
mod operator;
#[path = "faults/own_server.rs"]
mod own_server;
#[path = "faults/readers.rs"]
mod readers;
#[path = "faults/replica_set.rs"]
mod replica_set;
#[path = "faults/server.rs"]
mod server;
#[path = "faults/victim.rs"]
mod victim;
#[path = "faults/wire.rs"]
mod wire;
