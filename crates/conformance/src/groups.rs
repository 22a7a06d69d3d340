//! The checks, a module for each group, and how one run goes through them.

mod atomic;
mod creating;
mod cursors;
mod deleting;
mod errors;
mod extensions;
mod fetching;
mod fields;
mod filter;
mod include;
mod linkage;
mod negotiation;
mod page;
mod parameters;
mod recommendations;
mod sort;
mod structure;
mod updating;
mod updating_linkage;

use crate::Problem;
use crate::obligation::{Obligation, groups, obligations};
use crate::report::{Outcome, Report, Row};
use crate::run::Run;
use crate::verdict::{Miss, Verdict};

/// Judges one obligation with requests of its own.
type Check = fn(&mut Run<'_>) -> Verdict;

/// The checks of one group by their ids. An obligation without one is judged by the answers of the
/// whole run alone; one that has both must pass both.
type Checks = &'static [(&'static str, Check)];

const GROUPS: [Checks; 19] = [
    negotiation::CHECKS,
    structure::CHECKS,
    fetching::CHECKS,
    linkage::CHECKS,
    include::CHECKS,
    fields::CHECKS,
    sort::CHECKS,
    page::CHECKS,
    filter::CHECKS,
    parameters::CHECKS,
    errors::CHECKS,
    cursors::CHECKS,
    recommendations::CHECKS,
    creating::CHECKS,
    updating::CHECKS,
    updating_linkage::CHECKS,
    deleting::CHECKS,
    extensions::CHECKS,
    atomic::CHECKS,
];

/// The groups and single obligations that are wanted, in any case; all groups if none is named.
pub(crate) fn choose(wanted: &[String]) -> Result<Vec<String>, Problem> {
    let known: Vec<&str> = groups().map(|(letters, _)| letters).collect();
    let wanted: Vec<String> = wanted.iter().map(|it| it.to_ascii_uppercase()).collect();
    for name in &wanted {
        let single = obligations().iter().any(|it| it.id == name);
        if !single && !known.contains(&name.as_str()) {
            let known = known.join(", ");
            let text =
                format!("'{name}' is neither a group nor an obligation; the groups are {known}");
            return Err(Problem::Group(text));
        }
    }
    let all = known.iter().map(|it| (*it).to_owned());
    Ok(if wanted.is_empty() {
        all.collect()
    } else {
        wanted
    })
}

/// Runs the checks of these groups and obligations.
pub(crate) fn judge(run: &mut Run<'_>, chosen: &[String], base: &str) -> Report {
    let wanted = || {
        let all = obligations().iter();
        all.filter(|it| {
            chosen
                .iter()
                .any(|name| name == it.group() || name == it.id)
        })
    };
    let mut found: Vec<Option<Verdict>> = Vec::new();
    for obligation in wanted() {
        let check = check(obligation);
        found.push(check.map(|check| check(run)));
        run.tidy();
    }
    // Only now has every answer been seen.
    let rows = wanted().zip(found).map(|(obligation, verdict)| Row {
        obligation: obligation.clone(),
        outcome: outcome(run, obligation, verdict),
    });
    Report {
        base: base.to_owned(),
        rows: rows.collect(),
        requests: run.requests,
        left: run.left.clone(),
    }
}

fn check(obligation: &Obligation) -> Option<Check> {
    let all = GROUPS.iter().flat_map(|checks| checks.iter());
    let mut found = all.filter(|(id, _)| *id == obligation.id);
    found.next().map(|(_, check)| *check)
}

/// What the check and the answers of the run say together.
fn outcome(run: &Run<'_>, obligation: &Obligation, verdict: Option<Verdict>) -> Outcome {
    let fails = |found: String| {
        if obligation.level == crate::Level::Advised {
            Outcome::Differs(found)
        } else {
            Outcome::Fail(found)
        }
    };
    match (verdict, run.tallies.verdict(obligation.id)) {
        (Some(Err(Miss::Fails(found))), _) | (_, Some(Err(Miss::Fails(found)))) => fails(found),
        (Some(Ok(())), _) | (_, Some(Ok(()))) => Outcome::Pass,
        (Some(Err(Miss::Unjudged(reason))), _) | (None, Some(Err(Miss::Unjudged(reason)))) => {
            Outcome::Unjudged(reason)
        }
        (None, None) => Outcome::Unjudged("no answer of this run had anything of the kind".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::responses::RULES;

    #[test]
    fn every_obligation_has_a_check_or_a_rule_and_no_check_is_without_obligation() {
        let known: BTreeSet<&str> = obligations().iter().map(|it| it.id).collect();
        let checks = GROUPS.iter().flat_map(|checks| checks.iter());
        let checks: Vec<&str> = checks.map(|(id, _)| *id).collect();
        let unique: BTreeSet<&str> = checks.iter().copied().collect();
        assert_eq!(checks.len(), unique.len(), "an id has two checks");
        let judged: BTreeSet<&str> = unique
            .union(&RULES.iter().copied().collect())
            .copied()
            .collect();
        assert_eq!(judged, known);
    }
}
