//! FR: fetching resources and what is related to them.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use super::Checks;
use crate::exchange::{Answer, Request, href};
use crate::run::Run;
use crate::verdict::{Miss, Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("FR-1", every_link_leads_somewhere),
    ("FR-2", fetching_is_a_200),
    ("FR-3", collections_are_arrays),
    ("FR-4", a_single_resource_is_an_object_or_null),
    ("FR-5", a_missing_resource_is_a_404),
    ("FR-6", http_is_followed),
    ("FR-7", related_to_nothing_is_a_404),
    ("FR-8", related_collections_are_collections),
    ("FR-9", a_relationship_document_links_to_what_is_related),
];

/// How many links are followed.
const FOLLOWED: usize = 80;

/// The `self` and `related` links of a document and its resources.
fn links(answer: &Answer) -> BTreeSet<String> {
    let document = &answer.document;
    let mut found: BTreeSet<String> = ["self", "related", "first", "last", "prev", "next"]
        .iter()
        .filter_map(|name| answer.link(name))
        .collect();
    let single = document["data"].is_object().then(|| &document["data"]);
    for resource in answer.items().iter().chain(single).chain(answer.included()) {
        found.extend(href(&resource["links"]["self"]));
        let relationships = resource["relationships"].as_object();
        for (_, relationship) in relationships.into_iter().flatten() {
            found.extend(href(&relationship["links"]["related"]));
        }
    }
    found
}

fn every_link_leads_somewhere(run: &mut Run<'_>) -> Verdict {
    let one = run.samples.one()?;
    let mut open = links(&run.get(&run.collection())?);
    open.extend(links(&run.get(&run.path_of(&one))?));
    let mut followed = BTreeSet::new();
    while let Some(link) = open.pop_first() {
        if followed.len() >= FOLLOWED {
            break;
        }
        let answer = run.follow(&link)?;
        followed.insert(link);
        open.extend(links(answer.is(&[200])?).difference(&followed).cloned());
    }
    if followed.is_empty() {
        return unjudged("no document has links");
    }
    Ok(())
}

fn fetching_is_a_200(run: &mut Run<'_>) -> Verdict {
    run.get(&run.collection())?.is(&[200])?;
    let one = run.samples.one()?;
    run.get(&run.path_of(&one))?.is(&[200])?;
    Ok(())
}

fn collections_are_arrays(run: &mut Run<'_>) -> Verdict {
    for name in run.world.types.keys() {
        let answer = run.get(&run.path(name))?;
        let data = answer.is(&[200])?.data();
        let resources = |all: &Vec<Value>| all.iter().all(|item| item["type"].is_string());
        let fits = data.as_array().is_some_and(resources);
        answer.must(fits, "an array of resources", data)?;
    }
    if let Ok(found) = run.samples.empty(true) {
        let answer = run.get(&run.related_path(&found.owner, &found.name))?;
        let data = answer.is(&[200])?.data();
        answer.must(data == &json!([]), "[]", data)?;
    }
    Ok(())
}

fn a_single_resource_is_an_object_or_null(run: &mut Run<'_>) -> Verdict {
    let one = run.samples.one()?;
    let answer = run.get(&run.path_of(&one))?;
    let data = answer.is(&[200])?.data();
    answer.must(data["id"] == one["id"], "the resource", data)?;
    if let Ok(found) = run.samples.empty(false) {
        let answer = run.get(&run.related_path(&found.owner, &found.name))?;
        let data = answer.is(&[200])?.document.get("data");
        answer.must(data == Some(&Value::Null), "null", &json!(data))?;
    }
    Ok(())
}

/// An id of a form that the type does not have may be a 400, too: nothing can be there.
fn a_missing_resource_is_a_404(run: &mut Run<'_>) -> Verdict {
    let absent = run.absent()?;
    run.get(&absent)?.is(&[404])?;
    for id in ["%20", "..%2F..", "x'\"", "%00", "0x"] {
        let path = format!("{}/{}", run.collection(), id.replace('"', "%22"));
        run.get(&path)?.is(&[400, 404])?;
    }
    Ok(())
}

