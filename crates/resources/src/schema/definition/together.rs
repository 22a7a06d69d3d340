//! Definitions that are read together: names that clash, and the targets of relationships.

use super::super::ResourceType;
use super::super::located_yaml::LocatedValue;
use super::Definition;
use super::mistake::{Mistake, mistake, nearest};

/// What a file says for itself, as far as it can be told.
pub(super) struct Parsed {
    pub(super) located: Option<LocatedValue>,
    pub(super) definition: Option<Definition>,
    pub(super) mistakes: Vec<Mistake>,
}

impl Parsed {
    /// A file of which nothing is known.
    pub(super) fn unreadable(mistake: Mistake) -> Self {
        Self {
            located: None,
            definition: None,
            mistakes: vec![mistake],
        }
    }

    /// The name of its type.
    fn name(&self) -> Option<&str> {
        self.located.as_ref()?.value.get("type")?.as_str()
    }

    fn readable(&self) -> Option<(&LocatedValue, &Definition)> {
        Some((self.located.as_ref()?, self.definition.as_ref()?))
    }
}

/// All definitions to which relationships may lead.
pub(super) struct Known<'a>(&'a [Parsed]);

impl Known<'_> {
    /// The definition of this name; `None` if it cannot be read, which is reported by itself.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn definition(&self, name: &str) -> Result<Option<&Definition>, String> {
        let found = self.0.iter().find(|parsed| parsed.name() == Some(name));
        if let Some(parsed) = found {
            return Ok(parsed.definition.as_ref());
        }
        if self.0.iter().any(|parsed| parsed.name().is_none()) {
            return Ok(None);
        }
        let names = self.0.iter().filter_map(Parsed::name);
        Err(format!("there is no type '{name}'{}", nearest(name, names)))
    }
}

/// The type of each file, or all that is wrong with it in the order of the lines.
///
/// `reserved` are names of types that belong to others.
pub(super) fn resolve(
    mut parsed: Vec<Parsed>,
    reserved: &[&str],
) -> Vec<Result<ResourceType, Vec<Mistake>>> {
    let resolve = |position: usize| {
        let known = Known(&parsed);
        let (located, definition) = parsed[position].readable()?;
        let (relationships, mut mistakes) = definition.resolved_relationships(located, &known);
        let clash = clash(located, definition, &parsed[..position], reserved);
        let told = &parsed[position].mistakes;
        mistakes.extend(clash.filter(|clash| told.iter().all(|told| told.field != clash.field)));
        Some((relationships, mistakes))
    };
    let resolved: Vec<_> = (0..parsed.len()).map(resolve).collect();
    let mut types = Vec::new();
    for (parsed, resolved) in parsed.iter_mut().zip(resolved) {
        let mut mistakes = std::mem::take(&mut parsed.mistakes);
        let (relationships, found) = resolved.unwrap_or_default();
        mistakes.extend(found);
        mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        types.push(match parsed.readable() {
            Some((located, definition)) if mistakes.is_empty() => {
                definition.resource_type(located, relationships)
            }
            _ => Err(mistakes),
        });
    }
    types
}

/// A name that another file or the program has already.
fn clash(
    located: &LocatedValue,
    definition: &Definition,
    before: &[Parsed],
    reserved: &[&str],
) -> Option<Mistake> {
    let (name, collection) = (&definition.r#type, definition.collection());
    let wrong =
        |pointer: &str, message: String| Some(mistake(located.position(pointer), pointer, message));
    if reserved.contains(&name.as_str()) {
        return wrong(
            "/type",
            format!("the type '{name}' is reserved: /{name} is served otherwise"),
        );
    }
    let mut before = before
        .iter()
        .filter_map(|parsed| parsed.definition.as_ref());
    before.find_map(|known| {
        if known.r#type == *name {
            wrong(
                "/type",
                format!("the type '{name}' is declared by another file too"),
            )
        } else if known.collection().eq_ignore_ascii_case(collection) {
            let owner = &known.r#type;
            wrong(
                "/collection",
                format!("the collection '{collection}' belongs to the type '{owner}' already"),
            )
        } else {
            None
        }
    })
}
