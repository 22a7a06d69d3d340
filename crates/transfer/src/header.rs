//! The header of a CSV file against the definition: a column of a wrong name would be lost among
//! the attributes that nobody declared, or be refused row by row.

use std::collections::HashSet;

use resources::nearest::{ALIKE, nearest};
use resources::schema::ResourceType;

/// The names of the columns, if they can be attributes.
pub(super) fn columns(
    resource_type: &ResourceType,
    cells: impl Iterator<Item = String>,
) -> Result<Vec<String>, String> {
    let columns: Vec<String> = cells.collect();
    if columns.iter().all(String::is_empty) {
        return Err("the file has no header".to_owned());
    }
    let known = known(resource_type);
    if let [only] = columns.as_slice()
        && let Some(other) = only
            .chars()
            .find(|character| [';', '\t', '|'].contains(character))
        && !known.contains(&only.as_str())
    {
        return Err(format!(
            "the header: there is one column, with {other:?} in its name; the cells of a row are \
             separated by ','"
        ));
    }
    let mut names = HashSet::new();
    for (position, name) in columns.iter().enumerate() {
        if name.is_empty() {
            return Err(format!("the header: column {} has no name", position + 1));
        }
        if !names.insert(name) {
            return Err(format!("the header: two columns are called '{name}'"));
        }
    }
    let mistakes: Vec<String> = columns
        .iter()
        .enumerate()
        .filter(|(_, name)| !known.contains(&name.as_str()))
        .filter_map(|(position, name)| {
            let candidates = known
                .iter()
                .filter(|known| !columns.iter().any(|it| it == *known));
            mistake(resource_type, name, candidates.copied())
                .map(|mistake| format!("the header: column {}: {mistake}", position + 1))
        })
        .collect();
    if mistakes.is_empty() {
        Ok(columns)
    } else {
        Err(mistakes.join("\n"))
    }
}

/// The names that a column may have.
fn known(resource_type: &ResourceType) -> Vec<&str> {
    let stored = resource_type.relationships.iter();
    let stored = stored.filter(|relationship| relationship.own_member().is_some());
    let relationships = stored.map(|relationship| relationship.name.as_str());
    let declared = resource_type.attributes.declared();
    let ids = [resource_type.plain_id_member(), "id"];
    ids.into_iter()
        .chain(declared)
        .chain(relationships)
        .collect()
}

/// What is wrong with a name that is not declared. An open schema takes it, unless it is only
/// written otherwise than a declared one.
fn mistake<'a>(
    resource_type: &ResourceType,
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let is_closed = resource_type.attributes.is_closed();
    let least = if is_closed { ALIKE } else { 1.0 };
    match nearest(name, candidates, least) {
        Some(meant) => Some(format!("'{name}' is not declared; is '{meant}' meant?")),
        None if is_closed => Some(format!("'{name}' is not declared")),
        None => None,
    }
}
