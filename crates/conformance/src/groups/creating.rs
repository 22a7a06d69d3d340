//! CR: creating resources.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use super::Checks;
use super::deleting::unfinished;
use super::fetching::allows;
use crate::exchange::{Answer, Request, href, key};
use crate::run::Run;
use crate::verdict::{Miss, Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("CR-1", a_creation_is_whole_or_nothing),
    ("CR-2", the_body_has_one_resource),
    ("CR-3", a_type_is_demanded),
    ("CR-4", relationships_need_data),
    ("CR-5", ids_have_the_form_that_is_asked_for),
    ("CR-6", ids_of_clients_are_refused),
    ("CR-7", a_created_resource_is_shown),
    ("CR-8", the_answer_has_a_location),
    ("CR-9", the_location_is_the_self_link),
    ("CR-10", an_id_of_a_client_is_kept),
    ("CR-11", unfinished_is_accepted),
    ("CR-12", a_missing_related_resource_is_a_404),
    ("CR-13", an_id_that_is_taken_is_a_409),
    ("CR-14", another_type_is_a_409),
    ("CR-15", a_409_says_what_is_in_conflict),
    ("CR-16", a_resource_is_no_place_for_post),
    ("CR-17", types_that_are_not_created_say_so),
];

fn post(run: &mut Run<'_>, body: &Value) -> Result<Answer, Miss> {
    run.send(&Request::post(run.collection(), body))
}

/// A draft with a to-one that leads to a resource that is not there.
pub(super) fn dangling(run: &mut Run<'_>) -> Result<(Value, String), Miss> {
    let mut draft = run.draft()?;
    let Some(relationship) = run.main().writable(false) else {
        return unjudged("the world names no to-one relationship that can be changed");
    };
    let identifier = run.absent_identifier(&relationship.target)?;
    draft["data"]["relationships"][&relationship.name] = json!({"data": identifier});
    Ok((draft, relationship.name.clone()))
}

/// The ids of the whole main collection.
pub(super) fn whole(run: &mut Run<'_>) -> Result<BTreeSet<(String, String)>, Miss> {
    let pages = run.walk(Request::get(run.collection()))?;
    let items = pages.iter().flat_map(|page| page.items().iter().map(key));
    Ok(items.collect())
}

fn a_creation_is_whole_or_nothing(run: &mut Run<'_>) -> Verdict {
    let (draft, _) = dangling(run)?;
    let before = whole(run)?;
    let answer = post(run, &draft)?;
    let after = whole(run)?;
    let stored: Vec<_> = after.difference(&before).collect();
    answer
        .is_refused()?
        .must(stored.is_empty(), "nothing stored", &json!(stored))
}

fn the_body_has_one_resource(run: &mut Run<'_>) -> Verdict {
    let draft = run.draft()?;
    let both = json!([draft["data"], draft["data"]]);
    let bodies = [
        json!({"meta": {}}),
        json!({"data": null}),
        json!({"data": []}),
    ];
    for body in bodies.into_iter().chain([json!({"data": both})]) {
        post(run, &body)?.is(&[400, 422])?;
    }
    Ok(())
}

fn a_type_is_demanded(run: &mut Run<'_>) -> Verdict {
    let mut draft = run.draft()?;
    draft["data"]
        .as_object_mut()
        .map(|data| data.remove("type"));
    post(run, &draft)?.is(&[400, 409, 422])?;
    Ok(())
}

fn relationships_need_data(run: &mut Run<'_>) -> Verdict {
    let mut draft = run.draft()?;
    let Some(relationship) = run.main().writable(false).or(run.main().writable(true)) else {
        return unjudged("the world names no relationship that can be changed");
    };
    for value in [json!({}), json!({"links": {}}), json!({"meta": {"a": 1}})] {
        draft["data"]["relationships"][&relationship.name] = value;
        post(run, &draft)?.is(&[400, 422])?;
    }
    Ok(())
}

/// A draft with the id that the world gives clients.
fn with_id(run: &mut Run<'_>) -> Result<(Value, String), Miss> {
    let mut draft = run.draft()?;
    let Some(id) = run.main().client_id.clone() else {
        return unjudged("the world names no id that a client may give");
    };
    draft["data"]["id"] = json!(id);
    Ok((draft, id))
}

fn ids_have_the_form_that_is_asked_for(run: &mut Run<'_>) -> Verdict {
    let (mut draft, _) = with_id(run)?;
    draft["data"]["id"] = json!("no id / of ? this # form");
    let answer = post(run, &draft)?;
    if answer.is_success() {
        return unjudged("the server takes any text as an id");
    }
    answer.is_refused().map(|_| ())
}

