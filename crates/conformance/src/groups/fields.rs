//! SF: sparse fieldsets.

use serde_json::{Map, Value, json};

use super::Checks;
use crate::exchange::{Answer, Request};
use crate::run::Run;
use crate::verdict::{Miss, Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("SF-1", fields_name_the_fields),
    ("SF-2", an_empty_list_means_none),
    ("SF-3", there_are_no_other_fields),
    ("SF-4", answers_to_writes_are_restricted),
    ("SF-5", hidden_relationships_are_included),
    ("SF-6", unknown_names_are_refused),
];

fn parameter(run: &Run<'_>) -> String {
    format!("fields[{}]", run.world.main)
}

/// The attribute and the relationship that are asked for; the latter may be absent.
fn wanted(run: &Run<'_>) -> Result<(String, Option<String>), Miss> {
    let Some(attribute) = run.world.fieldset(&run.world.main) else {
        return unjudged("the world names no attribute, or says that the server has no fieldsets");
    };
    let relationship = run.main().relationships.first();
    let relationship = relationship.map(|it| it.name.clone());
    Ok((attribute.clone(), relationship))
}

/// The names in `attributes` and `relationships` of a resource.
fn shown(resource: &Value) -> Vec<&str> {
    let members = ["attributes", "relationships"].map(|name| resource[name].as_object());
    let names = members.into_iter().flatten().flat_map(Map::keys);
    names.map(String::as_str).collect()
}

/// A list of the collection with these fields.
fn list(run: &mut Run<'_>, fields: &str) -> Result<Answer, Miss> {
    run.samples.all()?;
    wanted(run)?;
    let request = Request::get(run.collection()).query(&parameter(run), fields);
    let answer = run.send(&request)?;
    answer.is(&[200])?;
    Ok(answer)
}

fn fields_name_the_fields(run: &mut Run<'_>) -> Verdict {
    let (attribute, relationship) = wanted(run)?;
    let names = [Some(attribute.clone()), relationship.clone()];
    let names: Vec<String> = names.into_iter().flatten().collect();
    let answer = list(run, &names.join(","))?;
    let had = run
        .samples
        .all()?
        .iter()
        .any(|it| it["attributes"].get(&attribute).is_some());
    let items = answer.items();
    let has = items
        .iter()
        .any(|it| it["attributes"].get(&attribute).is_some());
    answer.must(
        has || !had,
        &format!("the attribute {attribute}"),
        answer.data(),
    )?;
    if let Some(name) = relationship {
        let has = items
            .iter()
            .all(|it| it["relationships"].get(&name).is_some());
        answer.must(has, &format!("the relationship {name}"), answer.data())?;
    }
    Ok(())
}

fn an_empty_list_means_none(run: &mut Run<'_>) -> Verdict {
    let answer = list(run, "")?;
    let none = answer.items().iter().all(|it| shown(it).is_empty());
    answer.must(none, "no attributes and relationships", answer.data())
}

/// Fails unless these resources of the main type show this field at most.
fn only<'a>(answer: &Answer, resources: impl Iterator<Item = &'a Value>, field: &str) -> Verdict {
    for resource in resources {
        let names = shown(resource);
        let fits = names.iter().all(|name| *name == field);
        answer.must(fits, &format!("no other field than {field}"), &json!(names))?;
    }
    Ok(())
}

fn there_are_no_other_fields(run: &mut Run<'_>) -> Verdict {
    let (attribute, _) = wanted(run)?;
    let answer = list(run, &attribute)?;
    only(&answer, answer.items().iter(), &attribute)?;
    let Ok(found) = run.samples.any_filled() else {
        return Ok(());
    };
    let Some(name) = run.world.fieldset(&found.target) else {
        return Ok(());
    };
    if !run.world.include {
        return Ok(());
    }
    let request = Request::get(run.path_of(&found.owner))
        .query("include", &found.name)
        .query(&format!("fields[{}]", found.target), name);
    let answer = run.send(&request)?;
    let included = answer.is(&[200])?.included();
    only(
        &answer,
        included
            .iter()
            .filter(|it| it["type"] == found.target.as_str()),
        name,
    )
}

fn answers_to_writes_are_restricted(run: &mut Run<'_>) -> Verdict {
    let (attribute, _) = wanted(run)?;
    let draft = run.draft()?;
    let request = Request::post(run.collection(), &draft).query(&parameter(run), &attribute);
    let answer = run.send(&request)?;
    only(
        answer.is(&[201])?,
        std::iter::once(answer.data()),
        &attribute,
    )
}

fn hidden_relationships_are_included(run: &mut Run<'_>) -> Verdict {
    let (attribute, _) = wanted(run)?;
    let found = run.samples.any_filled()?;
    if !run.world.include {
        return unjudged("the world says that the server has no include");
    }
    let request = Request::get(run.path_of(&found.owner))
        .query("include", &found.name)
        .query(&parameter(run), &attribute);
    let answer = run.send(&request)?;
    let has = !answer.is(&[200])?.included().is_empty();
    answer.must(
        has,
        "the related resource in included",
        &answer.document["included"],
    )?;
    only(&answer, std::iter::once(answer.data()), &attribute)
}

fn unknown_names_are_refused(run: &mut Run<'_>) -> Verdict {
    let own = parameter(run);
    let unknown = [("fields[unknownType]", "x"), (own.as_str(), "unknownField")];
    let count = if run.main().open { 1 } else { 2 };
    for (name, value) in unknown.into_iter().take(count) {
        let request = Request::get(run.collection()).query(name, value);
        run.send(&request)?.refuses(name)?;
    }
    Ok(())
}
