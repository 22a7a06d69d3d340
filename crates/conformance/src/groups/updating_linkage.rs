//! UR: updating relationships.

mod place;

use http::Method;
use serde_json::{Value, json};

use super::Checks;
use super::deleting::unfinished;
use super::updating::{linkage, same_linkage};
use crate::exchange::{Request, key};
use crate::run::Run;
use crate::verdict::{Verdict, unjudged};
use place::Place;

pub(super) const CHECKS: Checks = &[
    ("UR-1", a_to_one_takes_an_identifier_or_null),
    ("UR-2", a_to_one_is_set_and_cleared),
    ("UR-3", a_to_many_takes_an_array),
    ("UR-4", a_to_many_is_replaced_whole),
    ("UR-5", members_are_added),
    ("UR-6", no_member_is_doubled),
    ("UR-7", members_that_are_there_are_no_failure),
    ("UR-8", members_are_removed),
    ("UR-9", members_that_are_not_there_are_no_failure),
    ("UR-10", other_changes_are_shown),
    ("UR-11", a_change_succeeds),
    ("UR-12", unfinished_is_accepted),
    ("UR-13", what_is_not_supported_is_a_403),
    ("UR-14", a_wrong_type_is_a_409),
    ("UR-15", a_missing_resource_is_a_404),
    ("UR-16", concurrent_additions_lose_nothing),
];

fn a_to_one_takes_an_identifier_or_null(run: &mut Run<'_>) -> Verdict {
    let place = Place::of(run, false)?;
    let one = run.identifiers(&place.target, 1)?.swap_remove(0);
    place.done(run, Method::PATCH, &one)?;
    run.send(&Request::patch(&place.path, &json!({})))?
        .is(&[400, 422])?;
    for data in [
        json!([one]),
        json!("x"),
        json!(5),
        json!({"type": place.target}),
    ] {
        place
            .send(run, Method::PATCH, &data)?
            .is(&[400, 409, 422])?;
    }
    place.must_be(run, &one)
}

fn a_to_one_is_set_and_cleared(run: &mut Run<'_>) -> Verdict {
    let place = Place::of(run, false)?;
    let one = run.identifiers(&place.target, 1)?.swap_remove(0);
    place.done(run, Method::PATCH, &one)?;
    place.must_be(run, &one)?;
    if run.main().requires.contains(&place.name) {
        return Ok(());
    }
    place.done(run, Method::PATCH, &Value::Null)?;
    place.must_be(run, &Value::Null)
}

fn a_to_many_takes_an_array(run: &mut Run<'_>) -> Verdict {
    let place = Place::of(run, true)?;
    let one = run.identifiers(&place.target, 1)?.swap_remove(0);
    for method in [Method::PATCH, Method::POST, Method::DELETE] {
        for data in [one.clone(), Value::Null, json!("x"), json!(["x"])] {
            place
                .send(run, method.clone(), &data)?
                .is(&[400, 409, 422])?;
        }
        let request = Request::new(method, &place.path).json(&json!({}));
        run.send(&request)?.is(&[400, 422])?;
    }
    place.done(run, Method::POST, &json!([]))?;
    place.must_be(run, &json!([]))
}

fn a_to_many_is_replaced_whole(run: &mut Run<'_>) -> Verdict {
    let place = Place::of(run, true)?;
    let all = run.identifiers(&place.target, 2)?;
    let answer = place.send(run, Method::PATCH, &json!(all))?;
    if answer.status == 403 {
        return place.must_be(run, &json!([]));
    }
    answer.is(&[200, 204])?;
    place.must_be(run, &json!(all))?;
    place.done(run, Method::PATCH, &json!([all[1]]))?;
    place.must_be(run, &json!([all[1]]))?;
    let absent = run.absent_identifier(&place.target)?;
    let answer = place.send(run, Method::PATCH, &json!([all[0], absent]))?;
    answer.is_refused()?;
    place.must_be(run, &json!([all[1]]))?;
    place.done(run, Method::PATCH, &json!([]))?;
    place.must_be(run, &json!([]))
}

fn members_are_added(run: &mut Run<'_>) -> Verdict {
    let place = Place::of(run, true)?;
    let all = run.identifiers(&place.target, 2)?;
    for one in &all {
        place.done(run, Method::POST, &json!([one]))?;
    }
    place.must_be(run, &json!(all))
}

fn no_member_is_doubled(run: &mut Run<'_>) -> Verdict {
    let place = Place::of(run, true)?;
    let one = run.identifiers(&place.target, 1)?.swap_remove(0);
    place.done(run, Method::POST, &json!([one]))?;
    place.send(run, Method::POST, &json!([one]))?;
    place.send(run, Method::POST, &json!([one, one]))?;
    place.must_be(run, &json!([one]))
}

fn members_that_are_there_are_no_failure(run: &mut Run<'_>) -> Verdict {
    let place = Place::of(run, true)?;
    let one = json!(run.identifiers(&place.target, 1)?);
    place.done(run, Method::POST, &one)?;
    place.done(run, Method::POST, &one)?;
    place.must_be(run, &one)
}

