//! `monocoque`: the binary. It reads the command line and the settings, opens the store, mounts
//! the services, and decides nothing else.

#![forbid(unsafe_code)]

mod command_line;
mod settings;
mod failure;
mod commands;
mod application;
mod presenter;
mod sample_contacts;

use std::process::ExitCode;

use clap::Parser;

use crate::command_line::CommandLine;

/// Requests make many small allocations and a few large ones on every thread, which it serves
/// faster than the allocators of the common C libraries: docs/decisions/0009-allocator.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match commands::run(CommandLine::parse()) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
