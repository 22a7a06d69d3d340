//! References between schemas: one that leads back to itself checks nothing, and some that meet
//! again and again multiply what has to be checked.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::super::located_yaml::LocatedValue;
use super::keywords::subschemas;
use super::mistake::{Mistake, mistake};

/// Keywords whose schemas stand for the same value as the schema that has them.
const IN_PLACE: [&str; 9] = [
    "$ref",
    "allOf",
    "anyOf",
    "dependentSchemas",
    "else",
    "if",
    "not",
    "oneOf",
    "then",
];

/// How many schemas one value may have to be held against at one place.
const UNFOLDED_MAX: u64 = 10_000;

/// How many schemas may follow each other without a step into the value.
const CHAIN_MAX: usize = 500;

/// References in the schema at `prefix` that lead back to themselves, follow each other for too
/// long or unfold to too much.
pub(super) fn mistakes(schema: &Value, prefix: &str, located: &LocatedValue) -> Vec<Mistake> {
    let mut all = Vec::new();
    collect(schema, String::new(), &mut all);
    let anchors = all
        .iter()
        .filter_map(|(pointer, schema)| Some((schema.get("$anchor")?.as_str()?, pointer.as_str())));
    let mut references = References {
        root: schema,
        anchors: anchors.collect(),
        unfolded: HashMap::new(),
        found: Vec::new(),
    };
    for (pointer, schema) in &all {
        references.visit(schema, pointer, 0);
    }
    let place = |(pointer, message): (String, String)| {
        let pointer = format!("{prefix}{pointer}");
        mistake(located.position(&pointer), &pointer, message)
    };
    references.found.into_iter().map(place).collect()
}

fn collect<'a>(schema: &'a Value, pointer: String, all: &mut Vec<(String, &'a Value)>) {
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        for (step, inner) in subschemas(keyword, value) {
            collect(inner, format!("{pointer}{step}"), all);
        }
    }
    all.push((pointer, schema));
}

struct References<'a> {
    root: &'a Value,
    /// The pointers of the schemas with an `$anchor`.
    anchors: HashMap<&'a str, &'a str>,
    /// By their pointers, to how many schemas the ones seen so far unfold; `None` while that is
    /// being found out.
    unfolded: HashMap<String, Option<u64>>,
    found: Vec<(String, String)>,
}

impl<'a> References<'a> {
    /// To how many schemas this one unfolds.
    fn visit(&mut self, schema: &'a Value, pointer: &str, chain: usize) -> u64 {
        if let Some(Some(known)) = self.unfolded.get(pointer) {
            return *known;
        }
        self.unfolded.insert(pointer.to_owned(), None);
        let mut unfolded: u64 = 1;
        for (step, to, inner) in self.in_place(schema, pointer) {
            let at = format!("{pointer}{step}");
            if self.unfolded.get(&to) == Some(&None) {
                let message = "leads back to itself without a step into the value, so that \
                               nothing would be checked";
                self.found.push((at, message.to_owned()));
            } else if chain == CHAIN_MAX {
                let message = format!("stands at the end of a chain of {CHAIN_MAX} schemas");
                self.found.push((at, message));
            } else {
                unfolded = unfolded.saturating_add(self.visit(inner, &to, chain + 1));
            }
        }
        if unfolded > UNFOLDED_MAX {
            let message = format!(
                "unfolds to more than {UNFOLDED_MAX} schemas that one value must be held against"
            );
            self.found.push((pointer.to_owned(), message));
            unfolded = 1;
        }
        self.unfolded.insert(pointer.to_owned(), Some(unfolded));
        unfolded
    }

    /// Schemas for the same value: the step to each, its pointer, and itself.
    fn in_place(&self, schema: &'a Value, pointer: &str) -> Vec<(String, String, &'a Value)> {
        let mut found = Vec::new();
        for keyword in IN_PLACE {
            let Some(value) = schema.get(keyword) else {
                continue;
            };
            if keyword == "$ref" {
                let target = value.as_str().and_then(|reference| self.resolve(reference));
                found.extend(target.map(|(to, inner)| ("/$ref".to_owned(), to, inner)));
            }
            for (step, inner) in subschemas(keyword, value) {
                found.push((step.clone(), format!("{pointer}{step}"), inner));
            }
        }
        found
    }

    fn resolve(&self, reference: &str) -> Option<(String, &'a Value)> {
        let fragment = reference.strip_prefix('#')?;
        let fragment = percent_decode_str(fragment).decode_utf8().ok()?;
        let pointer = match self.anchors.get(&*fragment) {
            Some(pointer) => (*pointer).to_owned(),
            None => fragment.into_owned(),
        };
        let schema = self.root.pointer(&pointer)?;
        Some((pointer, schema))
    }
}
