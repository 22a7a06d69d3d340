//! ER: errors.

use serde_json::{Value, json};

use super::Checks;
use crate::exchange::{Answer, Request};
use crate::run::Run;
use crate::verdict::{Miss, Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("ER-1", several_problems_have_the_general_status),
    ("ER-9", links_lead_to_text),
    ("ER-10", mistakes_are_told_together),
];

/// How many links are followed.
const FOLLOWED: usize = 20;

/// Creates a resource whose attributes have values of wrong kinds: a document for each problem.
fn wrong(run: &mut Run<'_>) -> Result<(Answer, usize), Miss> {
    let mut draft = run.draft()?;
    let kind = run.main();
    let names: Vec<&String> = kind.strings.iter().chain(&kind.integers).collect();
    for name in &names {
        draft["data"]["attributes"][*name] = json!({"not": "this kind"});
    }
    let answer = run.send(&Request::post(run.collection(), &draft))?;
    if answer.is_success() || names.len() < 2 {
        return unjudged(
            "the server takes any value, or the world names fewer than two attributes",
        );
    }
    Ok((answer, names.len()))
}

/// The statuses of the errors that are told.
fn statuses(answer: &Answer) -> Vec<&str> {
    let errors = answer.document["errors"].as_array();
    let statuses = errors
        .into_iter()
        .flatten()
        .filter_map(|it| it["status"].as_str());
    let mut statuses: Vec<&str> = statuses.collect();
    statuses.dedup();
    statuses
}

fn several_problems_have_the_general_status(run: &mut Run<'_>) -> Verdict {
    let (answer, _) = wrong(run)?;
    match statuses(&answer).as_slice() {
        [] | [_] => {
            let stated = statuses(&answer)
                .first()
                .copied()
                .unwrap_or_default()
                .to_owned();
            let same = stated.is_empty() || stated == answer.status.to_string();
            answer.must(
                same,
                "the status that all errors have",
                &json!(answer.status),
            )
        }
        _ => answer.is(&[400]).map(|_| ()),
    }
}

fn links_lead_to_text(run: &mut Run<'_>) -> Verdict {
    let request = Request::get(run.absent()?);
    run.send(&request)?;
    let links = run.tallies.explanations.clone();
    let mut followed = 0;
    for link in links.iter().take(FOLLOWED) {
        let Ok(path) = run.target(link) else {
            continue;
        };
        followed += 1;
        let mut request = Request::get(path).accept("text/html, text/plain;q=0.9, */*;q=0.1");
        request.foreign = true;
        let answer = run.send(&request)?;
        let kind = answer.is(&[200])?.media_type().map(|it| it.essence);
        let text = kind.as_ref().is_some_and(|it| it.starts_with("text/"));
        answer.must(text && !answer.body.is_empty(), "a text", &json!(kind))?;
    }
    if followed == 0 {
        return unjudged("no error has a link to this server");
    }
    Ok(())
}

fn mistakes_are_told_together(run: &mut Run<'_>) -> Verdict {
    let (answer, count) = wrong(run)?;
    let errors = answer.document["errors"].as_array();
    let pointers = errors
        .into_iter()
        .flatten()
        .filter_map(|it| it["source"]["pointer"].as_str());
    let mut pointers: Vec<&str> = pointers.collect();
    pointers.sort_unstable();
    pointers.dedup();
    let expected = format!("{count} errors with a pointer each");
    answer.must(pointers.len() >= count, &expected, &Value::from(pointers))
}
