//! The schema-driven JSON:API service: each declared resource type becomes one.
//!
//! A request passes the modules from top to bottom.

#![forbid(unsafe_code)]

mod api;
mod controller;
pub mod schema;
pub mod query;
pub mod store;
pub mod work;
pub mod fit;
pub mod nearest;

pub use api::{Limits, Unexplained, explain, router};
pub use controller::{Controller, Done, Draft, Failure, GivenId, GivenLinks, IdRule, Reason};
