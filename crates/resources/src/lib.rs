//! The schema-driven JSON:API service: each declared resource type becomes one.
//!
//! A request passes the modules from top to bottom; `transfer` moves whole collections.

#![forbid(unsafe_code)]

mod api;
mod controller;
pub mod schema;
pub mod query;
pub mod repository;
pub mod transfer;

pub use api::router;
pub use controller::{Controller, Draft, Failure, IdPlace};
