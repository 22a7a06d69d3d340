//! Error documents.

use serde_json::Value;

use super::{Notes, links};
use crate::exchange::{Answer, Request, href};

const MEMBERS: [&str; 8] = [
    "id", "links", "status", "code", "title", "detail", "source", "meta",
];

/// What shows the inside of a program: stacks, queries, sources.
const INTERNALS: [&str; 10] = [
    "panicked at",
    "Traceback (most recent",
    "SQLSTATE",
    "SELECT ",
    "stack trace",
    "RUST_BACKTRACE",
    ".rs:",
    ".py\"",
    "Exception in thread",
    "\\n   at ",
];

pub(super) fn judge(notes: &mut Notes<'_>, request: &Request, answer: &Answer) {
    let errors = answer.document.get("errors");
    if answer.status >= 400 {
        let listed = errors
            .and_then(Value::as_array)
            .is_some_and(|all| !all.is_empty());
        notes.note("ER-2", listed, || {
            format!("a {} without errors", answer.status)
        });
    }
    let errors = errors
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    if errors.is_empty() {
        return;
    }
    let text = String::from_utf8_lossy(&answer.body);
    let inside = INTERNALS.iter().find(|mark| text.contains(*mark));
    notes.note("ER-11", inside.is_none(), || {
        format!("the text '{}'", inside.unwrap_or(&""))
    });
    let sent = request.document();
    for (index, error) in errors.iter().enumerate() {
        let place = format!("/errors/{index}");
        members(notes, error, &place);
        status(notes, error, answer, errors.len());
        source(notes, error, sent.as_ref(), &place);
        if let (Some(code), Some(title)) = (error["code"].as_str(), error["title"].as_str()) {
            let known = notes.tallies.titles.entry(code.to_owned());
            let known = known.or_insert_with(|| title.to_owned()).clone();
            notes.note("ER-5", known == title, || {
                format!("the code '{code}' has the titles '{known}' and '{title}'")
            });
        }
    }
}

fn members(notes: &mut Notes<'_>, error: &Value, place: &str) {
    let any = MEMBERS.iter().any(|name| error.get(name).is_some());
    notes.note("ER-3", any, || format!("{place} is {error}"));
    for name in error
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
    {
        let known = MEMBERS.contains(&name.as_str());
        let fine = known || name.starts_with('@') || name.contains(':');
        notes.note("DS-5", fine, || format!("the member {place}/{name}"));
    }
    for name in ["code", "id"] {
        if let Some(value) = error.get(name) {
            notes.note("ER-8", value.is_string(), || {
                format!("{place}/{name} is {value}")
            });
        }
    }
    if let Some(found) = error.get("links") {
        links::judge(
            notes,
            found,
            &format!("{place}/links"),
            &links::OF_ERROR,
            false,
        );
        if let Some(link) = found.get("type") {
            notes.note("CP-21", link.is_string() || link.is_object(), || {
                format!("{place}/links/type is {link}")
            });
        }
        let explained = [&found["about"], &found["type"]];
        notes
            .tallies
            .explanations
            .extend(explained.into_iter().filter_map(href));
    }
}

fn status(notes: &mut Notes<'_>, error: &Value, answer: &Answer, count: usize) {
    let own = answer.status.to_string();
    let stated = error["status"].as_str();
    let fine = stated.is_some_and(|stated| count > 1 || stated == own);
    notes.note("ER-4", fine, || {
        format!("a {own} with the status {}", error["status"])
    });
}

fn source(notes: &mut Notes<'_>, error: &Value, sent: Option<&Value>, place: &str) {
    let Some(source) = error.get("source") else {
        return;
    };
    let known = ["pointer", "parameter", "header"];
    let any = known.iter().any(|name| source[name].is_string());
    notes.note("ER-6", any, || format!("{place}/source is {source}"));
    if let Some(pointer) = source["pointer"].as_str() {
        let leads = sent.is_some_and(|sent| sent.pointer(pointer).is_some());
        // A body that cannot be read has a root, and nothing else that can be pointed to.
        let root = sent.is_none() && pointer.is_empty();
        notes.note("ER-7", leads || root, || {
            format!("{place}/source/pointer '{pointer}' leads to nothing in the request")
        });
    }
}
