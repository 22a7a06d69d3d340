//! CP: the profile of cursor pagination.

mod refusals;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Checks;
use super::page::page_meta;
use super::sort::sortable;
use crate::exchange::{Answer, Request, key};
use crate::media_type::{CURSOR, with};
use crate::run::Run;
use crate::verdict::{Miss, Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("CP-1", ties_are_walked_through_once),
    ("CP-2", a_collection_has_an_order),
    ("CP-3", refusals::an_unsupported_sort_is_told_as_such),
    ("CP-4", refusals::senseless_sizes),
    ("CP-5", refusals::too_large_a_size),
    ("CP-6", a_size_is_chosen),
    ("CP-7", pages_are_full),
    ("CP-8", refusals::senseless_cursors),
    ("CP-9", after_begins_behind_its_cursor),
    ("CP-10", before_ends_in_front_of_its_cursor),
    ("CP-11", a_walk_starts_at_the_first),
    ("CP-12", refusals::ranges_work_or_are_refused),
    ("CP-13", refusals::a_cut_range_says_so),
    ("CP-14", prev_and_next_are_always_there),
    ("CP-15", next_of_the_last_page_is_null),
    ("CP-16", prev_of_the_first_page_is_null),
    ("CP-17", prev_before_the_first_is_null),
    ("CP-18", first_and_last_are_there),
    ("CP-19", the_meta_of_a_page_has_its_form),
    ("CP-20", an_items_cursor_is_that_items),
    ("CP-22", linkage_is_paged_too),
];

/// A list under the profile.
fn list(run: &Run<'_>) -> Request {
    Request::get(run.collection()).accept(with("profile", CURSOR))
}

/// Says that nothing can be judged where the profile is not applied.
fn applied(run: &mut Run<'_>) -> Result<(), Miss> {
    run.samples.all()?;
    let request = list(run).query("page[size]", "1");
    let answer = run.send(&request)?;
    let named = answer
        .media_type()
        .is_some_and(|it| it.names("profile", CURSOR));
    if answer.is_success() && named {
        return Ok(());
    }
    unjudged("the server did not apply the profile of cursor pagination")
}

/// The pages of the collection under the profile, three or so.
fn pages(run: &mut Run<'_>, sort: Option<&str>) -> Result<(Vec<Answer>, usize), Miss> {
    applied(run)?;
    let size = (run.samples.all()?.len() / 3).max(1);
    let mut request = list(run).query("page[size]", &size.to_string());
    if let Some(sort) = sort {
        request = request.query("sort", sort);
    }
    let pages = run.walk(request)?;
    if pages.len() < 2 {
        return unjudged("the collection is one page");
    }
    Ok((pages, size))
}

fn keys(page: &Answer) -> Vec<(String, String)> {
    page.items().iter().map(key).collect()
}

/// The cursor in a link, such as that of `page[after]` in `next`.
fn cursor(page: &Answer, link: &str, parameter: &str) -> Option<String> {
    let link = page.link(link)?;
    let query = link.split_once('?')?.1.to_owned();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let wanted = [
        format!("page[{parameter}]"),
        format!("page%5B{parameter}%5D"),
    ];
    let (_, value) =
        pairs.find(|(name, _)| wanted.iter().any(|it| it.eq_ignore_ascii_case(name)))?;
    let value = value.replace('+', " ");
    let value = percent_encoding::percent_decode_str(&value).decode_utf8_lossy();
    Some(value.into_owned())
}

/// The cursor of an item, if the server sends it, else that of the last item of a page.
fn end_cursor(page: &Answer) -> Result<String, Miss> {
    let own = page.items().last().map(|it| &it["meta"]["page"]["cursor"]);
    let own = own.and_then(Value::as_str).map(str::to_owned);
    match own.or_else(|| cursor(page, "next", "after")) {
        Some(cursor) => Ok(cursor),
        None => unjudged("neither items nor the link next have a cursor in page[after]"),
    }
}

fn walked_once(pages: &[Answer], whole: &[Answer]) -> Verdict {
    let all: BTreeSet<_> = whole.iter().flat_map(keys).collect();
    let walked: Vec<_> = pages.iter().flat_map(keys).collect();
    let unique: BTreeSet<_> = walked.iter().cloned().collect();
    let fits = unique.len() == walked.len() && unique == all;
    let expected = format!("each of {} resources once", all.len());
    pages[0].must(fits, &expected, &json!(walked.len()))
}

fn ties_are_walked_through_once(run: &mut Run<'_>) -> Verdict {
    let whole = run.walk(Request::get(run.collection()))?;
    for name in sortable(run)? {
        let (walked, _) = pages(run, Some(name))?;
        walked_once(&walked, &whole)?;
    }
    Ok(())
}

fn a_collection_has_an_order(run: &mut Run<'_>) -> Verdict {
    let (first, _) = pages(run, None)?;
    let (second, _) = pages(run, None)?;
    let order = |pages: &[Answer]| pages.iter().flat_map(keys).collect::<Vec<_>>();
    let same = order(&first) == order(&second);
    second[0].must(same, "the order of the walk before", &json!(order(&second)))?;
    let whole = run.walk(Request::get(run.collection()))?;
    walked_once(&first, &whole)
}

fn a_size_is_chosen(run: &mut Run<'_>) -> Verdict {
    applied(run)?;
    let answer = run.send(&list(run))?;
    let some = !answer.is(&[200])?.items().is_empty();
    answer.must(some, "a page of resources", answer.data())
}

fn pages_are_full(run: &mut Run<'_>) -> Verdict {
    let (pages, size) = pages(run, None)?;
    for page in &pages[..pages.len() - 1] {
        let count = page.items().len();
        page.must(count == size, &format!("{size} resources"), &json!(count))?;
    }
    Ok(())
}

