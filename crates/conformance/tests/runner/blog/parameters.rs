//! Query parameters.

use std::collections::BTreeMap;

use super::{Asked, Refusal, attribute, find_relationship, relationships};

/// How large a page may be.
pub(super) const SIZE_MAX: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Parameters {
    pub(super) include: Option<Vec<Vec<String>>>,
    pub(super) fields: BTreeMap<String, Vec<String>>,
    pub(super) sort: Vec<String>,
    pub(super) filters: Vec<(String, String)>,
    pub(super) size: Option<usize>,
    pub(super) after: Option<String>,
    pub(super) before: Option<String>,
}

/// Decodes a form.
fn decode(text: &str) -> String {
    let plain = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&plain).decode_utf8_lossy();
    decoded.into_owned()
}

pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

impl Parameters {
    /// Reads the parameters of a request for resources of a type.
    pub(super) fn read(asked: &Asked, kind: &str) -> Result<Self, Refusal> {
        let mut read = Self::default();
        let pairs = pairs(&asked.query);
        for (index, (name, value)) in pairs.iter().enumerate() {
            let twice = pairs[..index].iter().any(|(other, _)| other == name);
            if twice || !read.take(kind, name, value) {
                return Err(Refusal::parameter(name));
            }
        }
        Ok(read)
    }

    /// Whether a parameter makes sense.
    fn take(&mut self, kind: &str, name: &str, value: &str) -> bool {
        let list = || {
            value
                .split(',')
                .filter(|it| !it.is_empty())
                .map(str::to_owned)
        };
        match name {
            "include" => {
                let paths = list().map(|path| path.split('.').map(str::to_owned).collect());
                let paths: Vec<Vec<String>> = paths.collect();
                let known = paths.iter().all(|path| leads_somewhere(kind, path));
                self.include = Some(paths);
                known
            }
            "sort" => {
                self.sort = value.split(',').map(str::to_owned).collect();
                let plain =
                    |field: &String| attribute(kind, field.trim_start_matches('-')).is_some();
                self.sort.iter().all(plain)
            }
            "page[size]" => {
                let digits = value.chars().all(|it| it.is_ascii_digit());
                self.size = value.parse().ok().filter(|it| *it > 0 && digits);
                self.size.is_some()
            }
            "page[after]" => {
                self.after = Some(value.to_owned());
                is_cursor(value)
            }
            "page[before]" => {
                self.before = Some(value.to_owned());
                is_cursor(value)
            }
            _ => self.take_family(kind, name, value),
        }
    }

    fn take_family(&mut self, kind: &str, name: &str, value: &str) -> bool {
        let member = |family: &str| {
            let rest = name.strip_prefix(family)?.strip_prefix('[')?;
            rest.strip_suffix(']').map(str::to_owned)
        };
        if let Some(restricted) = member("fields") {
            let names: Vec<String> = value
                .split(',')
                .filter(|it| !it.is_empty())
                .map(str::to_owned)
                .collect();
            let known = |name: &String| {
                attribute(&restricted, name).is_some()
                    || find_relationship(&restricted, name).is_some()
            };
            let fine =
                names.iter().all(known) && super::ATTRIBUTES.iter().any(|it| it.0 == restricted);
            self.fields.insert(restricted, names);
            return fine;
        }
        let Some(filtered) = member("filter") else {
            return false;
        };
        let integer = attribute(kind, &filtered);
        let related = relationships(kind).any(|it| it.name == filtered);
        let number = integer != Some(true) || value.parse::<i64>().is_ok();
        self.filters.push((filtered, value.to_owned()));
        (integer.is_some() || related) && number
    }
}

fn is_cursor(value: &str) -> bool {
    value
        .strip_prefix('c')
        .is_some_and(|it| it.parse::<u64>().is_ok())
}

fn leads_somewhere(kind: &str, path: &[String]) -> bool {
    match path {
        [] => true,
        [first, rest @ ..] => find_relationship(kind, first)
            .is_some_and(|relationship| leads_somewhere(relationship.target, rest)),
    }
}
