//! RE: what the specification's authors recommend beside it.

use http::Method;
use serde_json::json;

use super::Checks;
use crate::exchange::{Request, href, key};
use crate::run::Run;
use crate::verdict::{Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("RE-1", urls_are_the_recommended_ones),
    ("RE-2", names_are_camel_case),
    ("RE-3", links_are_there),
    ("RE-4", a_post_may_be_a_patch),
    ("RE-5", times_are_rfc_3339),
    ("RE-6", asynchronous_work_has_a_resource),
    ("RE-7", super::filter::related_resources_filter),
];

fn urls_are_the_recommended_ones(run: &mut Run<'_>) -> Verdict {
    let one = run.samples.one()?;
    let (kind, id) = key(&one);
    let path = run.path_to(&kind, &id);
    let answer = run.get(&path)?;
    answer.must(run.path_of(&one) == path, &path, &one["links"]["self"])?;
    answer.is(&[200])?;
    if let Ok(found) = run.samples.any_filled() {
        let own = run.path_of(&found.owner);
        let name = &found.name;
        let related = format!("{own}/{name}");
        run.get(&related)?.is(&[200])?;
        run.get(&format!("{own}/relationships/{name}"))?
            .is(&[200])?;
    }
    Ok(())
}

fn names_are_camel_case(run: &mut Run<'_>) -> Verdict {
    let answer = run.get(&run.collection())?;
    for resource in run.samples.all()? {
        for member in ["attributes", "relationships"] {
            for (name, _) in resource[member].as_object().into_iter().flatten() {
                let fits = name.chars().all(|it| it.is_ascii_alphanumeric())
                    && name.starts_with(|it: char| it.is_ascii_lowercase());
                answer.must(fits, "a name in camelCase", &json!(name))?;
            }
        }
    }
    Ok(())
}

fn links_are_there(run: &mut Run<'_>) -> Verdict {
    let answer = run.get(&run.collection())?;
    answer.must(
        answer.link("self").is_some(),
        "a top-level link self",
        &answer.document["links"],
    )?;
    let one = run.samples.one()?;
    let own = href(&one["links"]["self"]);
    answer.must(own.is_some(), "a link self of the resource", &one["links"])?;
    for found in run.samples.relationships() {
        let links = &found.owner["relationships"][&found.name]["links"];
        let both = href(&links["self"]).is_some() && href(&links["related"]).is_some();
        answer.must(both, "links self and related of the relationship", links)?;
    }
    Ok(())
}

fn a_post_may_be_a_patch(run: &mut Run<'_>) -> Verdict {
    let created = run.create()?;
    let Some(name) = run.main().strings.first() else {
        return unjudged("the world names no attribute that is a text");
    };
    let body = json!({"data": {"type": run.world.main, "id": created.id,
        "attributes": {name: "changed by POST"}}});
    let request = Request::new(Method::POST, &created.path).json(&body);
    let answer = run.send(&request.header("x-http-method-override", "PATCH"))?;
    answer.is(&[200, 204])?;
    let answer = run.get(&created.path)?;
    let found = &answer.data()["attributes"][name];
    answer.must(found == "changed by POST", "the changed attribute", found)
}

/// `2026-01-02T03:04:05Z` and its relatives, and dates alone.
fn is_time(text: &str) -> bool {
    let digits = |text: &str, from: usize, to: usize| {
        let part = text.get(from..to);
        part.is_some_and(|it| it.chars().all(|letter| letter.is_ascii_digit()))
    };
    let date = digits(text, 0, 4) && digits(text, 5, 7) && digits(text, 8, 10);
    let date = date && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let clock = digits(text, 11, 13) && digits(text, 14, 16) && digits(text, 17, 19);
    let zone =
        text.ends_with(['Z', 'z']) || text.get(19..).is_some_and(|it| it.contains(['+', '-']));
    date && (text.len() == 10 || (clock && zone && text.get(10..11) == Some("T")))
}

fn times_are_rfc_3339(run: &mut Run<'_>) -> Verdict {
    let answer = run.get(&run.collection())?;
    let mut seen = 0;
    for name in &run.main().times {
        for resource in run.samples.all()? {
            let time = &resource["attributes"][name];
            if time.is_null() {
                continue;
            }
            seen += 1;
            let fits = time.as_str().is_some_and(is_time);
            answer.must(fits, &format!("a time in {name}"), time)?;
        }
    }
    if seen == 0 {
        return unjudged("the world names no attribute that is a time, or no resource has one");
    }
    Ok(())
}

fn asynchronous_work_has_a_resource(_: &mut Run<'_>) -> Verdict {
    unjudged("no request of the runner is worked on asynchronously")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_other_texts() {
        for time in [
            "2026-01-02",
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05.6+01:00",
        ] {
            assert!(is_time(time), "{time}");
        }
        for other in [
            "",
            "2026",
            "2026-01-02 03:04:05",
            "2026-01-02T03:04:05",
            "02/01/2026",
        ] {
            assert!(!is_time(other), "{other}");
        }
    }
}