fn ids_of_clients_are_refused(run: &mut Run<'_>) -> Verdict {
    let mut draft = run.draft()?;
    if run.main().client_id.is_some() {
        return unjudged("the world says that clients may give ids");
    }
    draft["data"]["id"] = json!(run.absent_id(&run.world.main)?);
    post(run, &draft)?.is(&[403])?;
    Ok(())
}

fn a_created_resource_is_shown(run: &mut Run<'_>) -> Verdict {
    let draft = run.draft()?;
    let answer = post(run, &draft)?;
    let data = answer.is(&[201])?.data();
    let shown = data["id"].is_string() && data["type"] == run.world.main.as_str();
    answer.must(shown, "the resource with its id", data)?;
    for (name, value) in draft["data"]["attributes"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let found = &data["attributes"][name];
        answer.must(found == value, &format!("{name} {value}"), found)?;
    }
    Ok(())
}

fn the_answer_has_a_location(run: &mut Run<'_>) -> Verdict {
    let draft = run.draft()?;
    let answer = post(run, &draft)?;
    let Some(location) = answer.is(&[201])?.header("location") else {
        return answer.must(false, "a header Location", &Value::Null);
    };
    let there = run.follow(&location)?;
    let same = key(there.is(&[200])?.data()) == key(answer.data());
    there.must(same, "the created resource", there.data())
}

fn the_location_is_the_self_link(run: &mut Run<'_>) -> Verdict {
    let draft = run.draft()?;
    let answer = post(run, &draft)?;
    let location = answer.is(&[201])?.header("location");
    let own = href(&answer.data()["links"]["self"]);
    let (Some(location), Some(own)) = (location, own) else {
        return unjudged("the answer has no Location or no data.links.self");
    };
    answer.must(
        location == own,
        &format!("Location {own}"),
        &json!(location),
    )
}

fn an_id_of_a_client_is_kept(run: &mut Run<'_>) -> Verdict {
    let (draft, id) = with_id(run)?;
    let answer = post(run, &draft)?;
    answer.is(&[201, 204])?.has_body_unless_204()?;
    let shown = &answer.data()["id"];
    answer.must(answer.status == 204 || *shown == id.as_str(), &id, shown)
}

fn unfinished_is_accepted(run: &mut Run<'_>) -> Verdict {
    let draft = run.draft()?;
    let answer = post(run, &draft)?;
    unfinished(&answer)
}

fn a_missing_related_resource_is_a_404(run: &mut Run<'_>) -> Verdict {
    let (draft, _) = dangling(run)?;
    post(run, &draft)?.is(&[404])?;
    Ok(())
}

fn an_id_that_is_taken_is_a_409(run: &mut Run<'_>) -> Verdict {
    let (draft, id) = with_id(run)?;
    post(run, &draft)?.is(&[201, 204])?;
    post(run, &draft)?.is(&[409])?;
    let path = run.path_to(&run.world.main, &id);
    run.send(&Request::delete(path))?;
    let request = Request::post(run.collection(), &draft);
    let answers = run.send_together(&[request.clone(), request])?;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    let fits = matches!(statuses[..], [201 | 204, 409]);
    answers[0].must(fits, "one 201 and one 409 of two at once", &json!(statuses))
}

/// A draft whose type does not belong to the collection.
fn of_another_type(run: &mut Run<'_>) -> Result<Value, Miss> {
    let mut draft = run.draft()?;
    let other = run.world.types.keys().find(|name| **name != run.world.main);
    draft["data"]["type"] = json!(other.map_or("unknownType", String::as_str));
    Ok(draft)
}

fn another_type_is_a_409(run: &mut Run<'_>) -> Verdict {
    let draft = of_another_type(run)?;
    post(run, &draft)?.is(&[409])?;
    Ok(())
}

/// Fails unless an error says in words and with a pointer what is in conflict.
pub(super) fn names_the_conflict(answer: &Answer) -> Verdict {
    let error = &answer.is(&[409])?.document["errors"][0];
    let says = error["detail"].is_string() && error["source"]["pointer"].is_string();
    answer.must(says, "detail and source.pointer", error)
}

fn a_409_says_what_is_in_conflict(run: &mut Run<'_>) -> Verdict {
    let draft = of_another_type(run)?;
    names_the_conflict(&post(run, &draft)?)
}

fn a_resource_is_no_place_for_post(run: &mut Run<'_>) -> Verdict {
    let created = run.create()?;
    let draft = run.draft()?;
    let request = Request::new(Method::POST, created.path).json(&draft);
    allows(run.send(&request)?.is(&[405])?)
}

fn types_that_are_not_created_say_so(_: &mut Run<'_>) -> Verdict {
    unjudged("the runner creates resources of the main type only")
}
