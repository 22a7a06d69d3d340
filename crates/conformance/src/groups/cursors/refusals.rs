//! What the profile of cursor pagination refuses, and ranges.

use serde_json::{Value, json};

use super::{
    Answer, Miss, Run, Verdict, applied, end_cursor, keys, list, page_meta, pages, unjudged,
};

/// A page size above every maximum.
const TOO_LARGE: &str = "1000000000";

/// Whether an error has this type of the profile.
fn has_type(answer: &Answer, name: &str) -> bool {
    let link = &answer.document["errors"][0]["links"]["type"];
    let uri = format!("{}/{name}", crate::media_type::CURSOR);
    // The text of the profile shows an array, which a draft of the specification had.
    let link = if link.is_array() { &link[0] } else { link };
    crate::exchange::href(link).is_some_and(|it| it == uri)
}

fn must_have_type(answer: &Answer, name: &str) -> Verdict {
    let found = &answer.document["errors"][0]["links"];
    answer.must(
        has_type(answer, name),
        &format!("links.type …/{name}"),
        found,
    )
}

pub(super) fn an_unsupported_sort_is_told_as_such(run: &mut Run<'_>) -> Verdict {
    applied(run)?;
    let kind = run.main();
    for name in kind.strings.iter().chain(&kind.integers) {
        let request = list(run).query("sort", name).query("page[size]", "1");
        let answer = run.send(&request)?;
        let plain =
            run.send(&crate::exchange::Request::get(run.collection()).query("sort", name))?;
        if answer.is_success() || !plain.is_success() {
            continue;
        }
        answer.refuses("sort")?;
        return must_have_type(&answer, "unsupported-sort");
    }
    unjudged("every sort of the server works with cursors")
}

pub(super) fn senseless_sizes(run: &mut Run<'_>) -> Verdict {
    applied(run)?;
    for value in ["0", "-1", "1.5", "x", "", "+1"] {
        let request = list(run).query("page[size]", value);
        run.send(&request)?.refuses("page[size]")?;
    }
    Ok(())
}

pub(super) fn too_large_a_size(run: &mut Run<'_>) -> Verdict {
    applied(run)?;
    let request = list(run).query("page[size]", TOO_LARGE);
    let answer = run.send(&request)?;
    if answer.is_success() {
        return unjudged(format!("the server has no maximum below {TOO_LARGE}"));
    }
    answer.refuses("page[size]")?;
    let maximum = &answer.document["errors"][0]["meta"]["page"]["maxSize"];
    answer.must(maximum.is_u64(), "meta.page.maxSize, an integer", maximum)?;
    must_have_type(&answer, "max-size-exceeded")
}

pub(super) fn senseless_cursors(run: &mut Run<'_>) -> Verdict {
    applied(run)?;
    for name in ["page[after]", "page[before]"] {
        for value in ["no cursor of this server", ""] {
            let request = list(run).query(name, value);
            run.send(&request)?.refuses(name)?;
        }
    }
    Ok(())
}

/// A request for what stands between the first resource of the second page and the last page, and
/// what that is.
fn range(run: &mut Run<'_>, size: Option<&str>) -> Result<(Answer, Vec<(String, String)>), Miss> {
    let (pages, _) = pages(run, None)?;
    if pages.len() < 3 {
        return unjudged("the collection has fewer than three pages");
    }
    let after = end_cursor(&pages[0])?;
    let before = super::cursor(&pages[pages.len() - 1], "prev", "before");
    let first = pages[pages.len() - 1].items().first();
    let own = first.and_then(|it| it["meta"]["page"]["cursor"].as_str().map(str::to_owned));
    let Some(before) = own.or(before) else {
        return unjudged("neither items nor the link prev have a cursor in page[before]");
    };
    let mut request = list(run)
        .query("page[after]", &after)
        .query("page[before]", &before);
    if let Some(size) = size {
        request = request.query("page[size]", size);
    }
    let between = pages[1..pages.len() - 1].iter().flat_map(keys).collect();
    Ok((run.send(&request)?, between))
}

pub(super) fn ranges_work_or_are_refused(run: &mut Run<'_>) -> Verdict {
    let (answer, between) = range(run, None)?;
    if answer.status == 400 {
        return must_have_type(&answer, "range-pagination-not-supported");
    }
    let fits = keys(answer.is(&[200])?) == between;
    let expected = format!("the {} resources between both", between.len());
    answer.must(fits, &expected, &json!(keys(&answer)))
}

pub(super) fn a_cut_range_says_so(run: &mut Run<'_>) -> Verdict {
    let (answer, between) = range(run, Some("1"))?;
    if answer.status == 400 {
        return unjudged("the server has no ranges");
    }
    if between.len() < 2 {
        return unjudged("the range has fewer than two resources");
    }
    let cut = &page_meta(answer.is(&[200])?)["rangeTruncated"];
    answer.must(
        cut == &Value::Bool(true),
        "meta.page.rangeTruncated: true",
        cut,
    )?;
    let fits = keys(&answer) == between[..1];
    answer.must(
        fits,
        "the first resource of the range",
        &json!(keys(&answer)),
    )
}
