//! QP: query parameters.

use serde_json::json;

use super::Checks;
use super::filter::equality;
use crate::exchange::{Answer, key};
use crate::run::Run;
use crate::verdict::{Miss, Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("QP-1", plus_is_a_space),
    ("QP-2", brackets_may_stand_as_they_are),
    ("QP-3", encoded_brackets_mean_the_same),
    ("QP-4", own_parameters_are_named_by_the_rules),
    ("QP-5", unknown_lower_case_parameters_are_refused),
    ("QP-6", other_unknown_parameters_are_refused),
    ("QP-7", extension_parameters_have_a_namespace),
    ("QP-9", a_parameter_twice_is_refused),
];

/// The collection with a query as it is written.
fn with_query(run: &mut Run<'_>, query: &str) -> Result<Answer, Miss> {
    let path = format!("{}?{query}", run.collection());
    run.get(&path)
}

/// A parameter with brackets that the server takes: its family, member and value.
fn bracketed(run: &Run<'_>) -> Result<[String; 3], Miss> {
    run.samples.all()?;
    let main = &run.world.main;
    let parts = match run.world.fieldset(main) {
        Some(name) => ["fields", main, name],
        None => ["page", "size", "1"],
    };
    Ok(parts.map(str::to_owned))
}

/// A text with a space, from the attribute that is filtered by.
fn plus_is_a_space(run: &mut Run<'_>) -> Verdict {
    let (name, attribute, _) = equality(run)?;
    let mut values = run
        .samples
        .all()?
        .iter()
        .filter_map(|it| it["attributes"][&attribute].as_str());
    let Some(text) = values.find(|text| {
        let plain = |it: char| it.is_ascii_alphanumeric() || it == ' ';
        text.contains(' ') && text.chars().all(plain)
    }) else {
        return unjudged(format!(
            "no resource has a text with a space in {attribute}"
        ));
    };
    let text = text.to_owned();
    let name = name.replace('[', "%5B").replace(']', "%5D");
    let answer = with_query(run, &format!("{name}={}", text.replace(' ', "+")))?;
    let has = !answer.is(&[200])?.items().is_empty();
    answer.must(has, &format!("the resources with '{text}'"), answer.data())?;
    let answer = with_query(run, &format!("{name}={}", text.replace(' ', "%2B")))?;
    let none = answer.is(&[200])?.items().is_empty();
    answer.must(none, "no resources, for %2B is a plus", answer.data())
}

fn brackets_may_stand_as_they_are(run: &mut Run<'_>) -> Verdict {
    let [family, member, value] = bracketed(run)?;
    with_query(run, &format!("{family}[{member}]={value}"))?.is(&[200])?;
    Ok(())
}

fn encoded_brackets_mean_the_same(run: &mut Run<'_>) -> Verdict {
    let [family, member, value] = bracketed(run)?;
    let plain = with_query(run, &format!("{family}[{member}]={value}"))?;
    for (open, close) in [("%5B", "%5D"), ("%5b", "%5d")] {
        let encoded = with_query(run, &format!("{family}{open}{member}{close}={value}"))?;
        let data = encoded.is(&[200])?.data();
        encoded.must(data == plain.data(), "the same data as with brackets", data)?;
    }
    Ok(())
}

fn own_parameters_are_named_by_the_rules(_: &mut Run<'_>) -> Verdict {
    unjudged("which parameters the server has of its own stands in its documentation only")
}

fn unknown_lower_case_parameters_are_refused(run: &mut Run<'_>) -> Verdict {
    for query in ["unknownfamily=1", "q=x", "include[x]=y", "fields=x"] {
        with_query(run, query)?.is(&[400])?;
    }
    Ok(())
}

fn other_unknown_parameters_are_refused(run: &mut Run<'_>) -> Verdict {
    with_query(run, "unknownFamily=1")?.refuses("unknownFamily")
}

fn extension_parameters_have_a_namespace(_: &mut Run<'_>) -> Verdict {
    unjudged("no extension with parameters is known to the runner")
}

fn a_parameter_twice_is_refused(run: &mut Run<'_>) -> Verdict {
    let [family, member, value] = bracketed(run)?;
    let once = format!("{family}%5B{member}%5D={value}");
    let answer = with_query(run, &format!("{once}&{once}"))?;
    let first = answer.items().first().map(key);
    answer.must(answer.status == 400, "400", &json!([answer.status, first]))
}
