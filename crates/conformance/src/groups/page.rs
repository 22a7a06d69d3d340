//! PG: pagination.

use serde_json::{Value, json};

use super::Checks;
use crate::exchange::{Answer, Request, key};
use crate::run::Run;
use crate::verdict::{Miss, Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("PG-1", links_stand_with_the_collection),
    ("PG-3", links_that_lead_nowhere_are_null_or_absent),
    ("PG-4", pages_follow_the_order),
    ("PG-5", the_page_family_is_used),
    ("PG-6", senseless_sizes_are_refused),
    ("PG-7", links_keep_the_other_parameters),
    ("PG-8", unknown_members_are_refused),
];

/// The pages of the collection with this size.
fn pages(run: &mut Run<'_>, size: usize) -> Result<Vec<Answer>, Miss> {
    let count = run.samples.all()?.len();
    if count <= 2 {
        return unjudged("the collection has no three resources");
    }
    let request = Request::get(run.collection()).query("page[size]", &size.to_string());
    if run.send(&request)?.status == 400 {
        return unjudged("the server has no page[size]");
    }
    run.walk(request)
}

/// A page size with which a walk has at least two pages, and not many.
fn size(run: &Run<'_>) -> Result<usize, Miss> {
    let count = run.samples.all()?.len();
    Ok((count / 3).max(1))
}

fn walk(run: &mut Run<'_>) -> Result<Vec<Answer>, Miss> {
    let size = size(run)?;
    pages(run, size)
}

fn links_stand_with_the_collection(run: &mut Run<'_>) -> Verdict {
    let pages = walk(run)?;
    let (first, known) = (&pages[0], run.samples.all()?.len());
    let next = first.link("next");
    let elsewhere = ["/next", "/meta/next", "/meta/links/next", "/meta/page/next"];
    let elsewhere = elsewhere
        .iter()
        .find_map(|place| first.document.pointer(place));
    if next.is_none() && elsewhere.is_none() && first.items().len() < known {
        return unjudged("the server has pages without links between them");
    }
    let single = first.items().len() >= known;
    let found = json!(elsewhere);
    first.must(next.is_some() || single, "a top-level link next", &found)
}

fn links_that_lead_nowhere_are_null_or_absent(run: &mut Run<'_>) -> Verdict {
    let pages = walk(run)?;
    if let [first, .., last] = pages.as_slice() {
        first.must(
            first.link("prev").is_none(),
            "no link prev",
            &first.document["links"],
        )?;
        last.must(
            last.link("next").is_none(),
            "no link next",
            &last.document["links"],
        )?;
        let full = !last.items().is_empty();
        last.must(full, "resources on the last page", last.data())?;
    }
    if let Some(name) = run.main().filters.first() {
        let filter = run.world.filter.replace("NAME", name);
        let request = Request::get(run.collection()).query(&filter, "no resource has this value");
        let empty = run.send(&request)?;
        for name in ["prev", "next"] {
            let link = empty.is(&[200])?.link(name);
            empty.must(link.is_none(), &format!("no link {name}"), &json!(link))?;
        }
    }
    Ok(())
}

fn keys(page: &Answer) -> Vec<(String, String)> {
    page.items().iter().map(key).collect()
}

fn pages_follow_the_order(run: &mut Run<'_>) -> Verdict {
    let pages = walk(run)?;
    let whole = run.walk(Request::get(run.collection()))?;
    let all: Vec<_> = whole.iter().flat_map(keys).collect();
    let walked: Vec<_> = pages.iter().flat_map(keys).collect();
    let expected = format!("the {} resources in the order of the collection", all.len());
    pages[0].must(walked == all, &expected, &json!(walked))?;
    let mut later = pages.last().cloned();
    for earlier in pages.iter().rev().skip(1) {
        let prev = later.as_ref().and_then(|page| page.link("prev"));
        let Some(link) = prev else {
            return unjudged("the pages have no link prev");
        };
        let page = run.follow(&link)?;
        let same = keys(page.is(&[200])?) == keys(earlier);
        page.must(
            same,
            &format!("the page of {}", earlier.request),
            &json!(keys(&page)),
        )?;
        later = Some(page);
    }
    Ok(())
}

fn the_page_family_is_used(run: &mut Run<'_>) -> Verdict {
    let size = size(run)?;
    for page in walk(run)? {
        let fits = page.items().len() <= size;
        page.must(
            fits,
            &format!("at most {size} resources"),
            &json!(page.items().len()),
        )?;
        for name in ["first", "last", "prev", "next"] {
            if let Some(link) = page.link(name) {
                let fits = link.contains("page%5B") || link.contains("page[");
                page.must(fits, "a parameter page[…] in the link", &json!(link))?;
            }
        }
    }
    Ok(())
}

fn senseless_sizes_are_refused(run: &mut Run<'_>) -> Verdict {
    for value in ["0", "-1", "x", "1.5", "", "99999999999999999999"] {
        let request = Request::get(run.collection()).query("page[size]", value);
        run.send(&request)?.refuses("page[size]")?;
    }
    Ok(())
}

fn links_keep_the_other_parameters(run: &mut Run<'_>) -> Verdict {
    if run.samples.all()?.len() < 2 {
        return unjudged("the collection has no two resources");
    }
    let kind = run.main();
    let fields = format!("fields[{}]", run.world.main);
    let mut others = Vec::new();
    let fieldset = run.world.fieldset(&run.world.main);
    others.extend(fieldset.map(|name| (fields.as_str(), name.clone())));
    others.extend(kind.sort.first().map(|name| ("sort", name.clone())));
    let relationship = kind.relationships.first().filter(|_| run.world.include);
    others.extend(relationship.map(|it| ("include", it.name.clone())));
    let mut request = Request::get(run.collection()).query("page[size]", "1");
    for (name, value) in &others {
        request = request.query(name, value);
    }
    let answer = run.send(&request)?;
    let Some(next) = answer.is(&[200])?.link("next") else {
        return unjudged("the first page has no link next");
    };
    for (name, value) in others {
        let plain = next.replace("%5B", "[").replace("%5D", "]");
        let expected = format!("{name}={value} in the link next");
        answer.must(
            plain.contains(&format!("{name}={value}")),
            &expected,
            &json!(next),
        )?;
    }
    Ok(())
}

fn unknown_members_are_refused(run: &mut Run<'_>) -> Verdict {
    let request = Request::get(run.collection()).query("page[unknownMember]", "1");
    run.send(&request)?.refuses("page[unknownMember]")
}

/// What `meta` says of the page, or null.
pub(super) fn page_meta(answer: &Answer) -> &Value {
    &answer.document["meta"]["page"]
}
