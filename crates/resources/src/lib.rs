//! The schema-driven JSON:API service. A request passes the modules from top to bottom.

#![forbid(unsafe_code)]

pub mod schema;
pub mod query;
pub mod repository;
