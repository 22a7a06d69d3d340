//! UP: updating resources.

mod refusals;

use http::Method;
use serde_json::{Value, json};

use super::Checks;
use super::fetching::allows;
use crate::exchange::{Answer, Request, key};
use crate::run::{Created, Run};
use crate::verdict::{Miss, Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("UP-1", refusals::type_and_id_are_demanded),
    ("UP-2", attributes_keep_their_values),
    ("UP-3", attributes_do_not_become_null),
    ("UP-4", relationships_keep_their_values),
    ("UP-5", relationships_are_not_emptied),
    ("UP-6", a_relationship_is_replaced),
    ("UP-7", refusals::a_refused_replacement_is_a_403),
    ("UP-8", changes_by_the_server_are_shown),
    ("UP-9", an_update_succeeds),
    ("UP-10", refusals::unfinished_is_accepted),
    ("UP-11", refusals::what_is_not_supported_is_a_403),
    ("UP-12", refusals::a_missing_resource_is_a_404),
    ("UP-13", refusals::a_missing_related_resource_is_a_404),
    ("UP-14", refusals::another_type_or_id_is_a_409),
    ("UP-15", refusals::a_409_says_what_is_in_conflict),
    ("UP-16", refusals::an_update_is_whole_or_nothing),
    ("UP-17", http_is_followed),
    ("UP-18", objects_are_replaced_whole),
];

/// A value that no creation gives.
const CHANGED: &str = "changed";

/// A document that changes members of a resource.
fn change(run: &Run<'_>, id: &str, member: &str, value: &Value) -> Value {
    json!({"data": {"type": run.world.main, "id": id, member: value}})
}

/// The attribute that is changed.
fn attribute<'w>(run: &Run<'w>) -> Result<&'w String, Miss> {
    match run.main().strings.first() {
        Some(name) => Ok(name),
        None => unjudged("the world names no attribute that is a text"),
    }
}

/// Changes one attribute.
fn rename(run: &mut Run<'_>, created: &Created) -> Result<Answer, Miss> {
    let attributes = json!({attribute(run)?: CHANGED});
    let body = change(run, &created.id, "attributes", &attributes);
    let answer = run.send(&Request::patch(&created.path, &body))?;
    answer.is(&[200, 204])?;
    Ok(answer)
}

/// The attributes of a new resource, and the answer to a GET after one of them was changed.
fn renamed(run: &mut Run<'_>) -> Result<(Value, Answer), Miss> {
    let created = run.create()?;
    let before = run.get(&created.path)?;
    rename(run, &created)?;
    let answer = run.get(&created.path)?;
    let name = attribute(run)?;
    let found = &answer.data()["attributes"][name];
    answer.must(found == CHANGED, &format!("{name} '{CHANGED}'"), found)?;
    Ok((before.data()["attributes"].clone(), answer))
}

/// The attributes that a creation gave and the update did not name.
fn untouched<'w>(run: &Run<'w>) -> Vec<&'w String> {
    let given = run.main().create.iter().flatten().map(|(name, _)| name);
    let changed = run.main().strings.first();
    given.filter(|name| Some(*name) != changed).collect()
}

fn attributes_keep_their_values(run: &mut Run<'_>) -> Verdict {
    let (before, answer) = renamed(run)?;
    for name in untouched(run) {
        let found = &answer.data()["attributes"][name];
        let expected = format!("{name} {}", before[name]);
        answer.must(*found == before[name], &expected, found)?;
    }
    Ok(())
}

fn attributes_do_not_become_null(run: &mut Run<'_>) -> Verdict {
    let (before, answer) = renamed(run)?;
    for name in untouched(run) {
        let found = &answer.data()["attributes"][name];
        let fits = !found.is_null() || before[name].is_null();
        answer.must(fits, &format!("{name} {}", before[name]), found)?;
    }
    Ok(())
}

/// Creates a resource with relationships to these targets, as they are named.
pub(super) fn linked(run: &mut Run<'_>, many: bool) -> Result<(Created, String, Value), Miss> {
    let mut draft = run.draft()?;
    let Some(relationship) = run.main().writable(many) else {
        let kind = if many { "to-many" } else { "to-one" };
        return unjudged(format!(
            "the world names no {kind} relationship that can be changed"
        ));
    };
    let mut identifiers = run.identifiers(&relationship.target, 1)?;
    let linkage = if many {
        json!(identifiers)
    } else {
        identifiers.swap_remove(0)
    };
    let name = &relationship.name;
    draft["data"]["relationships"][name] = json!({"data": linkage});
    let created = run.create_from(&draft)?;
    Ok((created, name.clone(), linkage))
}

/// The linkage of a relationship.
pub(super) fn linkage(run: &mut Run<'_>, created: &Created, name: &str) -> Result<Answer, Miss> {
    let path = run.relationship_path(&created.resource, name);
    let answer = run.get(&path)?;
    answer.is(&[200])?;
    Ok(answer)
}

