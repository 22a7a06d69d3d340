//! Operations that are done, and what their results show.

use serde_json::{Value, json};

use super::{attribute, change, created, done, must_be, reference, resource};
use crate::exchange::{Answer, Request, key};
use crate::groups::creating::whole;
use crate::groups::updating::{linkage, same_linkage};
use crate::run::Run;
use crate::verdict::{Verdict, unjudged};

fn results(answer: &Answer) -> &[Value] {
    let results = answer.document["atomic:results"].as_array();
    results.map_or(&[], Vec::as_slice)
}

pub(super) fn href_leads_to_the_target(run: &mut Run<'_>) -> Verdict {
    let data = resource(run)?;
    done(
        run,
        &json!([{"op": "add", "href": run.collection(), "data": data}]),
    )?
    .is(&[200])?;
    let created = created(run)?;
    let data = change(run, &created, "by href")?;
    done(
        run,
        &json!([{"op": "update", "href": created.path, "data": data}]),
    )?;
    must_be(run, &created, "by href")?;
    if let Some(relationship) = run.main().writable(true) {
        let path = format!("{}/relationships/{}", created.path, relationship.name);
        let members = run.identifiers(&relationship.target, 1)?;
        done(run, &json!([{"op": "add", "href": path, "data": members}]))?;
        let answer = linkage(run, &created, &relationship.name)?;
        let same = same_linkage(answer.data(), &json!(members));
        answer.must(same, &json!(members).to_string(), answer.data())?;
    }
    done(run, &json!([{"op": "remove", "href": created.path}]))?;
    run.get(&created.path)?.is(&[404, 410])?;
    let unknown = json!([{"op": "remove", "href": "/no/such/place/at/all"}]);
    run.operate(&unknown)?.is(&[400, 404])?;
    Ok(())
}

pub(super) fn operations_are_done_in_order(run: &mut Run<'_>) -> Verdict {
    let created = created(run)?;
    let (first, second) = (
        change(run, &created, "first")?,
        change(run, &created, "second")?,
    );
    let operations = [first.clone(), second, first];
    let updates = operations.map(|data| json!({"op": "update", "data": data}));
    done(run, &json!(updates))?;
    must_be(run, &created, "first")?;
    let remove = json!({"op": "remove", "ref": reference(run, &created)});
    done(run, &json!([updates[1], remove]))?;
    run.get(&created.path)?.is(&[404, 410])?;
    // The other way round the update comes too late.
    let created = super::created(run)?;
    let remove = json!({"op": "remove", "ref": reference(run, &created)});
    let update = json!({"op": "update", "data": change(run, &created, "late")?});
    run.operate(&json!([remove, update]))?.is_refused()?;
    Ok(())
}

pub(super) fn all_or_none(run: &mut Run<'_>) -> Verdict {
    let created = created(run)?;
    let data = resource(run)?;
    let before = whole(run)?;
    let value = created.resource["attributes"][attribute(run)?].clone();
    let absent = run.absent_identifier(&run.world.main)?;
    let operations = json!([
        {"op": "add", "data": data},
        {"op": "update", "data": change(run, &created, "changed")?},
        {"op": "remove", "ref": absent},
    ]);
    run.operate(&operations)?.is_refused()?;
    let after = whole(run)?;
    let answer = run.get(&created.path)?;
    answer.must(before == after, "nothing created", &json!(after.len()))?;
    let found = &answer.data()["attributes"][attribute(run)?];
    answer.must(*found == value, "nothing changed", found)
}

pub(super) fn results_stand_at_their_places(run: &mut Run<'_>) -> Verdict {
    let created = created(run)?;
    let data = resource(run)?;
    let operations = json!([
        {"op": "update", "data": change(run, &created, "changed")?},
        {"op": "add", "data": data},
        {"op": "remove", "ref": reference(run, &created)},
    ]);
    let answer = done(run, &operations)?;
    let results = results(answer.is(&[200])?);
    let all = results.len() == 3 && results.iter().all(Value::is_object);
    answer.must(all, "three results", &answer.document["atomic:results"])?;
    let second = &results[1]["data"];
    let fits = second["id"].is_string() && key(second).1 != created.id;
    answer.must(fits, "the new resource in the second result", second)?;
    answer.must(
        results[2]["data"].is_null(),
        "no data in the third",
        &results[2],
    )
}

pub(super) fn nothing_to_show(run: &mut Run<'_>) -> Verdict {
    let created = created(run)?;
    let remove = json!([{"op": "remove", "ref": reference(run, &created)}]);
    let answer = done(run, &remove)?;
    answer.has_body_unless_204()?;
    if answer.status == 204 {
        return Ok(());
    }
    let fits = results(&answer).len() == 1 && results(&answer)[0].get("data").is_none();
    answer.must(fits, "one result without data", &answer.document)
}

