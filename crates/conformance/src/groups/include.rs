//! IN: inclusion of related resources.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Checks;
use crate::exchange::{Answer, Request, key};
use crate::run::Run;
use crate::samples::Found;
use crate::verdict::{Miss, Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("IN-1", include_without_support_is_refused),
    ("IN-2", included_is_always_there),
    ("IN-3", nothing_else_is_included),
    ("IN-4", an_empty_include_includes_nothing),
    ("IN-5", an_unknown_path_is_refused),
    ("IN-6", the_middle_of_a_path_is_included),
    ("IN-7", answers_to_writes_include),
    ("IN-8", an_attribute_is_no_path),
];

fn supported(run: &Run<'_>) -> Result<(), Miss> {
    if run.world.include {
        return Ok(());
    }
    unjudged("the world says that the server has no include")
}

/// A GET of a resource with an include.
fn including(run: &mut Run<'_>, owner: &Value, path: &str) -> Result<Answer, Miss> {
    let request = Request::get(run.path_of(owner)).query("include", path);
    run.send(&request)
}

/// Fails unless `included` is an array.
fn has_included(answer: &Answer) -> Verdict {
    let included = &answer.document["included"];
    answer.must(included.is_array(), "included, an array", included)
}

fn include_without_support_is_refused(run: &mut Run<'_>) -> Verdict {
    if run.world.include {
        return unjudged("the world says that the server supports include");
    }
    for value in ["a", ""] {
        let request = Request::get(run.collection()).query("include", value);
        run.send(&request)?.is(&[400])?;
    }
    Ok(())
}

fn included_is_always_there(run: &mut Run<'_>) -> Verdict {
    supported(run)?;
    let filled = run.samples.any_filled()?;
    let answer = including(run, &filled.owner, &filled.name)?;
    has_included(answer.is(&[200])?)?;
    let there = !answer.included().is_empty();
    answer.must(
        there,
        "the related resource in included",
        &answer.document["included"],
    )?;
    for many in [false, true] {
        if let Ok(empty) = run.samples.empty(many) {
            has_included(including(run, &empty.owner, &empty.name)?.is(&[200])?)?;
        }
    }
    Ok(())
}

/// The keys of the linkage of a relationship.
fn linked(found: &Found) -> BTreeSet<(String, String)> {
    match &found.linkage {
        Value::Array(items) => items.iter().map(key).collect(),
        item => BTreeSet::from([key(item)]),
    }
}

fn nothing_else_is_included(run: &mut Run<'_>) -> Verdict {
    supported(run)?;
    let found = run.samples.any_filled()?;
    let answer = including(run, &found.owner, &found.name)?;
    answer.is(&[200])?;
    let linked = linked(&found);
    for item in answer.included() {
        let expected = format!("only what {} leads to", found.name);
        answer.must(linked.contains(&key(item)), &expected, &json!(key(item)))?;
    }
    Ok(())
}

fn an_empty_include_includes_nothing(run: &mut Run<'_>) -> Verdict {
    supported(run)?;
    let one = run.samples.one()?;
    let answer = including(run, &one, "")?;
    let included = &answer.is(&[200])?.document["included"];
    answer.must(included == &json!([]), "included: []", included)
}

fn an_unknown_path_is_refused(run: &mut Run<'_>) -> Verdict {
    let one = run.samples.one()?;
    let mut paths = vec![super::fetching::UNKNOWN.to_owned()];
    if let Some(relationship) = run.main().relationships.first() {
        paths.push(format!(
            "{}.{}",
            relationship.name,
            super::fetching::UNKNOWN
        ));
    }
    for path in paths {
        including(run, &one, &path)?.is(&[400])?;
    }
    Ok(())
}

/// A relationship that leads somewhere, and one of its target.
fn chain(run: &Run<'_>) -> Result<(Found, String, String), Miss> {
    for found in run.samples.relationships() {
        let target = run.world.types.get(&found.target);
        let next = target.and_then(|kind| kind.relationships.first());
        let filled = !found.linkage.is_null() && found.linkage != json!([]);
        if let Some(next) = next.filter(|_| filled) {
            return Ok((found.clone(), next.name.clone(), next.target.clone()));
        }
    }
    unjudged("no related type has a relationship of its own")
}

fn the_middle_of_a_path_is_included(run: &mut Run<'_>) -> Verdict {
    supported(run)?;
    let (found, next, _) = chain(run)?;
    let answer = including(run, &found.owner, &format!("{}.{next}", found.name))?;
    let middle = linked(&found);
    let has = answer
        .is(&[200])?
        .included()
        .iter()
        .any(|it| middle.contains(&key(it)));
    let expected = format!("{} in included", found.target);
    answer.must(has, &expected, &answer.document["included"])
}

fn answers_to_writes_include(run: &mut Run<'_>) -> Verdict {
    supported(run)?;
    let Some(relationship) = run.main().writable(false) else {
        return unjudged("the world names no to-one relationship that can be changed");
    };
    let mut draft = run.draft()?;
    let identifier = run.identifiers(&relationship.target, 1)?.swap_remove(0);
    draft["data"]["relationships"][&relationship.name] = json!({"data": identifier});
    let request = Request::post(run.collection(), &draft).query("include", &relationship.name);
    let answer = run.send(&request)?;
    has_included(answer.is(&[201])?)?;
    let has = answer
        .included()
        .iter()
        .any(|it| key(it) == key(&identifier));
    answer.must(
        has,
        "the related resource in included",
        &answer.document["included"],
    )
}

fn an_attribute_is_no_path(run: &mut Run<'_>) -> Verdict {
    let one = run.samples.one()?;
    let attributes = one["attributes"].as_object();
    let Some((name, _)) = attributes.into_iter().flatten().next() else {
        return unjudged("the resource has no attribute");
    };
    including(run, &one, name)?.refuses("include")
}