/// HEAD, OPTIONS, conditional GET and the methods that a URL does not have.
pub(super) fn follows_http(run: &mut Run<'_>, path: &str) -> Verdict {
    let get = run.get(path)?;
    get.is(&[200])?;
    let head = run.send(&Request::new(Method::HEAD, path))?;
    head.is(&[200])?;
    head.must(head.body.is_empty(), "no body", &json!(head.body.len()))?;
    let kind = |answer: &Answer| answer.header("content-type");
    head.must(
        kind(&head) == kind(&get),
        "the Content-Type of GET",
        &json!(kind(&head)),
    )?;
    let length = head.header("content-length");
    let fits = length
        .as_ref()
        .is_none_or(|it| *it == get.body.len().to_string());
    head.must(fits, "the Content-Length of GET", &json!(length))?;
    if let Some(tag) = get.header("etag") {
        let request = Request::get(path).header("if-none-match", tag);
        let answer = run.send(&request)?;
        answer.is(&[304])?;
        answer.must(answer.body.is_empty(), "no body", &json!(answer.body.len()))?;
    }
    let unknown = Method::from_bytes(b"BREW").unwrap_or(Method::TRACE);
    let answer = run.send(&Request::new(unknown, path))?;
    allows(answer.is(&[400, 405, 501])?)?;
    let options = run.send(&Request::new(Method::OPTIONS, path))?;
    allows(options.is(&[200, 204, 405, 501])?)
}

/// A 405 says what is allowed.
pub(super) fn allows(answer: &Answer) -> Verdict {
    let allow = answer.header("allow");
    let says = answer.status != 405 || allow.is_some();
    answer.must(says, "a header Allow", &Value::Null)
}

fn http_is_followed(run: &mut Run<'_>) -> Verdict {
    let one = run.samples.one()?;
    follows_http(run, &run.collection())?;
    follows_http(run, &run.path_of(&one))
}

/// A name that no relationship has.
pub(super) const UNKNOWN: &str = "unknownRelationship";

/// The first relationship of the main type, of any kind.
pub(super) fn any_name(run: &Run<'_>) -> Result<String, Miss> {
    match run.main().relationships.first() {
        Some(relationship) => Ok(relationship.name.clone()),
        None => unjudged("the world names no relationship"),
    }
}

fn related_to_nothing_is_a_404(run: &mut Run<'_>) -> Verdict {
    let one = run.samples.one()?;
    run.get(&format!("{}/{UNKNOWN}", run.path_of(&one)))?
        .is(&[404])?;
    let name = any_name(run)?;
    let absent = run.absent()?;
    run.get(&format!("{absent}/{name}"))?.is(&[404])?;
    Ok(())
}

fn related_collections_are_collections(run: &mut Run<'_>) -> Verdict {
    let found = run.samples.filled(true)?;
    let path = run.related_path(&found.owner, &found.name);
    let Some(target) = run.world.types.get(&found.target) else {
        return unjudged("the world does not describe the related type");
    };
    let mut requests = Vec::new();
    if let Some(name) = run.world.fieldset(&found.target) {
        requests.push(Request::get(&path).query(&format!("fields[{}]", found.target), name));
    }
    if let Some(name) = target.sort.first() {
        requests.push(Request::get(&path).query("sort", name));
    }
    if let Some(name) = target.filters.first() {
        let filter = run.world.filter.replace("NAME", name);
        requests.push(Request::get(&path).query(&filter, "no resource has this value"));
    }
    if let Some(relationship) = target.relationships.first().filter(|_| run.world.include) {
        requests.push(Request::get(&path).query("include", &relationship.name));
    }
    for request in requests {
        let answer = run.send(&request)?;
        let data = answer.is(&[200])?.data();
        let filtered = request.path.contains("no%20resource");
        answer.must(!filtered || data == &json!([]), "[]", data)?;
        answer.must(data.is_array(), "an array", data)?;
    }
    Ok(())
}

fn a_relationship_document_links_to_what_is_related(run: &mut Run<'_>) -> Verdict {
    let found = run.samples.any_filled()?;
    let answer = run.get(&run.relationship_path(&found.owner, &found.name))?;
    let link = answer.is(&[200])?.link("related");
    answer.must(
        link.is_some(),
        "a top-level link related",
        &answer.document["links"],
    )
}
