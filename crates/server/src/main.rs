//! `monocoque`: the binary. It reads the command line and the settings, opens the store, mounts
//! the services, and decides nothing else.

#![forbid(unsafe_code)]

mod command_line;
mod settings;
mod failure;
mod redaction;
mod telemetry;
mod commands;
mod definitions;
mod store;
mod application;
mod comparison;
mod front_door;
mod error_pages;
mod backups;
mod service_manager;
mod watched_store;
mod probes;
mod presenter;
mod sample_data;

use std::process::ExitCode;

use crate::command_line::CommandLine;

/// Requests make many small allocations and a few large ones on every thread, which it serves
/// faster than the allocators of the common C libraries: docs/decisions/0009-allocator.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let outcome = match CommandLine::read() {
        Ok(line) => commands::run(line),
        Err(answer) => return answer,
    };
    outcome.unwrap_or_else(|failure| failure.report())
}
