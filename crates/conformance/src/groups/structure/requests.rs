//! What the structure of documents means for requests.

use http::Method;
use serde_json::{Value, json};

use crate::exchange::{Answer, Request, href};
use crate::run::Run;
use crate::verdict::{Miss, Verdict, unjudged};

/// How deep the document is that no server needs to read.
const DEPTH: usize = 50_000;

/// Posts a body to the main collection.
fn post(run: &mut Run<'_>, body: &Value) -> Result<Answer, Miss> {
    run.send(&Request::post(run.collection(), body))
}

/// A draft with a member set, by the name of the member in `data`.
fn draft_with(run: &mut Run<'_>, member: &str, value: Value) -> Result<Value, Miss> {
    let mut draft = run.draft()?;
    draft["data"][member] = value;
    Ok(draft)
}

pub(super) fn the_root_is_an_object(run: &mut Run<'_>) -> Verdict {
    run.may_write()?;
    for body in [json!([]), json!("x"), json!(null), json!(5)] {
        post(run, &body)?.is_refused()?;
    }
    Ok(())
}

pub(super) fn a_document_has_something(run: &mut Run<'_>) -> Verdict {
    run.may_write()?;
    post(run, &json!({}))?.is_refused()?;
    Ok(())
}

pub(super) fn unknown_members_are_ignored(run: &mut Run<'_>) -> Verdict {
    let mut draft = draft_with(run, "unknownMember", json!("x"))?;
    draft["unknownMember"] = json!({"a": 1});
    let answer = post(run, &draft)?;
    answer.is(&[201])?;
    let stored = answer
        .data()
        .get("unknownMember")
        .or(answer.data()["attributes"].get("unknownMember"));
    answer.must(stored.is_none(), "no member unknownMember", &json!(stored))?;
    if let Some(relationship) = run.main().writable(false) {
        let mut draft = run.draft()?;
        let identifier = run.identifiers(&relationship.target, 1)?.swap_remove(0);
        draft["data"]["relationships"][&relationship.name] =
            json!({"data": identifier, "unknownMember": 1});
        post(run, &draft)?.is(&[201])?;
    }
    Ok(())
}

pub(super) fn ids_and_types_are_strings(run: &mut Run<'_>) -> Verdict {
    for (member, value) in [("type", json!(5)), ("id", json!(1))] {
        let draft = draft_with(run, member, value)?;
        post(run, &draft)?.is_refused()?;
    }
    Ok(())
}

pub(super) fn no_attribute_is_called_type_or_id(run: &mut Run<'_>) -> Verdict {
    for name in ["id", "type"] {
        let mut draft = run.draft()?;
        draft["data"]["attributes"][name] = json!("x");
        let answer = post(run, &draft)?;
        if answer.is_refused().is_ok() {
            continue;
        }
        let answer = run.get(&run.path_of(answer.is(&[201])?.data()))?;
        let stored = &answer.data()["attributes"][name];
        answer.must(stored.is_null(), &format!("no attribute {name}"), stored)?;
    }
    Ok(())
}

pub(super) fn attributes_are_an_object(run: &mut Run<'_>) -> Verdict {
    for value in [json!([]), json!("x")] {
        let draft = draft_with(run, "attributes", value)?;
        post(run, &draft)?.is_refused()?;
    }
    Ok(())
}

pub(super) fn relationships_are_an_object_of_objects(run: &mut Run<'_>) -> Verdict {
    let draft = draft_with(run, "relationships", json!([]))?;
    post(run, &draft)?.is_refused()?;
    if let Some(relationship) = run.main().writable(false) {
        for value in [json!("9"), json!([]), json!({"data": "9"})] {
            let relationships = json!({&relationship.name: value});
            let draft = draft_with(run, "relationships", relationships)?;
            post(run, &draft)?.is_refused()?;
        }
    }
    Ok(())
}

pub(super) fn the_related_link_stays_the_same(run: &mut Run<'_>) -> Verdict {
    run.may_write()?;
    let Some(relationship) = run.main().writable(false) else {
        return unjudged("the world names no to-one relationship that can be changed");
    };
    let identifiers = run.identifiers(&relationship.target, 2)?;
    let created = run.create()?;
    let mut links = Vec::new();
    for identifier in identifiers {
        let body = json!({"data": {"type": run.world.main, "id": created.id,
            "relationships": {&relationship.name: {"data": identifier}}}});
        if !run
            .send(&Request::patch(&created.path, &body))?
            .is_success()
        {
            return unjudged("the relationship could not be changed");
        }
        let answer = run.get(&created.path)?;
        let link = &answer.data()["relationships"][&relationship.name]["links"]["related"];
        links.push((href(link), answer));
    }
    if links[0].0.is_none() {
        return unjudged("the relationship has no related link");
    }
    let expected = format!("the related link {:?}", links[0].0);
    links[1]
        .1
        .must(links[0].0 == links[1].0, &expected, &json!(links[1].0))
}

pub(super) fn identifiers_need_an_id(run: &mut Run<'_>) -> Verdict {
    run.may_write()?;
    for many in [false, true] {
        let Some(relationship) = run.main().writable(many) else {
            continue;
        };
        let identifier = json!({"type": relationship.target});
        let linkage = if many {
            json!([identifier])
        } else {
            identifier
        };
        let relationships = json!({&relationship.name: {"data": linkage}});
        let draft = draft_with(run, "relationships", relationships)?;
        post(run, &draft)?.is_refused()?;
    }
    match run.main().writable(false).or(run.main().writable(true)) {
        Some(_) => Ok(()),
        None => unjudged("the world names no relationship that can be changed"),
    }
}

/// Only a document with several new resources can mention one twice.
pub(super) fn a_lid_means_one_resource(run: &mut Run<'_>) -> Verdict {
    super::super::atomic::lids::a_lid_is_that_resource(run)
}

pub(super) fn at_members_are_ignored(run: &mut Run<'_>) -> Verdict {
    let mut draft = run.draft()?;
    for place in ["", "/data", "/data/attributes"] {
        if let Some(object) = draft.pointer_mut(place).and_then(Value::as_object_mut) {
            object.insert("@context".to_owned(), json!("x"));
        }
    }
    draft["data"]["relationships"]["@context"] = json!({"data": null});
    let answer = post(run, &draft)?;
    let stored = &answer.is(&[201])?.data()["attributes"]["@context"];
    answer.must(stored.is_null(), "no attribute @context", stored)
}

pub(super) fn unreadable_bodies_are_refused(run: &mut Run<'_>) -> Verdict {
    let draft = run.draft()?.to_string();
    let type_twice = draft.replacen("\"type\":", "\"type\":\"x\",\"type\":", 1);
    let not_utf8 = [
        br#"{"data":{"type":"x","attributes":{"a":""#.as_slice(),
        b"\xff\xfe\"}}}",
    ]
    .concat();
    let deep = format!("{{\"data\":{}", "[".repeat(DEPTH));
    let bodies = [
        b"{\"data\":".to_vec(),
        type_twice.into_bytes(),
        not_utf8,
        deep.into_bytes(),
    ];
    for body in bodies {
        let request = Request::new(Method::POST, run.collection()).body(body);
        let request = request.content_type(crate::media_type::JSON_API);
        run.send(&request)?.is_refused()?;
    }
    Ok(())
}
