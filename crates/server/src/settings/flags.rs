//! The settings as flags, made from their declaration.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};

use super::{Setting, Settings};

const CONFIG: &str = "config";

/// The settings of the embedded store and of MongoDB that a command needs beside the definitions.
const STORE: &[&str] = &[
    "data_dir",
    "files_mode",
    "resources",
    "mongo_uri",
    "mongo_operation_timeout_ms",
];
const EXPLAINED: &[&str] = &[
    "data_dir",
    "files_mode",
    "resources",
    "mongo_uri",
    "mongo_operation_timeout_ms",
    "include_depth_max",
];
const MONGODB: &[&str] = &["resources", "mongo_uri", "mongo_operation_timeout_ms"];

/// The settings that a command uses, where it does not use them all.
const USED: [(&str, &[&str]); 9] = [
    ("import", STORE),
    ("export", STORE),
    (
        "backup",
        &["data_dir", "files_mode", "backup_bytes_per_second_max"],
    ),
    ("restore", &["data_dir", "files_mode"]),
    ("check", STORE),
    ("indexes", MONGODB),
    ("infer", &["mongo_uri", "mongo_operation_timeout_ms"]),
    ("explain", EXPLAINED),
    ("healthcheck", &["admin_listen", "admin_tls_certificate"]),
];

/// The same command line, where the help of each command leaves out the settings that the command
/// does not use. They are taken all the same, as from a settings file that commands share.
pub(crate) fn hide_unused(line: Command) -> Command {
    USED.iter().fold(line, |line, (name, used)| {
        let unused = Settings::ALL
            .iter()
            .filter(|setting| !used.contains(&setting.name));
        line.mut_subcommand(name, |command| {
            unused.fold(command, |command, setting| {
                command.mut_arg(setting.name, |flag| flag.hide(true))
            })
        })
    })
}

/// What the command line says about settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct SettingFlags {
    /// The settings file.
    pub(crate) config: Option<PathBuf>,
    /// The given flags: names of settings and texts.
    pub(crate) given: Vec<(&'static str, String)>,
}

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new(CONFIG)
            .long(CONFIG)
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("TOML file with settings [env: MONOCOQUE_CONFIG]");
        let flags = Settings::ALL.iter().map(|setting| {
            Arg::new(setting.name)
                .long(setting.flag())
                .value_name(setting.kind)
                .help_heading(setting.group)
                .help(help_of(setting))
        });
        command
            .next_help_heading("Settings")
            .arg(config)
            .args(flags)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Its doc comment, its default and bounds, and its variables.
fn help_of(setting: &Setting) -> String {
    let doc = setting.doc.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut facts = Vec::new();
    if !setting.default.is_empty() {
        facts.push(format!("default: {}", setting.default));
    }
    if let Some((least, most)) = setting.bounds {
        facts.push(format!("from {least} to {most}"));
    }
    let facts = if facts.is_empty() {
        String::new()
    } else {
        format!(" [{}]", facts.join(", "))
    };
    let variables: Vec<String> = [
        Some(setting.own_variable()),
        setting.variable.map(str::to_owned),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!("{doc}{facts} [env: {}]", variables.join(", "))
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.config = matches.get_one::<PathBuf>(CONFIG).cloned();
        let given = Settings::ALL.iter().filter_map(|setting| {
            Some((
                setting.name,
                matches.get_one::<String>(setting.name)?.clone(),
            ))
        });
        self.given = given.collect();
        Ok(())
    }
}