fn members_are_removed(run: &mut Run<'_>) -> Verdict {
    let place = Place::of(run, true)?;
    let all = run.identifiers(&place.target, 2)?;
    place.done(run, Method::POST, &json!(all))?;
    let answer = place.send(run, Method::DELETE, &json!([all[0]]))?;
    if answer.status == 403 {
        return place.must_be(run, &json!(all));
    }
    answer.is(&[200, 204])?;
    place.must_be(run, &json!([all[1]]))
}

fn members_that_are_not_there_are_no_failure(run: &mut Run<'_>) -> Verdict {
    let place = Place::of(run, true)?;
    let all = run.identifiers(&place.target, 2)?;
    place.done(run, Method::POST, &json!([all[0]]))?;
    let answer = place.send(run, Method::DELETE, &json!([all[1]]))?;
    if answer.status == 403 {
        return unjudged("the server removes no members");
    }
    answer.is(&[200, 204])?;
    place.must_be(run, &json!([all[0]]))
}

fn other_changes_are_shown(_: &mut Run<'_>) -> Verdict {
    unjudged("the runner knows no change to a relationship that has effects of its own")
}

/// A 200 may show the linkage; then it is the one that was asked for.
fn a_change_succeeds(run: &mut Run<'_>) -> Verdict {
    let place = Place::of(run, true)?;
    let all = json!(run.identifiers(&place.target, 1)?);
    let answer = place.done(run, Method::POST, &all)?;
    answer.has_body_unless_204()?;
    let data = answer.document.get("data");
    let fits = data.is_none_or(|data| same_linkage(data, &all));
    answer.must(fits, &all.to_string(), &json!(data))
}

fn unfinished_is_accepted(run: &mut Run<'_>) -> Verdict {
    let place = Place::of(run, true)?;
    let answer = place.send(run, Method::POST, &json!([]))?;
    unfinished(&answer)
}

/// A relationship that is read only, and adding to a to-one.
fn what_is_not_supported_is_a_403(run: &mut Run<'_>) -> Verdict {
    run.may_write()?;
    let kind = run.main();
    let mut names = kind
        .read_only
        .iter()
        .filter_map(|name| kind.relationship(name));
    let read_only = names.next();
    if let Some(relationship) = read_only {
        let created = run.create()?;
        let path = run.relationship_path(&created.resource, &relationship.name);
        let mut identifiers = run.identifiers(&relationship.target, 1)?;
        let data = if relationship.many {
            json!(identifiers)
        } else {
            identifiers.swap_remove(0)
        };
        run.send(&Request::patch(path, &json!({"data": data})))?
            .is(&[403])?;
    }
    let to_one = Place::of(run, false);
    if read_only.is_none() {
        to_one.as_ref().map_err(Clone::clone)?;
    }
    if let Ok(place) = to_one {
        let all = json!(run.identifiers(&place.target, 1)?);
        place.send(run, Method::POST, &all)?.is(&[403, 405])?;
        place.send(run, Method::DELETE, &all)?.is(&[403, 405])?;
    }
    Ok(())
}

fn a_wrong_type_is_a_409(run: &mut Run<'_>) -> Verdict {
    for many in [false, true] {
        let place = match Place::of(run, many) {
            Ok(place) => place,
            Err(_) if many => continue,
            Err(miss) => return Err(miss),
        };
        let wrong = json!({"type": run.world.main, "id": place.created.id});
        let data = if many { json!([wrong]) } else { wrong };
        if place.target != run.world.main {
            place.send(run, Method::PATCH, &data)?.is(&[409])?;
        }
    }
    Ok(())
}

fn a_missing_resource_is_a_404(run: &mut Run<'_>) -> Verdict {
    run.may_write()?;
    let Some(relationship) = run.main().writable(false) else {
        return unjudged("the world names no to-one relationship that can be changed");
    };
    let one = run.identifiers(&relationship.target, 1)?.swap_remove(0);
    let path = format!("{}/relationships/{}", run.absent()?, relationship.name);
    run.send(&Request::patch(path, &json!({"data": one})))?
        .is(&[404])?;
    Ok(())
}

fn concurrent_additions_lose_nothing(run: &mut Run<'_>) -> Verdict {
    let place = Place::of(run, true)?;
    let count = run.ids(&place.target)?.len().min(8);
    if count < 2 {
        return unjudged(format!("the server has fewer than two {}", place.target));
    }
    let all = run.identifiers(&place.target, count)?;
    let requests: Vec<Request> = all
        .iter()
        .map(|one| Request::post(&place.path, &json!({"data": [one]})))
        .collect();
    let answers = run.send_together(&requests)?;
    let added = all
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.is_success());
    let added: Vec<&Value> = added.map(|(one, _)| one).collect();
    let last = linkage(run, &place.created, &place.name)?;
    let there = |one: &&Value| last.items().iter().any(|it| key(it) == key(one));
    let fits = added.iter().all(there) && added.len() == last.items().len();
    last.must(
        fits && !added.is_empty(),
        &json!(added).to_string(),
        last.data(),
    )
}
