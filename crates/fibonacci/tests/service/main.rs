//! The service as a client meets it: over sockets.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step of a test is a failed test"
)]

mod harness;
mod lists;
mod numbers;
mod errors;
mod queries;
mod ranges;
mod streams;
