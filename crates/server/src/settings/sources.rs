//! File, environment and flags, in rising order; each value knows where it comes from.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use resources::nearest::{ALIKE, nearest};
use toml::{Table, Value};

use super::{Origin, Setting, SettingFlags, Settings, contradictions};
use crate::failure::Failure;

const PREFIX: &str = "MONOCOQUE_";
const CONFIG_VARIABLE: &str = "MONOCOQUE_CONFIG";

/// A setting with the value that holds.
#[derive(Debug, Clone)]
pub(crate) struct Effective {
    pub(crate) setting: &'static Setting,
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

/// Reads the settings of this process.
///
/// # Errors
/// Every problem at once: an unknown name, a value out of bounds, a file that cannot be read.
pub(crate) fn read(flags: &SettingFlags) -> Result<(Settings, Vec<Effective>), Failure> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads it"
    )]
    let variables = std::env::vars_os();
    let (environment, mut problems) = readable(variables);
    let outcome = match read_from(flags, &environment) {
        Ok(read) if problems.is_empty() => Ok(read),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    };
    outcome.map_err(|problems| {
        Failure::settings(format!(
            "the settings cannot be used:\n{}",
            problems.join("\n")
        ))
    })
}

/// Whether those who look on want colours: <https://no-color.org>.
pub(crate) fn colours_are_wanted() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is no setting of this program, but one of all of them"
    )]
    let unwanted = std::env::var_os("NO_COLOR");
    unwanted.is_none_or(|value| value.is_empty())
}

/// The variables that are UTF-8, and a problem for each variable of this process that is not.
pub(super) fn readable(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> (HashMap<String, String>, Vec<String>) {
    let mut texts = HashMap::new();
    let mut problems = Vec::new();
    for (name, value) in variables {
        let shown = name.to_string_lossy().into_owned();
        let own = shown.starts_with(PREFIX) && !set_by_others(&shown);
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => {
                texts.insert(name, value);
            }
            _ if own || is_further_variable(&shown) => {
                problems.push(format!("environment {shown}: it is not UTF-8 text"));
            }
            _ => {}
        }
    }
    (texts, problems)
}

fn is_further_variable(name: &str) -> bool {
    Settings::ALL
        .iter()
        .any(|setting| setting.variable == Some(name))
}

/// [`read`] with a given environment.
pub(super) fn read_from(
    flags: &SettingFlags,
    environment: &HashMap<String, String>,
) -> Result<(Settings, Vec<Effective>), Vec<String>> {
    let mut problems = Vec::new();
    let path = flags
        .config
        .clone()
        .or_else(|| environment.get(CONFIG_VARIABLE).map(PathBuf::from));
    let file = path
        .as_ref()
        .map(|path| (path, read_file(path, &mut problems)));
    problems.extend(unknown_variables(environment));
    let values: Vec<Effective> = Settings::ALL
        .iter()
        .map(|setting| {
            let mut effective = Effective {
                setting,
                text: setting.default.to_owned(),
                origin: Origin::Default,
            };
            if let Some((path, table)) = &file
                && let Some(text) = table.get(setting.name)
            {
                effective.text.clone_from(text);
                effective.origin = Origin::File((*path).clone());
            }
            let own = setting.own_variable();
            for name in setting.variable.into_iter().chain([own.as_str()]) {
                // Compose files and manifests pass an unset variable on as an empty one.
                if let Some(text) = environment.get(name).filter(|text| !text.is_empty()) {
                    effective.text.clone_from(text);
                    effective.origin = Origin::Variable(name.to_owned());
                }
            }
            if let Some((_, text)) = flags.given.iter().find(|(name, _)| *name == setting.name) {
                effective.text.clone_from(text);
                effective.origin = Origin::Flag(setting.flag());
            }
            effective
        })
        .collect();
    let settings = Settings::parse(&values);
    problems.extend(match &settings {
        Ok(settings) => contradictions::find(settings, &values),
        Err(more) => more.clone(),
    });
    match settings {
        Ok(settings) if problems.is_empty() => Ok((settings, values)),
        _ => Err(problems),
    }
}

fn read_file(path: &Path, problems: &mut Vec<String>) -> HashMap<String, String> {
    let place = path.display();
    let table = std::fs::read_to_string(path)
        .map_err(|error| format!("the settings file {place} cannot be read: {error}"))
        .and_then(|text| {
            text.parse::<Table>().map_err(|error| {
                // Without the quoted line, which may hold a secret.
                let before = text.get(..error.span().map_or(0, |span| span.start));
                let line = before.map_or(1, |before| before.split('\n').count());
                format!(
                    "the settings file {place}, line {line}: {}",
                    error.message()
                )
            })
        });
    let mut texts = HashMap::new();
    match table {
        Err(problem) => problems.push(problem),
        Ok(table) => {
            for (name, value) in table {
                if !Settings::ALL.iter().any(|setting| setting.name == name) {
                    let hint = hint(&name, Settings::ALL.iter().map(|setting| setting.name));
                    problems.push(format!("{place}: there is no setting '{name}'{hint}"));
                } else if let Some(text) = scalar(&value) {
                    texts.insert(name, text);
                } else {
                    problems.push(format!("{place}: '{name}' must be a text or a number"));
                }
            }
        }
    }
    texts
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(value) => Some(value.to_string()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

/// A misspelled variable would otherwise have no effect, which is noticed late.
fn unknown_variables(environment: &HashMap<String, String>) -> Vec<String> {
    let known: Vec<String> = Settings::ALL.iter().map(Setting::own_variable).collect();
    let mut unknown: Vec<&String> = environment
        .keys()
        .filter(|name| name.starts_with(PREFIX) && *name != CONFIG_VARIABLE)
        .filter(|name| !known.contains(name) && !set_by_others(name))
        .collect();
    unknown.sort();
    unknown
        .into_iter()
        .map(|name| {
            let hint = hint(name, known.iter().map(String::as_str));
            format!("environment: there is no setting '{name}'{hint}")
        })
        .collect()
}

/// Kubernetes gives every pod variables for a service called monocoque:
/// <https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables>.
/// Variables for the project's tests are no settings either.
fn set_by_others(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    rest.starts_with("SERVICE_")
        || rest == "PORT"
        || rest.starts_with("PORT_")
        || rest.starts_with("TEST_")
}

fn hint<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    // The prefix that all variables share would make every two of them look alike.
    let own = |name: &'a str| name.strip_prefix(PREFIX).unwrap_or(name);
    let is_variable = name.starts_with(PREFIX);
    let name = name.strip_prefix(PREFIX).unwrap_or(name);
    match nearest(name, known.map(own), ALIKE) {
        Some(meant) if is_variable => format!("; is '{PREFIX}{meant}' meant?"),
        Some(meant) => format!("; is '{meant}' meant?"),
        None => "; 'monocoque config' lists them".to_owned(),
    }
}