fn after_begins_behind_its_cursor(run: &mut Run<'_>) -> Verdict {
    let (pages, size) = pages(run, None)?;
    let after = end_cursor(&pages[0])?;
    let request = list(run).query("page[size]", &size.to_string());
    let answer = run.send(&request.query("page[after]", &after))?;
    let whole = run.walk(list(run))?;
    let mut rest = whole.iter().flat_map(keys);
    let expected = rest.nth(pages[0].items().len());
    let found = answer.is(&[200])?.items().first().map(key);
    let text = format!("{expected:?}, which follows the cursor");
    answer.must(found == expected, &text, &json!(found))?;
    let last = &pages[pages.len() - 1];
    let own = last.items().last().map(|it| &it["meta"]["page"]["cursor"]);
    if let Some(after) = own.and_then(Value::as_str) {
        let request = list(run).query("page[after]", after);
        let answer = run.send(&request)?;
        answer.must(answer.is(&[200])?.data() == &json!([]), "[]", answer.data())?;
    }
    Ok(())
}

fn before_ends_in_front_of_its_cursor(run: &mut Run<'_>) -> Verdict {
    let (pages, _) = pages(run, None)?;
    let Some(link) = pages[1].link("prev") else {
        let found = &pages[1].document["links"];
        return pages[1].must(false, "a link prev on the second page", found);
    };
    let answer = run.send(&Request {
        path: run.target(&link)?,
        ..list(run)
    })?;
    let fits = keys(answer.is(&[200])?) == keys(&pages[0]);
    answer.must(fits, "the first page, in its order", &json!(keys(&answer)))
}

fn a_walk_starts_at_the_first(run: &mut Run<'_>) -> Verdict {
    let (pages, _) = pages(run, None)?;
    let answer = run.send(&list(run))?;
    let (whole, first) = (keys(&answer), keys(&pages[0]));
    let same = whole.first() == first.first();
    answer.must(
        same,
        "the first resource of the walk",
        &json!(whole.first()),
    )
}

fn prev_and_next_are_always_there(run: &mut Run<'_>) -> Verdict {
    let (pages, _) = pages(run, None)?;
    for page in &pages {
        let links = &page.document["links"];
        let both = links.get("prev").is_some() && links.get("next").is_some();
        page.must(both, "links prev and next", links)?;
    }
    Ok(())
}

/// Fails unless a link is there and null.
fn is_null(page: &Answer, name: &str) -> Verdict {
    let link = page.document["links"].get(name);
    page.must(
        link == Some(&Value::Null),
        &format!("{name}: null"),
        &json!(link),
    )
}

fn next_of_the_last_page_is_null(run: &mut Run<'_>) -> Verdict {
    let (pages, _) = pages(run, None)?;
    is_null(&pages[pages.len() - 1], "next")
}

fn prev_of_the_first_page_is_null(run: &mut Run<'_>) -> Verdict {
    let (pages, _) = pages(run, None)?;
    is_null(&pages[0], "prev")
}

fn prev_before_the_first_is_null(run: &mut Run<'_>) -> Verdict {
    let (pages, _) = pages(run, None)?;
    let Some(link) = pages[1].link("prev") else {
        return unjudged("the second page has no link prev");
    };
    let answer = run.send(&Request {
        path: run.target(&link)?,
        ..list(run)
    })?;
    is_null(answer.is(&[200])?, "prev")
}

fn first_and_last_are_there(run: &mut Run<'_>) -> Verdict {
    let (pages, _) = pages(run, None)?;
    for page in &pages {
        let both = page.link("first").is_some() && page.link("last").is_some();
        page.must(both, "links first and last", &page.document["links"])?;
    }
    Ok(())
}

fn the_meta_of_a_page_has_its_form(run: &mut Run<'_>) -> Verdict {
    applied(run)?;
    let answer = run.send(&list(run))?;
    let meta = page_meta(&answer);
    if meta.is_null() {
        return unjudged("the document has no meta.page");
    }
    let integer = |value: &Value| value.is_u64();
    let total = meta.get("total").is_none_or(integer);
    let estimate = meta
        .get("estimatedTotal")
        .is_none_or(|it| it.is_object() && it.get("bestGuess").is_none_or(integer));
    let fits = meta.is_object() && total && estimate;
    answer.must(fits, "an object with an integer total", meta)
}

fn an_items_cursor_is_that_items(run: &mut Run<'_>) -> Verdict {
    let (pages, _) = pages(run, None)?;
    let all: Vec<&Value> = pages.iter().flat_map(Answer::items).collect();
    let cursor = all[0]["meta"]["page"]["cursor"].as_str().map(str::to_owned);
    let Some(cursor) = cursor else {
        return unjudged("items have no cursor of their own");
    };
    let request = list(run)
        .query("page[size]", "1")
        .query("page[after]", &cursor);
    let answer = run.send(&request)?;
    let found = answer.is(&[200])?.items().first().map(key);
    answer.must(
        found == Some(key(all[1])),
        "the item after the first",
        &json!(found),
    )
}

fn linkage_is_paged_too(run: &mut Run<'_>) -> Verdict {
    applied(run)?;
    let found = run.samples.filled(true)?;
    let path = run.relationship_path(&found.owner, &found.name);
    let request = Request { path, ..list(run) };
    let answer = run.send(&request.query("page[size]", "1"))?;
    let count = answer.is(&[200])?.items().len();
    answer.must(count == 1, "one identifier", &json!(count))?;
    let links = &answer.document["links"];
    let both = links.get("prev").is_some() && links.get("next").is_some();
    answer.must(both, "links prev and next", links)
}
