//! The structure of documents, seen by following their links.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::exchange::{Request, href, key};
use crate::media_type::{CURSOR, with};
use crate::run::Run;
use crate::verdict::{Verdict, unjudged};

/// How many self links are followed.
const FOLLOWED: usize = 20;

pub(super) fn primary_data_fits_the_url(run: &mut Run<'_>) -> Verdict {
    let list = run.get(&run.collection())?;
    list.must(list.is(&[200])?.data().is_array(), "an array", list.data())?;
    let one = run.samples.one()?;
    let answer = run.get(&run.path_of(&one))?;
    answer.must(answer.data().is_object(), "an object", answer.data())?;
    for found in run.samples.relationships().to_vec() {
        let answer = run.get(&run.related_path(&found.owner, &found.name))?;
        let data = answer.is(&[200])?.data();
        let (fits, expected) = if found.many {
            (data.is_array(), "an array")
        } else {
            (data.is_object() || data.is_null(), "an object or null")
        };
        answer.must(fits, expected, data)?;
    }
    Ok(())
}

pub(super) fn a_collection_is_always_an_array(run: &mut Run<'_>) -> Verdict {
    run.samples.all()?;
    if let Some(name) = run.main().filters.first() {
        let filter = run.world.filter.replace("NAME", name);
        let one = run.samples.one()?;
        let present = one["attributes"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        for value in [present.as_str(), "no resource has this value"] {
            let request = Request::get(run.collection()).query(&filter, value);
            let answer = run.send(&request)?;
            let data = answer.is(&[200])?.data();
            answer.must(data.is_array(), "an array", data)?;
        }
        return Ok(());
    }
    let request = Request::get(run.collection()).query("page[size]", "1");
    let answer = run.send(&request)?;
    if answer.is_refused().is_ok() {
        return unjudged("the world names no filter, and the server has no page[size]");
    }
    answer.must(answer.data().is_array(), "an array", answer.data())
}

pub(super) fn the_self_link_names_the_profile(run: &mut Run<'_>) -> Verdict {
    let request = Request::get(run.collection()).accept(with("profile", CURSOR));
    let answer = run.send(&request)?;
    let applied = answer
        .media_type()
        .is_some_and(|it| it.names("profile", CURSOR));
    if !applied {
        return unjudged("no profile was applied");
    }
    let link = &answer.document["links"]["self"];
    if link.is_null() {
        return unjudged("the document has no self link");
    }
    let kind = link["type"].as_str().unwrap_or_default();
    answer.must(
        kind.contains(CURSOR),
        "a self link with the profile in type",
        link,
    )
}

pub(super) fn the_self_link_gives_the_same_document(run: &mut Run<'_>) -> Verdict {
    run.samples.all()?;
    let kind = run.main();
    let mut request = Request::get(run.collection());
    if let Some(name) = kind.sort.first() {
        request = request.query("sort", &format!("-{name}"));
    }
    if let Some(name) = run.world.fieldset(&run.world.main) {
        request = request.query(&format!("fields[{}]", run.world.main), name);
    }
    if let Some(relationship) = kind.relationships.first().filter(|_| run.world.include) {
        request = request.query("include", &relationship.name);
    }
    let first = run.send(&request)?;
    let Some(link) = first.is(&[200])?.link("self") else {
        return unjudged("the document has no self link");
    };
    let second = run.follow(&link)?;
    let same = |name: &str| first.document.get(name) == second.document.get(name);
    let found = json!({"links.self": link});
    first.must(
        same("data") && same("included"),
        "the same document at its self link",
        &found,
    )
}

pub(super) fn no_resource_is_met_twice(run: &mut Run<'_>) -> Verdict {
    run.samples.all()?;
    let pages = run.walk(Request::get(run.collection()))?;
    let mut met = BTreeSet::new();
    for page in &pages {
        for item in page.items() {
            let new = met.insert(key(item));
            page.must(new, "each resource once", &json!(key(item)))?;
        }
    }
    Ok(())
}

pub(super) fn relationships_page_their_linkage(run: &mut Run<'_>) -> Verdict {
    for found in run.samples.relationships().to_vec() {
        let links = &found.owner["relationships"][&found.name]["links"];
        let page = ["next", "last", "first"]
            .iter()
            .find_map(|name| href(&links[*name]));
        let Some(link) = page else {
            continue;
        };
        let answer = run.follow(&link)?;
        let linkage =
            |item: &Value| item.get("attributes").is_none() && item.get("links").is_none();
        let fits = answer.is(&[200])?.items().iter().all(linkage);
        answer.must(fits, "identifiers", answer.data())?;
        return Ok(());
    }
    unjudged("no relationship has pagination links")
}

pub(super) fn related_links_of_empty_relationships_lead_somewhere(run: &mut Run<'_>) -> Verdict {
    let (one, many) = (run.samples.empty(false), run.samples.empty(true));
    if one.is_err() {
        many.as_ref().map_err(Clone::clone)?;
    }
    for found in one.into_iter().chain(many) {
        let answer = run.get(&run.related_path(&found.owner, &found.name))?;
        let expected = if found.many { json!([]) } else { Value::Null };
        let data = answer.is(&[200])?.document.get("data");
        answer.must(data == Some(&expected), &expected.to_string(), &json!(data))?;
    }
    Ok(())
}

pub(super) fn self_links_lead_to_their_resource(run: &mut Run<'_>) -> Verdict {
    let mut resources = run.samples.all()?.to_vec();
    resources.truncate(FOLLOWED / 2);
    if let Ok(found) = run.samples.any_filled().and_then(|found| {
        if run.world.include {
            Ok(found)
        } else {
            unjudged("")
        }
    }) {
        let path = run.path_of(&found.owner);
        let answer = run.send(&Request::get(path).query("include", &found.name))?;
        resources.extend(answer.included().iter().take(FOLLOWED / 2).cloned());
    }
    let linked: Vec<(Value, String)> = resources
        .into_iter()
        .filter_map(|resource| {
            let link = href(&resource["links"]["self"])?;
            Some((resource, link))
        })
        .collect();
    if linked.is_empty() {
        return unjudged("no resource has a self link");
    }
    for (resource, link) in linked {
        let answer = run.follow(&link)?;
        let same = key(answer.is(&[200])?.data()) == key(&resource);
        let expected = format!("the resource {:?}", key(&resource));
        answer.must(same, &expected, &json!(key(answer.data())))?;
    }
    Ok(())
}

pub(super) fn names_are_case_sensitive(run: &mut Run<'_>) -> Verdict {
    let one = run.samples.one()?;
    if !run.world.fields {
        return unjudged("the world says that the server has no fieldsets");
    }
    let attributes = one["attributes"].as_object();
    let mut names = attributes.into_iter().flat_map(|it| it.keys());
    let Some((name, upper)) = names.find_map(|name| {
        let upper = name.to_ascii_uppercase();
        (upper != *name).then_some((name, upper))
    }) else {
        return unjudged("the resource has no attribute with a lower-case letter");
    };
    let parameter = format!("fields[{}]", run.world.main);
    let answer = run.send(&Request::get(run.path_of(&one)).query(&parameter, &upper))?;
    if answer.status == 400 {
        return Ok(());
    }
    let shown = &answer.is(&[200])?.data()["attributes"][name];
    answer.must(shown.is_null(), &format!("no attribute {name}"), shown)
}
