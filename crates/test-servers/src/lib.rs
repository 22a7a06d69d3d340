//! Servers for tests, what can go wrong between them and a store, and the ledger that holds a
//! store to its word under load.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]
#![expect(missing_docs, reason = "a name in tests is a claim")]
#![expect(
    clippy::missing_panics_doc,
    reason = "a test fails where it cannot go on"
)]
#![expect(
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "a test that ignores what it asked for does not pass review"
)]

// The deployment that tests share, and what its operator may do.
mod connection_string;
mod operator;
mod fail_point;
// A server of one test's own.
mod own_server;
// What stands between a store and a server.
mod proxy;
mod wire;
mod interposer;
mod unreplicated;
// A store, and what it said of each write.
mod test_store;
pub mod ledger;

pub use connection_string::ConnectionString;
pub use fail_point::FailPoint;
pub use interposer::{Guise, Interposer};
pub use operator::{Operator, address_of_primary, operator, shared};
pub use own_server::OwnServer;
pub use proxy::{Proxy, Weather};
pub use test_store::{OPERATION_TIMEOUT, TestStore, polling, shared_for_fail_points};
pub use unreplicated::Unreplicated;