/// Whether two linkages lead to the same resources.
pub(super) fn same_linkage(left: &Value, right: &Value) -> bool {
    let keys = |value: &Value| match value {
        Value::Array(items) => {
            let mut keys: Vec<_> = items.iter().map(key).collect();
            keys.sort();
            keys
        }
        Value::Null => Vec::new(),
        item => vec![key(item)],
    };
    keys(left) == keys(right)
}

/// Changes an attribute of a resource with relationships; what these were and are.
fn relationships_after_a_change(run: &mut Run<'_>) -> Result<Vec<(Value, Answer)>, Miss> {
    let mut found = Vec::new();
    let mut reason = None;
    for many in [false, true] {
        match linked(run, many) {
            Ok((created, name, before)) => {
                rename(run, &created)?;
                found.push((before, linkage(run, &created, &name)?));
            }
            Err(miss) => reason = Some(miss),
        }
    }
    match reason {
        Some(miss) if found.is_empty() => Err(miss),
        _ => Ok(found),
    }
}

fn relationships_keep_their_values(run: &mut Run<'_>) -> Verdict {
    for (before, answer) in relationships_after_a_change(run)? {
        let same = same_linkage(answer.data(), &before);
        answer.must(same, &before.to_string(), answer.data())?;
    }
    Ok(())
}

fn relationships_are_not_emptied(run: &mut Run<'_>) -> Verdict {
    for (before, answer) in relationships_after_a_change(run)? {
        let empty = answer.data().is_null() || answer.data() == &json!([]);
        answer.must(!empty, &before.to_string(), answer.data())?;
    }
    Ok(())
}

fn a_relationship_is_replaced(run: &mut Run<'_>) -> Verdict {
    let mut judged = Err(Miss::Unjudged(
        "the world names no relationship that can be changed".into(),
    ));
    for many in [false, true] {
        let Ok((created, name, _)) = linked(run, many) else {
            continue;
        };
        let target = run.main().writable(many).map_or("", |it| &it.target);
        let other = run.identifiers(target, 2)?.swap_remove(1);
        let wanted = if many { json!([other]) } else { other };
        let relationships = json!({&name: {"data": wanted}});
        let body = change(run, &created.id, "relationships", &relationships);
        let answer = run.send(&Request::patch(&created.path, &body))?;
        if many && answer.status == 403 {
            continue;
        }
        answer.is(&[200, 204])?;
        let answer = linkage(run, &created, &name)?;
        answer.must(
            same_linkage(answer.data(), &wanted),
            &wanted.to_string(),
            answer.data(),
        )?;
        judged = Ok(());
    }
    judged
}

fn changes_by_the_server_are_shown(run: &mut Run<'_>) -> Verdict {
    let created = run.create()?;
    let before = run.get(&created.path)?.data()["attributes"].clone();
    let answer = rename(run, &created)?;
    let after = run.get(&created.path)?.data()["attributes"].clone();
    let own = attribute(run)?;
    let mut members = after.as_object().into_iter().flatten();
    let Some((name, value)) = members.find(|(name, it)| *name != own && before[*name] != **it)
    else {
        return unjudged("the server changes nothing that was not asked for");
    };
    let shown = &answer.is(&[200])?.data()["attributes"][name];
    answer.must(shown == value, &format!("{name} {value}"), shown)
}

fn an_update_succeeds(run: &mut Run<'_>) -> Verdict {
    let created = run.create()?;
    let answer = rename(run, &created)?;
    answer.has_body_unless_204()
}

fn http_is_followed(run: &mut Run<'_>) -> Verdict {
    let created = run.create()?;
    let attributes = json!(run.main().create);
    let body = change(run, &created.id, "attributes", &attributes);
    let put = Request::new(Method::PUT, &created.path).json(&body);
    let answer = run.send(&put)?;
    if !answer.is_success() {
        allows(&answer)?;
        answer.is_refused()?;
    }
    if run.get(&created.path)?.header("etag").is_none() {
        return Ok(());
    }
    let body = change(
        run,
        &created.id,
        "attributes",
        &json!({attribute(run)?: CHANGED}),
    );
    let request = Request::patch(&created.path, &body).header("if-match", "\"another\"");
    run.send(&request)?.is(&[412])?;
    Ok(())
}

fn objects_are_replaced_whole(run: &mut Run<'_>) -> Verdict {
    run.may_write()?;
    let given = run.main().create.iter().flatten();
    let mut objects = given.filter_map(|(name, value)| Some((name, value.as_object()?)));
    let Some((name, object)) = objects.find(|(_, object)| object.len() > 1) else {
        return unjudged("no attribute in the world's `create` is an object of two members");
    };
    let created = run.create()?;
    let part: serde_json::Map<_, _> = object.clone().into_iter().take(1).collect();
    let body = change(run, &created.id, "attributes", &json!({name: part}));
    run.send(&Request::patch(&created.path, &body))?
        .is(&[200, 204])?;
    let answer = run.get(&created.path)?;
    let found = &answer.data()["attributes"][name];
    answer.must(*found == json!(part), &json!(part).to_string(), found)
}
