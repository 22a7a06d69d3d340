//! DE: deleting resources.

use http::Method;
use serde_json::{Value, json};

use super::Checks;
use super::fetching::allows;
use crate::exchange::{Answer, Request, key};
use crate::run::Run;
use crate::verdict::{Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("DE-1", a_deletion_succeeds),
    ("DE-2", unfinished_is_accepted),
    ("DE-3", a_missing_resource_is_a_404),
    ("DE-4", a_collection_is_not_deleted),
    ("DE-5", nothing_leads_to_a_deleted_resource),
];

fn a_deletion_succeeds(run: &mut Run<'_>) -> Verdict {
    let created = run.create()?;
    let answer = run.send(&Request::delete(&created.path))?;
    answer.is(&[200, 204])?.has_body_unless_204()?;
    let data = answer.document.get("data");
    answer.must(data.is_none(), "no primary data", &json!(data))?;
    run.get(&created.path)?.is(&[404, 410])?;
    Ok(())
}

fn unfinished_is_accepted(run: &mut Run<'_>) -> Verdict {
    let created = run.create()?;
    let answer = run.send(&Request::delete(&created.path))?;
    unfinished(&answer)
}

/// Only a server that was not done with a request can be judged by what it says then.
pub(super) fn unfinished(answer: &Answer) -> Verdict {
    if answer.status == 202 {
        return Ok(());
    }
    unjudged("the server does what it is asked at once")
}

fn a_missing_resource_is_a_404(run: &mut Run<'_>) -> Verdict {
    let created = run.create()?;
    run.send(&Request::delete(&created.path))?.is(&[200, 204])?;
    run.send(&Request::delete(&created.path))?.is(&[404])?;
    Ok(())
}

/// The request is sent only where the server says beforehand that it does not do it.
fn a_collection_is_not_deleted(run: &mut Run<'_>) -> Verdict {
    run.may_write()?;
    let path = run.collection();
    let options = run.send(&Request::new(Method::OPTIONS, &path))?;
    let allowed = options.header("allow").unwrap_or_default();
    if allowed.is_empty() || allowed.to_ascii_uppercase().contains("DELETE") {
        let reason =
            "OPTIONS does not say that DELETE is impossible, and trying could delete everything";
        return unjudged(reason);
    }
    allows(run.send(&Request::delete(path))?.is(&[405])?)
}

fn nothing_leads_to_a_deleted_resource(run: &mut Run<'_>) -> Verdict {
    run.may_write()?;
    let back = |target: &str| {
        let kind = run.world.types.get(target)?;
        let mut back = kind.relationships.iter();
        back.find(|it| it.many && it.target == run.world.main)
    };
    let mut to_one = run.main().relationships.iter().filter(|it| !it.many);
    let Some((relationship, back)) = to_one.find_map(|it| Some((it, back(&it.target)?))) else {
        return unjudged("the world names no to-one relationship with one that leads back");
    };
    let mut draft = run.draft()?;
    let one = run.identifiers(&relationship.target, 1)?.swap_remove(0);
    draft["data"]["relationships"][&relationship.name] = json!({"data": one});
    let created = run.create_from(&draft)?;
    let path = format!(
        "{}/relationships/{}",
        run.path_to(&key(&one).0, &key(&one).1),
        back.name
    );
    let leads = |page: &Value| {
        page.as_array()
            .is_some_and(|all| all.iter().any(|it| it["id"] == created.id.as_str()))
    };
    let before = run.walk(Request::get(&path))?;
    if !before.iter().any(|page| leads(page.data())) {
        return unjudged(format!(
            "'{}' does not lead back to the new resource",
            back.name
        ));
    }
    run.send(&Request::delete(&created.path))?.is(&[200, 204])?;
    for page in run.walk(Request::get(&path))? {
        page.must(
            !leads(page.data()),
            "no linkage to the deleted resource",
            page.data(),
        )?;
    }
    Ok(())
}
