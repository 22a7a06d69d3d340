//! Updates that are refused.

use serde_json::{Value, json};

use super::super::creating::names_the_conflict;
use super::super::deleting::unfinished;
use super::{
    Answer, CHANGED, Created, Miss, Request, Run, Verdict, attribute, change, linkage, linked,
    rename, same_linkage, unjudged,
};

pub(super) fn type_and_id_are_demanded(run: &mut Run<'_>) -> Verdict {
    let created = run.create()?;
    let kind = &run.world.main;
    let bodies = [
        json!({"data": {"type": kind}}),
        json!({"data": {"id": created.id}}),
        json!({"data": [{"type": kind, "id": created.id}]}),
        json!({"data": null}),
        json!({"meta": {}}),
    ];
    for body in bodies {
        let answer = run.send(&Request::patch(&created.path, &body))?;
        answer.is(&[400, 409, 422])?;
    }
    Ok(())
}

pub(super) fn a_refused_replacement_is_a_403(run: &mut Run<'_>) -> Verdict {
    let (created, name, before) = linked(run, true)?;
    let relationships = json!({&name: {"data": []}});
    let body = change(run, &created.id, "relationships", &relationships);
    let answer = run.send(&Request::patch(&created.path, &body))?;
    if answer.is_success() {
        return unjudged("the server replaces to-many relationships");
    }
    answer.is(&[403])?;
    let after = linkage(run, &created, &name)?;
    after.must(
        same_linkage(after.data(), &before),
        "nothing changed",
        after.data(),
    )
}

pub(super) fn unfinished_is_accepted(run: &mut Run<'_>) -> Verdict {
    let created = run.create()?;
    let body = change(run, &created.id, "attributes", &json!({}));
    let answer = run.send(&Request::patch(&created.path, &body))?;
    unfinished(&answer)
}

pub(super) fn what_is_not_supported_is_a_403(run: &mut Run<'_>) -> Verdict {
    run.may_write()?;
    let kind = run.main();
    let Some(name) = kind
        .read_only
        .iter()
        .find(|name| kind.relationship(name).is_none())
    else {
        return unjudged("the world names no attribute that is read only");
    };
    let created = run.create()?;
    let body = change(run, &created.id, "attributes", &json!({name: "x"}));
    run.send(&Request::patch(&created.path, &body))?
        .is(&[403])?;
    Ok(())
}

pub(super) fn a_missing_resource_is_a_404(run: &mut Run<'_>) -> Verdict {
    run.may_write()?;
    let absent = run.absent_id(&run.world.main)?;
    let attributes = json!({attribute(run)?: CHANGED});
    let body = change(run, &absent, "attributes", &attributes);
    let path = run.absent()?;
    run.send(&Request::patch(&path, &body))?.is(&[404])?;
    run.get(&path)?.is(&[404])?;
    Ok(())
}

/// The linkage of a resource that is not there, for a to-one of the main type.
fn dangling(run: &mut Run<'_>) -> Result<Value, Miss> {
    let Some(relationship) = run.main().writable(false) else {
        return unjudged("the world names no to-one relationship that can be changed");
    };
    let absent = run.absent_identifier(&relationship.target)?;
    Ok(json!({&relationship.name: {"data": absent}}))
}

pub(super) fn a_missing_related_resource_is_a_404(run: &mut Run<'_>) -> Verdict {
    run.may_write()?;
    let relationships = dangling(run)?;
    let created = run.create()?;
    let body = change(run, &created.id, "relationships", &relationships);
    run.send(&Request::patch(&created.path, &body))?
        .is(&[404])?;
    Ok(())
}

/// Updates whose type, or whose id, is not the URL's.
fn conflicting(run: &mut Run<'_>, created: &Created) -> Result<[Answer; 2], Miss> {
    let attributes = json!({attribute(run)?: CHANGED});
    let other = run.world.types.keys().find(|name| **name != run.world.main);
    let mut of_type = change(run, &created.id, "attributes", &attributes);
    of_type["data"]["type"] = json!(other.map_or("unknownType", String::as_str));
    let absent = run.absent_id(&run.world.main)?;
    let of_id = change(run, &absent, "attributes", &attributes);
    Ok([
        run.send(&Request::patch(&created.path, &of_type))?,
        run.send(&Request::patch(&created.path, &of_id))?,
    ])
}

pub(super) fn another_type_or_id_is_a_409(run: &mut Run<'_>) -> Verdict {
    let created = run.create()?;
    for answer in conflicting(run, &created)? {
        answer.is(&[409])?;
    }
    Ok(())
}

pub(super) fn a_409_says_what_is_in_conflict(run: &mut Run<'_>) -> Verdict {
    let created = run.create()?;
    for answer in conflicting(run, &created)? {
        names_the_conflict(&answer)?;
    }
    Ok(())
}

/// A good change beside one that is refused: a related resource that is not there, or attributes
/// that are no object.
pub(super) fn an_update_is_whole_or_nothing(run: &mut Run<'_>) -> Verdict {
    let created = run.create()?;
    let name = attribute(run)?;
    let attributes = json!({name: CHANGED});
    let mut body = change(run, &created.id, "attributes", &attributes);
    body["data"]["relationships"] = dangling(run).unwrap_or_else(|_| json!("none"));
    let answer = run.send(&Request::patch(&created.path, &body))?;
    answer.is_refused()?;
    let after = run.get(&created.path)?;
    let found = &after.data()["attributes"][name];
    after.must(found != CHANGED, "nothing changed", found)?;
    // The resource itself can be changed all the same.
    rename(run, &created).map(|_| ())
}
