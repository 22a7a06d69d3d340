//! What every answer of a run must keep, whatever it was asked for.

mod errors;
mod graph;
mod headers;
mod links;
mod names;
mod shape;

use std::collections::{BTreeMap, BTreeSet};

use http::Method;

use crate::exchange::{Answer, Request};
use crate::verdict::{Miss, Verdict};
use crate::world::World;

/// The obligations that are judged here.
#[cfg(test)]
pub(crate) const RULES: [&str; 46] = [
    "CN-1", "CN-2", "CN-5", "CN-14", "DS-1", "DS-2", "DS-3", "DS-4", "DS-5", "DS-11", "DS-12",
    "DS-14", "DS-15", "DS-16", "DS-17", "DS-18", "DS-19", "DS-23", "DS-25", "DS-27", "DS-28",
    "DS-29", "DS-30", "DS-31", "DS-32", "DS-33", "DS-34", "DS-36", "DS-37", "DS-38", "DS-40",
    "ER-2", "ER-3", "ER-4", "ER-5", "ER-6", "ER-7", "ER-8", "ER-11", "PG-2", "QP-8", "CP-21",
    "AO-1", "AO-2", "AO-3", "AO-27",
];

/// What all answers so far say about one obligation.
#[derive(Debug, Default)]
struct Tally {
    /// How many things were judged, and how many of them were wrong.
    seen: usize,
    wrong: usize,
    /// The first that was wrong.
    first: String,
}

/// What all answers so far say.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    found: BTreeMap<&'static str, Tally>,
    /// The title of each error code.
    titles: BTreeMap<String, String>,
    /// Links to explanations of errors.
    pub(crate) explanations: BTreeSet<String>,
}

impl Tallies {
    /// Judges one answer.
    pub(crate) fn judge(&mut self, world: &World, request: &Request, answer: &Answer) {
        headers::judge(self, request, answer);
        let has_body = !answer.body.is_empty() && request.method != Method::HEAD;
        if !has_body {
            return;
        }
        let mut notes = Notes {
            tallies: self,
            line: &answer.request,
        };
        let document = answer.document.as_object();
        notes.note("DS-1", document.is_some(), || {
            "the body is no JSON object".to_owned()
        });
        let Some(document) = document else {
            if answer.status >= 400 {
                notes.note("ER-2", false, || {
                    format!("a {} without errors", answer.status)
                });
            }
            return;
        };
        shape::document(&mut notes, world, answer, document);
        graph::judge(&mut notes, request, document);
        errors::judge(&mut notes, request, answer);
    }

    /// What the answers say about an obligation; `None` if they had nothing of the kind.
    pub(crate) fn verdict(&self, id: &str) -> Option<Verdict> {
        let tally = self.found.get(id)?;
        if tally.wrong == 0 {
            return Some(Ok(()));
        }
        let Tally { seen, wrong, first } = tally;
        Some(Err(Miss::Fails(format!(
            "{first} ({wrong} of {seen} seen)"
        ))))
    }
}

/// Takes down what one answer says.
struct Notes<'a> {
    tallies: &'a mut Tallies,
    /// The request in one line.
    line: &'a str,
}

impl Notes<'_> {
    /// Something was seen that keeps an obligation or does not.
    fn note(&mut self, id: &'static str, holds: bool, found: impl FnOnce() -> String) {
        let tally = self.tallies.found.entry(id).or_default();
        tally.seen += 1;
        if !holds {
            tally.wrong += 1;
            if tally.wrong == 1 {
                tally.first = format!("{}: {}", self.line, found());
            }
        }
    }
}
