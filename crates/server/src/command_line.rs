//! The command line, as clap reads it.

mod store;
mod choices;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use transfer::{Format, REJECTIONS_MAX};

pub(crate) use self::choices::{MisfitFormat, Rejection, ReportFormat};
pub(crate) use self::store::{Explain, Indexes, Infer};
use crate::redaction::without_passwords;
use crate::settings::{SettingFlags, hide_unused};

const EXIT_CODES: &str = "\
Exit codes:
  0   fine
  1   healthcheck: not healthy; conformance: a MUST is not kept; check: a resource does not fit
  2   the command line makes no sense
  64  a setting, a definition file or an input file is wrong
  69  something that is needed is unavailable or damaged
  70  an error of the program
  71  serve only, with exit_when_stuck: every worker thread stood still";

/// HTTP micro-services that are ready for production on the first day: Fibonacci numbers, and a
/// JSON:API service for each declared resource type.
#[derive(Debug, Parser)]
#[command(name = "monocoque", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl CommandLine {
    /// Reads the arguments of this process.
    ///
    /// # Errors
    /// The exit code, after help or the version was shown, or what is wrong with the arguments.
    pub(crate) fn read() -> Result<Self, ExitCode> {
        let line = hide_unused(Self::command());
        let read = line
            .try_get_matches()
            .and_then(|matches| Self::from_arg_matches(&matches));
        read.map_err(|error| {
            if !error.use_stderr() {
                let _ = error.print();
                return ExitCode::SUCCESS;
            }
            let mut stream = std::io::stderr();
            let text = error.render();
            let text = if stream.is_terminal() {
                text.ansi().to_string()
            } else {
                text.to_string()
            };
            let _ = write!(stream, "{}", without_passwords(&text));
            ExitCode::from(2)
        })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve requests until told to stop
    Serve(Serve),
    /// Store the rows of a file in a collection, or all files of a directory
    Import(Import),
    /// Write a collection to a file, or all of them to a directory
    Export(Export),
    /// Copy the embedded store to a file, also while a process uses it
    Backup(Backup),
    /// Read a backup wholly and put it into a data directory without a store
    Restore(Backup),
    /// Read the whole embedded store of a stopped process and show what is damaged; with a TYPE, on
    /// any store, also the resources that do not fit their definition
    Check(Check),
    /// Show the indexes of a MongoDB collection against its definition, and make those missing
    Indexes(Indexes),
    /// Write a definition file for a MongoDB collection that is there, from a sample of its documents
    Infer(Infer),
    /// Show what the store would do for a list, in its own words, and warn where that is costly
    Explain(Explain),
    /// Ask a running process for its health: exit code 0 or 1
    Healthcheck(Healthcheck),
    /// Check any JSON:API server against the obligations of the specification: exit code 0 or 1
    Conformance(Conformance),
    /// Show every setting, its value and where it comes from, as a settings file
    Config(Config),
    /// Work with the definition files of resource types
    #[command(subcommand)]
    Resources(Resources),
    /// Write the completions for a shell
    Completions {
        /// The shell that is to complete
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Services to run: 'fibonacci' or declared resource types [default: all]
    #[arg(value_name = "SERVICE")]
    pub(crate) services: Vec<String>,
    /// Fill empty collections: contacts, and types with a file TYPE.sample.ndjson
    #[arg(long)]
    pub(crate) sample_data: bool,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Resource types whose stored resources are held against their definitions
    #[arg(value_name = "TYPE")]
    pub(crate) types: Vec<String>,
    /// Every declared type
    #[arg(long, conflicts_with = "types")]
    pub(crate) all: bool,
    /// How what does not fit is written
    #[arg(long, value_enum, default_value = "lines")]
    pub(crate) format: MisfitFormat,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Resource type of the rows
    #[arg(value_name = "TYPE", required_unless_present = "all")]
    pub(crate) resource_type: Option<String>,
    /// File to read; '-' is the standard input
    #[arg(required_unless_present = "all")]
    pub(crate) file: Option<PathBuf>,
    /// Read DIR/TYPE.ndjson for each type that has such a file, one after the other
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = ["resource_type", "file", "format", "skip_rows"]
    )]
    pub(crate) all: Option<PathBuf>,
    /// json (one array), ndjson (an object on each line) or csv (with a header) [default: by the
    /// extension]
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// What a rejected row means for the others
    #[arg(long, value_enum, default_value = "stop")]
    pub(crate) on_error: Rejection,
    /// Only say what is wrong with the rows: nothing is stored, and no store is opened
    #[arg(long, conflicts_with_all = ["upsert", "upsert_by", "restartable", "if_empty", "skip_rows"])]
    pub(crate) dry_run: bool,
    /// A row whose id is there already takes the place of that resource; with --on-error skip or
    /// halt
    #[arg(long, conflicts_with_all = ["restartable", "if_empty"])]
    pub(crate) upsert: bool,
    /// The same, but a row finds its resource by the values of the unique index over these
    /// attributes
    #[arg(
        long,
        value_name = "ATTRIBUTE,…",
        value_delimiter = ',',
        conflicts_with_all = ["upsert", "restartable", "if_empty", "all"]
    )]
    pub(crate) upsert_by: Vec<String>,
    /// Rejected rows that are reported where nothing is stored any more; the rest of the file is
    /// not read then
    #[arg(long, value_name = "COUNT", default_value_t = REJECTIONS_MAX,
        value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rejections_max: u64,
    /// Rows at the start of the file to pass over: those that an import before this one settled
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub(crate) skip_rows: u64,
    /// Give rows without an id the same one whenever this file is imported, so that no row is
    /// stored twice: made of the file's name, the time of its last change and the row's number
    #[arg(long)]
    pub(crate) restartable: bool,
    /// Store nothing, and call it a success, if the collection has resources already
    #[arg(long)]
    pub(crate) if_empty: bool,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// File of the backup; backup makes it, and none may be there
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Resource type to write
    #[arg(value_name = "TYPE", required_unless_present = "all")]
    pub(crate) resource_type: Option<String>,
    /// File to write; '-' is the standard output
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
    /// Write DIR/TYPE.ndjson for each type
    #[arg(long, value_name = "DIR", conflicts_with_all = ["resource_type", "file", "format"])]
    pub(crate) all: Option<PathBuf>,
    /// Read through the API of a running process, such as <http://localhost:8000>, and not from its
    /// store
    #[arg(long, value_name = "URL")]
    pub(crate) from: Option<String>,
    /// json, ndjson or csv [default: by the extension; json on the standard output]
    #[arg(long)]
    pub(crate) format: Option<Format>,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Healthcheck {
    /// URL to ask [default: /liveness on the operations port]
    #[arg(long)]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Conformance {
    /// Where the server's JSON:API begins, an http:// URL
    #[arg(long, value_name = "URL")]
    pub(crate) base: String,
    /// What the server has: its types, attributes and relationships, in YAML or JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) world: PathBuf,
    /// Groups such as CN, or single obligations such as CN-6, with commas between [default: all]
    #[arg(long, value_name = "GROUPS", value_delimiter = ',')]
    pub(crate) group: Vec<String>,
    /// How the result is written
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: ReportFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Resources {
    /// Check a definition file, or all of a directory, and point at each mistake
    Check {
        /// The directory or the file
        #[arg(value_name = "PATH")]
        folder: PathBuf,
    },
    /// Write the JSON Schema of definition files, for editors
    Schema,
}
