//! The MongoDB store while things go wrong: what was acknowledged is there once, what failed for
//! sure is not there, and everything is answered in time.
//!
//! Needs a server: `scripts/mongodb run -- cargo test -p resources`.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

#[path = "faults/away.rs"]
mod away;
#[path = "faults/fail_points.rs"]
mod fail_points;
#[path = "faults/interposer.rs"]
mod interposer;
#[path = "faults/ledger.rs"]
mod ledger;
#[path = "faults/network.rs"]
mod network;
#[path = "faults/own_server.rs"]
mod own_server;
#[path = "faults/proxy.rs"]
mod proxy;
#[path = "faults/server.rs"]
mod server;
#[path = "faults/standalone.rs"]
mod standalone;
#[path = "faults/unreplicated.rs"]
mod unreplicated;
#[path = "faults/wire.rs"]
mod wire;
