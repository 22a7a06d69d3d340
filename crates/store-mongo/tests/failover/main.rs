//! The MongoDB store while the server that takes the writes goes and another comes: what was
//! acknowledged is there once, and the store finds the other by itself.
//!
//! A target of its own, because it may kill a member of the deployment that all tests share.
//!
//! Needs a server: `scripts/mongodb run -- cargo test -p store-mongo`.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

// The server is killed, or steps down.
mod loss;
mod victim;
// Another member of a replica set is elected.
mod elections;
mod replica_set;
