//! Links objects.

use serde_json::{Map, Value};

use super::Notes;

const OWN: [&str; 3] = ["self", "related", "describedby"];
const PAGES: [&str; 4] = ["first", "last", "prev", "next"];
/// Words of others for links between pages.
const PAGES_MISNAMED: [&str; 6] = ["previous", "page", "start", "end", "begin", "more"];

/// Judges a links object; `pages` says whether links between pages may stand in it.
pub(super) fn judge(
    notes: &mut Notes<'_>,
    links: &Value,
    place: &str,
    known: &[&str],
    pages: bool,
) {
    notes.note("DS-31", links.is_object(), || {
        format!("{place} is no object")
    });
    for (name, link) in links.as_object().into_iter().flatten() {
        let place = format!("{place}/{name}");
        let form = link.is_null() || link.is_object() || link.as_str().is_some_and(is_reference);
        notes.note("DS-31", form, || format!("{place} is {link}"));
        if let Some(object) = link.as_object() {
            link_object(notes, name, object, &place);
        }
        if name.starts_with('@') || name.contains(':') {
            continue;
        }
        let is_page = PAGES.contains(&name.as_str());
        if is_page {
            let encoded = crate::exchange::href(link).is_none_or(|href| !href.contains(['[', ']']));
            notes.note("QP-8", encoded, || format!("{place} is {link}"));
        }
        if is_page || PAGES_MISNAMED.contains(&name.as_str()) {
            notes.note("PG-2", is_page && pages, || format!("the link {place}"));
        } else {
            let known = known.contains(&name.as_str());
            notes.note("DS-5", known, || format!("the link {place}"));
        }
    }
}

/// The links that a document or a relationship may have, besides those between pages.
pub(super) const OF_DOCUMENT: [&str; 3] = OWN;
/// The links that an error may have.
pub(super) const OF_ERROR: [&str; 2] = ["about", "type"];

fn link_object(notes: &mut Notes<'_>, name: &str, link: &Map<String, Value>, place: &str) {
    let known = [
        "href",
        "rel",
        "describedby",
        "title",
        "type",
        "hreflang",
        "meta",
    ];
    for member in link.keys() {
        let fine = known.contains(&member.as_str()) || member.starts_with('@');
        notes.note("DS-5", fine, || format!("the member {place}/{member}"));
    }
    let href = link.get("href").and_then(Value::as_str);
    notes.note("DS-32", href.is_some_and(is_reference), || {
        format!("{place} has no href")
    });
    if let Some(rel) = link.get("rel") {
        let valid = rel
            .as_str()
            .is_some_and(|rel| !rel.is_empty() && !rel.contains(' '));
        notes.note("DS-32", valid, || format!("{place}/rel is {rel}"));
        notes.note("DS-33", rel == name, || format!("{place}/rel is {rel}"));
    }
    if let Some(languages) = link.get("hreflang") {
        let one = languages.as_str().is_some_and(is_language);
        let many = languages
            .as_array()
            .is_some_and(|all| all.iter().all(|tag| tag.as_str().is_some_and(is_language)));
        notes.note("DS-32", one || many, || {
            format!("{place}/hreflang is {languages}")
        });
    }
}

/// The characters that a URI reference may have.
fn is_reference(text: &str) -> bool {
    let forbidden = |letter: char| letter <= ' ' || "\"<>\\^`{|}".contains(letter);
    !text.is_empty() && text.is_ascii() && !text.contains(forbidden)
}

/// The outer form of a language tag.
fn is_language(tag: &str) -> bool {
    let part = |part: &str| {
        (1..=8).contains(&part.len()) && part.chars().all(|it| it.is_ascii_alphanumeric())
    };
    tag.split('-').all(part) && tag.starts_with(|it: char| it.is_ascii_alphabetic())
}
