//! What every service of the process needs, whatever it serves: logs, health, limits, sockets.
//!
//! The crate knows no service, no document format and no setting. The process hands in a
//! [`presenter::Presenter`] that words the answers, and typed limits that it read from its settings.
//! The modules stand in the order in which a process passes them from its start to its end.
#![forbid(unsafe_code)]

pub mod telemetry;
pub mod fault;
pub mod presenter;
pub mod lifecycle;
pub mod health;
pub mod operations;
pub mod stack;
pub mod tls;
pub mod client;
pub mod serve;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