pub(super) fn an_addition_shows_the_resource(run: &mut Run<'_>) -> Verdict {
    let data = resource(run)?;
    let answer = done(run, &json!([{"op": "add", "data": data}]))?;
    let shown = &answer.is(&[200])?.document["atomic:results"][0]["data"];
    let same = data["attributes"].as_object().into_iter().flatten();
    let mut same = same.filter(|(name, value)| shown["attributes"][*name] != **value);
    let fits = shown["id"].is_string() && same.next().is_none();
    answer.must(fits, "the created resource", shown)?;
    run.get(&run.path_of(shown))?.is(&[200])?;
    Ok(())
}

pub(super) fn an_update_names_its_target(run: &mut Run<'_>) -> Verdict {
    let created = created(run)?;
    let by_data = change(run, &created, "by data")?;
    done(run, &json!([{"op": "update", "data": by_data}]))?;
    must_be(run, &created, "by data")?;
    let (own, by_ref) = (reference(run, &created), change(run, &created, "by ref")?);
    done(run, &json!([{"op": "update", "ref": own, "data": by_ref}]))?;
    must_be(run, &created, "by ref")?;
    let other = super::created(run)?;
    let conflict = json!([{"op": "update", "ref": reference(run, &other), "data": by_ref}]);
    run.operate(&conflict)?.is(&[400, 409, 422])?;
    Ok(())
}

pub(super) fn changes_by_the_server_are_shown(run: &mut Run<'_>) -> Verdict {
    let created = created(run)?;
    let before = run.get(&created.path)?.data()["attributes"].clone();
    let data = change(run, &created, "changed")?;
    let answer = done(run, &json!([{"op": "update", "data": data}]))?;
    let after = run.get(&created.path)?.data()["attributes"].clone();
    let own = attribute(run)?;
    let mut members = after.as_object().into_iter().flatten();
    if !members.any(|(name, value)| name != own && before[name] != *value) {
        return unjudged("the server changes nothing that was not asked for");
    }
    let shown = &answer.is(&[200])?.document["atomic:results"][0]["data"];
    answer.must(shown["attributes"] == after, "the resource", shown)
}

pub(super) fn a_removal_names_its_target(run: &mut Run<'_>) -> Verdict {
    run.operate(&json!([{"op": "remove"}]))?.is(&[400])?;
    let created = created(run)?;
    let remove = json!([{"op": "remove", "ref": reference(run, &created)}]);
    let answer = done(run, &remove)?;
    let data = results(&answer).first().and_then(|it| it.get("data"));
    let none = data.is_none_or(Value::is_null);
    answer.must(none, "a result without data", &json!(data))?;
    run.get(&created.path)?.is(&[404, 410])?;
    Ok(())
}

pub(super) fn a_to_one_is_set_and_cleared(run: &mut Run<'_>) -> Verdict {
    run.operations()?;
    let Some(relationship) = run.main().writable(false) else {
        return unjudged("the world names no to-one relationship that can be changed");
    };
    let created = created(run)?;
    let mut own = reference(run, &created);
    own["relationship"] = json!(relationship.name);
    let one = run.identifiers(&relationship.target, 1)?.swap_remove(0);
    let wanted = if run.main().requires.contains(&relationship.name) {
        vec![one.clone()]
    } else {
        vec![one.clone(), Value::Null]
    };
    for data in wanted {
        let answer = done(run, &json!([{"op": "update", "ref": own, "data": data}]))?;
        let shown = results(&answer).first().and_then(|it| it.get("data"));
        answer.must(shown.is_none(), "a result without data", &json!(shown))?;
        let answer = linkage(run, &created, &relationship.name)?;
        answer.must(
            same_linkage(answer.data(), &data),
            &data.to_string(),
            answer.data(),
        )?;
    }
    let add = json!([{"op": "add", "ref": own, "data": [one]}]);
    run.operate(&add)?.is(&[400, 403, 405, 422])?;
    Ok(())
}

pub(super) fn a_to_many_is_changed(run: &mut Run<'_>) -> Verdict {
    run.operations()?;
    let Some(relationship) = run.main().writable(true) else {
        return unjudged("the world names no to-many relationship that can be changed");
    };
    let all = run.identifiers(&relationship.target, 2)?;
    let created = created(run)?;
    let mut own = reference(run, &created);
    own["relationship"] = json!(relationship.name);
    let steps = [
        ("add", json!([all[0]]), json!([all[0]])),
        ("add", json!([all[0], all[1]]), json!(all)),
        ("remove", json!([all[0]]), json!([all[1]])),
        ("remove", json!([all[0]]), json!([all[1]])),
        ("update", json!([all[0]]), json!([all[0]])),
        ("update", json!([]), json!([])),
    ];
    for (op, data, expected) in steps {
        done(run, &json!([{"op": op, "ref": own, "data": data}]))?;
        let answer = linkage(run, &created, &relationship.name)?;
        let same = same_linkage(answer.data(), &expected);
        answer.must(same, &format!("{expected} after {op}"), answer.data())?;
    }
    // The resource itself is still there.
    run.send(&Request::get(&created.path))?.is(&[200])?;
    Ok(())
}
