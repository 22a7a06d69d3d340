//! `monocoque config`

use crate::command_line::Config;
use crate::failure::Failure;
use crate::settings::{self, Effective};

/// Prints a settings file that would give the values that hold now.
pub(super) fn run(arguments: &Config) -> Result<(), Failure> {
    let (_, values) = settings::read(&arguments.settings)?;
    let sections: Vec<String> = values.iter().map(section).collect();
    super::print(&sections.join("\n"))
}

fn section(value: &Effective) -> String {
    let Effective {
        setting,
        text,
        origin,
    } = value;
    let doc: Vec<String> = setting
        .doc
        .lines()
        .map(|line| format!("# {}\n", line.trim()))
        .collect();
    let bounds = setting.bounds.map_or_else(String::new, |(least, most)| {
        format!("# From {least} to {most}.\n")
    });
    let also = setting
        .variable
        .map(|name| format!(", {name}"))
        .unwrap_or_default();
    let (variable, flag) = (setting.own_variable(), setting.flag());
    let shown = if setting.secret && !text.is_empty() {
        "***"
    } else {
        text
    };
    // A number that TOML would give back as it is here is written as one, all else as a text:
    // a folder may be called 007, and the integers of TOML end before those of the settings.
    let shown = match shown.parse::<i64>() {
        Ok(number) if number.to_string() == shown => number.to_string(),
        _ => toml::Value::from(shown).to_string(),
    };
    // What is not set is shown as a comment: an empty text would not be the same.
    let comment = if text.is_empty() { "# " } else { "" };
    format!(
        "{}{bounds}# Environment: {variable}{also}. Flag: --{flag}. Value from: {origin}.\n\
         {comment}{} = {shown}\n",
        doc.concat(),
        setting.name
    )
}
