//! A conformance runner for JSON:API 1.1: it sends requests to any server over HTTP and says, for
//! each numbered obligation of the specification, whether the server keeps it.
//!
//! What the server has (types, attributes, relationships) stands in a world file. Everything that
//! a check creates it removes again, and resources that were there before are never changed.
#![forbid(unsafe_code)]

// What is asked of a server, and what it is known to have.
mod obligation;
mod world;
// Requests and answers.
mod exchange;
mod client;
mod media_type;
// One run: the server's own samples, the checks of each group, what every answer must keep.
mod verdict;
mod run;
mod samples;
mod groups;
mod responses;
// What was found.
mod report;

use thiserror::Error;

pub use obligation::{Level, Obligation, obligations};
pub use report::{Outcome, Report, Row};
pub use world::World;

use client::Client;
use run::Run;

/// Why a run could not begin.
#[derive(Debug, Error)]
pub enum Problem {
    /// The base URL cannot be used.
    #[error("{0}")]
    Base(String),
    /// A group is named that is not there.
    #[error("{0}")]
    Group(String),
    /// The world file is wrong.
    #[error("{0}")]
    World(String),
    /// The server does not answer.
    #[error("{0}")]
    Unreachable(String),
}

/// Checks the server at `base`, an `http://` URL that may have a path. `groups` are the letters of
/// groups (`CN`) and ids of single obligations (`CN-6`); if there are none, everything is checked.
///
/// # Errors
/// The base or a group makes no sense, or the server does not answer the first request. What it
/// answers later is in the report, whatever it is.
pub fn check(base: &str, world: &World, groups: &[String]) -> Result<Report, Problem> {
    let chosen = groups::choose(groups)?;
    let client = Client::new(base)?;
    let mut run = Run::begin(client, world)?;
    Ok(groups::judge(&mut run, &chosen, base))
}
