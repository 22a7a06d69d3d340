//! `monocoque conformance`

use std::process::ExitCode;

use conformance::{Problem, World};

use crate::command_line::{Conformance, ReportFormat};
use crate::failure::Failure;

/// How large a world file may be.
const WORLD_BYTES_MAX: u64 = 1 << 20;

/// Checks a server and prints what was found.
pub(super) fn run(arguments: &Conformance) -> Result<ExitCode, Failure> {
    let world = read(arguments)?;
    let checked = conformance::check(&arguments.base, &world, &arguments.group);
    let report = checked.map_err(|problem| match problem {
        Problem::Base(text) => Failure::usage(format!("--base: {text}")),
        Problem::Group(text) => Failure::usage(format!("--group: {text}")),
        Problem::World(text) => Failure::settings(text),
        Problem::Unreachable(text) => Failure::unavailable(text),
    })?;
    super::print(&match arguments.format {
        ReportFormat::Table => report.to_table(),
        ReportFormat::Json => report.to_json(),
        ReportFormat::Markdown => report.to_markdown(),
    })?;
    Ok(if report.fails() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn read(arguments: &Conformance) -> Result<World, Failure> {
    let path = &arguments.world;
    let wrong = |reason: String| Failure::settings(format!("{}: {reason}", path.display()));
    let size = std::fs::metadata(path)
        .map_err(|error| wrong(error.to_string()))?
        .len();
    if size > WORLD_BYTES_MAX {
        return Err(wrong(format!(
            "a world file has at most {WORLD_BYTES_MAX} bytes"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    World::read(&text).map_err(|problem| wrong(problem.to_string()))
}
