//! The settings as flags, made from their declaration.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};

use super::Settings;

const CONFIG: &str = "config";

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
            let doc = setting.doc.split_whitespace().collect::<Vec<_>>().join(" ");
            let variable = setting.variable.unwrap_or_default();
            let separator = if variable.is_empty() { "" } else { ", " };
            let default = match setting.default {
                "" => String::new(),
                default => format!(" [default: {default}]"),
            };
            let own = setting.own_variable();
            Arg::new(setting.name)
                .long(setting.flag())
                .value_name("VALUE")
                .help(format!("{doc}{default} [env: {own}{separator}{variable}]"))
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
