//! FI: filtering.

use serde_json::{Value, json};

use super::Checks;
use crate::exchange::{Answer, Request, key};
use crate::run::Run;
use crate::verdict::{Miss, Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("FI-1", the_filter_family_is_used),
    ("FI-2", illegal_names_are_refused),
    ("FI-3", related_resources_filter),
    ("FI-4", senseless_filters_are_refused),
];

fn filtered(run: &mut Run<'_>, name: &str, value: &str) -> Result<Answer, Miss> {
    let request = Request::get(run.collection()).query(name, value);
    run.send(&request)
}

/// The name of an equality filter, its attribute, and a value that a resource has.
pub(super) fn equality(run: &Run<'_>) -> Result<(String, String, String), Miss> {
    let Some(attribute) = run.main().filters.first() else {
        return unjudged("the world names no attribute to filter by");
    };
    let mut values = run
        .samples
        .all()?
        .iter()
        .map(|it| &it["attributes"][attribute]);
    match values.find_map(Value::as_str) {
        Some(value) => Ok((
            run.world.filter.replace("NAME", attribute),
            attribute.clone(),
            value.to_owned(),
        )),
        None => unjudged(format!("no resource has a text in {attribute}")),
    }
}

fn the_filter_family_is_used(run: &mut Run<'_>) -> Verdict {
    let (name, attribute, value) = equality(run)?;
    if !name.starts_with("filter") {
        return unjudged(format!("the world filters with {name}"));
    }
    let answer = filtered(run, &name, &value)?;
    let items = answer.is(&[200])?.items();
    let fits = items
        .iter()
        .all(|it| it["attributes"][&attribute] == value.as_str());
    answer.must(
        fits && !items.is_empty(),
        &format!("resources with '{value}'"),
        answer.data(),
    )
}

fn illegal_names_are_refused(run: &mut Run<'_>) -> Verdict {
    for name in ["filter[_]", "filter[a", "filter[a]b"] {
        filtered(run, name, "x")?.refuses(name)?;
    }
    Ok(())
}

/// A filter by a to-one relationship.
pub(super) fn related_resources_filter(run: &mut Run<'_>) -> Verdict {
    let found = run.samples.filled(false)?;
    let (name, id) = (format!("filter[{}]", found.name), key(&found.linkage).1);
    let value = format!("{id},{}", run.absent_id(&found.target)?);
    let answer = filtered(run, &name, &value)?;
    let items = answer.is(&[200])?.items();
    let owner = key(&found.owner);
    let has = items.iter().any(|it| key(it) == owner);
    answer.must(has, &format!("the resource {owner:?}"), answer.data())?;
    let linkage = |it: &Value| it["relationships"][&found.name]["data"].get("id").cloned();
    let fits = items
        .iter()
        .filter_map(linkage)
        .all(|linked| linked == id.as_str());
    answer.must(
        fits,
        &format!("only resources with {} {id}", found.name),
        answer.data(),
    )
}

fn senseless_filters_are_refused(run: &mut Run<'_>) -> Verdict {
    if !run.main().open {
        filtered(run, "filter[unknownField]", "x")?.refuses("filter[unknownField]")?;
    } else if run.main().integers.is_empty() {
        return unjudged("the type takes attributes of any name, and the world names no integer");
    }
    if let Some(integer) = run.main().integers.first() {
        let name = run.world.filter.replace("NAME", integer);
        let answer = filtered(run, &name, "no number")?;
        answer.must(answer.status == 400, "400", &json!(answer.status))?;
        answer.blames("parameter", &name)?;
    }
    Ok(())
}
