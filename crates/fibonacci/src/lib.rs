//! The Fibonacci service: exact numbers, as fast as a socket takes them.
//!
//! The modules stand in the order in which a request passes them. [`router`] is the door for a
//! server, [`generator`] the one for whoever wants the text without HTTP.

mod settings;
mod api;
mod listing;
mod length;
mod table;
mod stream;
mod number;
pub mod generator;

pub use api::{error, router};
pub use generator::{Form, Generator};
pub use settings::{Settings, SettingsError};
