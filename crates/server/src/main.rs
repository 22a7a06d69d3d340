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

fn main() -> ExitCode {
    match commands::run(CommandLine::parse()) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
