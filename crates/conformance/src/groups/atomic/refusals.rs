//! Operations that are refused. None of them may do anything.

use http::Method;
use serde_json::{Value, json};

use super::{change, created, reference, resource};
use crate::exchange::{Answer, Request};
use crate::groups::fetching::allows;
use crate::media_type::{ATOMIC, with};
use crate::run::Run;
use crate::verdict::{Miss, Verdict, unjudged};

/// How many operations are too many for everybody.
const TOO_MANY: usize = 20_000;

/// Sends documents that must be a 400.
fn are_400(run: &mut Run<'_>, documents: &[Value]) -> Verdict {
    for document in documents {
        run.operate_with(document)?.is(&[400])?;
    }
    Ok(())
}

fn operations(operations: &[Value]) -> Vec<Value> {
    let each = operations
        .iter()
        .map(|operation| json!({"atomic:operations": [operation]}));
    each.collect()
}

pub(super) fn data_beside_operations(run: &mut Run<'_>) -> Verdict {
    let data = resource(run)?;
    let add = json!([{"op": "add", "data": data}]);
    let with = |member: &str| json!({"atomic:operations": add, member: []});
    are_400(run, &[with("data"), with("included")])
}

pub(super) fn results_beside_operations(run: &mut Run<'_>) -> Verdict {
    let data = resource(run)?;
    let add = json!([{"op": "add", "data": data}]);
    are_400(
        run,
        &[json!({"atomic:operations": add, "atomic:results": [{}]})],
    )
}

/// A removal of what is not there.
fn failing(run: &mut Run<'_>) -> Result<Value, Miss> {
    let absent = run.absent_identifier(&run.world.main)?;
    Ok(json!({"op": "remove", "ref": absent}))
}

pub(super) fn a_failure_has_errors_only(run: &mut Run<'_>) -> Verdict {
    let failing = failing(run)?;
    let answer = run.operate(&json!([failing]))?;
    let errors = &answer.is_refused()?.document["errors"];
    answer.must(errors.is_array(), "errors", errors)?;
    let results = &answer.document["atomic:results"];
    answer.must(results.is_null(), "no results", results)
}

pub(super) fn no_operations(run: &mut Run<'_>) -> Verdict {
    let none = json!({"atomic:operations": []});
    let object = json!({"atomic:operations": {"op": "add"}});
    are_400(run, &[none, object, json!({"meta": {}}), json!({})])
}

pub(super) fn an_unknown_op(run: &mut Run<'_>) -> Verdict {
    let data = resource(run)?;
    let with = |op: Value| json!({"op": op, "data": data});
    let missing = json!({"data": data});
    let all = [
        with(json!("ADD")),
        with(json!("patch")),
        with(json!(5)),
        missing,
    ];
    are_400(run, &operations(&all))
}

pub(super) fn ref_and_href(run: &mut Run<'_>) -> Verdict {
    let created = created(run)?;
    let own = reference(run, &created);
    let both = json!({"op": "remove", "ref": own, "href": created.path});
    are_400(run, &operations(&[both]))?;
    run.get(&created.path)?.is(&[200])?;
    Ok(())
}

pub(super) fn an_incomplete_ref(run: &mut Run<'_>) -> Verdict {
    let created = created(run)?;
    let (kind, id) = (&run.world.main, &created.id);
    let with = |reference: Value| json!({"op": "remove", "ref": reference});
    let all = [
        with(json!({"type": kind})),
        with(json!({"id": id})),
        with(json!({"type": kind, "id": id, "lid": "a"})),
        with(json!("x")),
        with(json!({})),
    ];
    are_400(run, &operations(&all))?;
    run.get(&created.path)?.is(&[200])?;
    Ok(())
}

pub(super) fn other_methods(run: &mut Run<'_>) -> Verdict {
    let path = run.operations()?;
    for method in [Method::GET, Method::PATCH, Method::DELETE] {
        let request = Request::new(method, &path).accept(with("ext", ATOMIC));
        allows(run.send(&request)?.is(&[405])?)?;
    }
    Ok(())
}

/// An operation that is fine, and behind it one that fails.
fn second_fails(run: &mut Run<'_>) -> Result<Answer, Miss> {
    let data = resource(run)?;
    let first = json!({"op": "add", "data": data});
    let second = failing(run)?;
    run.operate(&json!([first, second]))
}

pub(super) fn pointers_lead_to_the_operation(run: &mut Run<'_>) -> Verdict {
    let answer = second_fails(run)?;
    let pointer = &answer.is_refused()?.document["errors"][0]["source"]["pointer"];
    let leads = pointer
        .as_str()
        .is_some_and(|it| it.starts_with("/atomic:operations/1"));
    answer.must(leads, "source.pointer /atomic:operations/1…", pointer)
}

/// Operations of which something is missing or of a wrong kind.
fn malformed(run: &mut Run<'_>) -> Result<Vec<Value>, Miss> {
    let created = created(run)?;
    let own = reference(run, &created);
    let update = change(run, &created, "changed")?;
    Ok(operations(&[
        json!("add"),
        json!({}),
        json!({"op": "add"}),
        json!({"op": "add", "data": "x"}),
        json!({"op": "remove"}),
        json!({"op": "remove", "ref": "x"}),
        json!({"op": "update", "ref": own}),
        json!({"op": ["update"], "data": update}),
        json!({"op": "remove", "href": 5}),
    ]))
}

pub(super) fn malformed_operations(run: &mut Run<'_>) -> Verdict {
    let documents = malformed(run)?;
    are_400(run, &documents)
}

pub(super) fn malformed_operations_are_pointed_to(run: &mut Run<'_>) -> Verdict {
    for document in malformed(run)? {
        let answer = run.operate_with(&document)?;
        let pointer = &answer.document["errors"][0]["source"]["pointer"];
        let leads = pointer
            .as_str()
            .is_some_and(|it| it.starts_with("/atomic:operations/0"));
        answer.must(leads, "source.pointer /atomic:operations/0…", pointer)?;
    }
    Ok(())
}

pub(super) fn what_cannot_be_done(run: &mut Run<'_>) -> Verdict {
    let failing = failing(run)?;
    run.operate(&json!([failing]))?.is(&[400, 404, 422])?;
    let mut absent = run.absent_identifier(&run.world.main)?;
    absent["attributes"] = json!({});
    run.operate(&json!([{"op": "update", "data": absent}]))?
        .is(&[400, 404, 422])?;
    let mut unknown = resource(run)?;
    unknown["type"] = json!("unknownType");
    run.operate(&json!([{"op": "add", "data": unknown}]))?
        .is_refused()?;
    Ok(())
}

pub(super) fn an_addition_without_data(run: &mut Run<'_>) -> Verdict {
    let mut untyped = resource(run)?;
    untyped.as_object_mut().map(|data| data.remove("type"));
    let all = [
        json!({"op": "add"}),
        json!({"op": "add", "data": null}),
        json!({"op": "add", "data": untyped}),
    ];
    are_400(run, &operations(&all))
}

/// Changes of one resource to the same value, which do no harm where they are done.
pub(super) fn too_many_operations(run: &mut Run<'_>) -> Verdict {
    let created = created(run)?;
    let update = json!({"op": "update", "data": change(run, &created, "changed")?});
    let answer = run.operate(&Value::from(vec![update; TOO_MANY]))?;
    if answer.is_success() {
        return unjudged(format!("the server does {TOO_MANY} operations"));
    }
    answer.is(&[400, 413]).map(|_| ())
}
