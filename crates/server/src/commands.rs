//! What each command does.

mod backup;
mod check;
mod config;
mod conformance;
mod explain;
mod export;
mod file_format;
mod healthcheck;
mod http_client;
mod import;
mod indexes;
mod infer;
mod progress;
mod restore;
mod resources_check;
pub(crate) mod serve;

use std::io::Write;
use std::process::ExitCode;

use clap::CommandFactory;
use rustix::process::Signal;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::command_line::{Command, CommandLine, Resources};
use crate::failure::Failure;

/// Runs the command to its end.
pub(crate) fn run(line: CommandLine) -> Result<ExitCode, Failure> {
    match line.command {
        Command::Serve(arguments) => serve::run(&arguments)?,
        Command::Import(arguments) => import::run(&arguments)?,
        Command::Export(arguments) => export::run(&arguments)?,
        Command::Backup(arguments) => backup::run(&arguments)?,
        Command::Restore(arguments) => restore::run(&arguments)?,
        Command::Check(arguments) => return check::run(&arguments),
        Command::Indexes(arguments) => indexes::run(&arguments)?,
        Command::Infer(arguments) => infer::run(&arguments)?,
        Command::Explain(arguments) => explain::run(&arguments)?,
        Command::Healthcheck(arguments) => return healthcheck::run(&arguments),
        Command::Conformance(arguments) => return conformance::run(&arguments),
        Command::Config(arguments) => config::run(&arguments)?,
        Command::Resources(Resources::Check { folder }) => resources_check::run(&folder)?,
        Command::Resources(Resources::Schema) => print(resources::schema::DEFINITION_SCHEMA)?,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut CommandLine::command(), "monocoque", &mut script);
            print(&String::from_utf8_lossy(&script))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes to the standard output. A closed pipe is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    match output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
    {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::internal(
            format!("the standard output cannot be written: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Writes a line to the standard error; that nobody reads it any more is no failure.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn runtime(mut builder: Builder) -> Result<Runtime, Failure> {
    let failed = |error| Failure::internal(format!("the runtime does not start: {error}"));
    let runtime = builder.enable_all().build().map_err(failed)?;
    // A file that may not grow any more is a failed write, and not the end of the process.
    let entered = runtime.enter();
    let too_long = SignalKind::from_raw(Signal::XFSZ.as_raw());
    drop(signal(too_long).map_err(failed)?);
    drop(entered);
    Ok(runtime)
}
