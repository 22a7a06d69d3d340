//! FL: fetching relationships.

use serde_json::{Value, json};

use super::Checks;
use super::fetching::{UNKNOWN, any_name, follows_http};
use crate::exchange::{Request, href};
use crate::run::Run;
use crate::samples::Found;
use crate::verdict::{Miss, Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("FL-1", every_relationship_link_leads_somewhere),
    ("FL-2", fetching_a_relationship_is_a_200),
    ("FL-3", the_primary_data_is_linkage),
    ("FL-4", a_missing_relationship_is_a_404),
    ("FL-5", an_empty_relationship_is_a_200),
    ("FL-6", http_is_followed),
    ("FL-7", include_starts_with_the_relationship),
];

/// How many links are followed.
const FOLLOWED: usize = 30;

/// The relationships that were found, of which there is one.
fn relationships(run: &Run<'_>) -> Result<Vec<Found>, Miss> {
    run.samples.any_filled()?;
    Ok(run.samples.relationships().to_vec())
}

fn every_relationship_link_leads_somewhere(run: &mut Run<'_>) -> Verdict {
    let mut links = Vec::new();
    for resource in run.samples.all()? {
        let relationships = resource["relationships"].as_object();
        let relationships = relationships.into_iter().flatten();
        links.extend(relationships.filter_map(|(_, it)| href(&it["links"]["self"])));
    }
    if links.is_empty() {
        return unjudged("no relationship has a self link");
    }
    for link in links.iter().take(FOLLOWED) {
        run.follow(link)?.is(&[200])?;
    }
    Ok(())
}

fn fetching_a_relationship_is_a_200(run: &mut Run<'_>) -> Verdict {
    for found in relationships(run)? {
        run.get(&run.relationship_path(&found.owner, &found.name))?
            .is(&[200])?;
    }
    Ok(())
}

fn the_primary_data_is_linkage(run: &mut Run<'_>) -> Verdict {
    for found in relationships(run)? {
        let answer = run.get(&run.relationship_path(&found.owner, &found.name))?;
        let data = answer
            .is(&[200])?
            .document
            .get("data")
            .cloned()
            .unwrap_or(json!("absent"));
        let identifier = |item: &Value| {
            let plain = item.get("attributes").is_none() && item.get("relationships").is_none();
            item["id"].is_string() && item["type"] == found.target.as_str() && plain
        };
        let fits = match &data {
            Value::Array(items) => found.many && items.iter().all(identifier),
            Value::Null => !found.many,
            item => !found.many && identifier(item),
        };
        let kind = if found.many {
            "an array of identifiers"
        } else {
            "an identifier or null"
        };
        answer.must(fits, kind, &data)?;
    }
    Ok(())
}

fn a_missing_relationship_is_a_404(run: &mut Run<'_>) -> Verdict {
    let one = run.samples.one()?;
    let unknown = format!("{}/relationships/{UNKNOWN}", run.path_of(&one));
    run.get(&unknown)?.is(&[404])?;
    let name = any_name(run)?;
    let absent = run.absent()?;
    run.get(&format!("{absent}/relationships/{name}"))?
        .is(&[404])?;
    Ok(())
}

fn an_empty_relationship_is_a_200(run: &mut Run<'_>) -> Verdict {
    let (one, many) = (run.samples.empty(false), run.samples.empty(true));
    if one.is_err() {
        many.as_ref().map_err(Clone::clone)?;
    }
    for found in one.into_iter().chain(many) {
        let answer = run.get(&run.relationship_path(&found.owner, &found.name))?;
        let expected = if found.many { json!([]) } else { Value::Null };
        let data = answer.is(&[200])?.document.get("data");
        answer.must(data == Some(&expected), &expected.to_string(), &json!(data))?;
    }
    Ok(())
}

fn http_is_followed(run: &mut Run<'_>) -> Verdict {
    let found = run.samples.any_filled()?;
    follows_http(run, &run.relationship_path(&found.owner, &found.name))
}

fn include_starts_with_the_relationship(run: &mut Run<'_>) -> Verdict {
    if !run.world.include {
        return unjudged("the world says that the server has no include");
    }
    let found = run.samples.any_filled()?;
    let path = run.relationship_path(&found.owner, &found.name);
    let answer = run.send(&Request::get(path).query("include", &found.name))?;
    let included = answer.is(&[200])?.included();
    let fits = included
        .iter()
        .any(|it| it["type"] == found.target.as_str());
    answer.must(
        fits,
        &format!("included {}", found.target),
        &answer.document["included"],
    )
}
