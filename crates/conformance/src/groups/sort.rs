//! SO: sorting.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::Checks;
use crate::exchange::{Answer, Request};
use crate::run::Run;
use crate::verdict::{Miss, Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("SO-1", a_sort_field_is_taken),
    ("SO-2", several_sort_fields_apply_in_order),
    ("SO-3", minus_means_descending),
    ("SO-4", an_unsupported_sort_is_refused),
    ("SO-5", the_data_is_in_order),
    ("SO-6", related_attributes_sort),
    ("SO-7", one_resource_is_not_sorted),
];

/// The attributes that a list can be sorted by.
pub(super) fn sortable<'w>(run: &Run<'w>) -> Result<&'w [String], Miss> {
    run.samples.all()?;
    match run.main().sort.as_slice() {
        [] => unjudged("the world names no attribute to sort by"),
        names => Ok(names),
    }
}

fn sorted(run: &mut Run<'_>, sort: &str) -> Result<Answer, Miss> {
    let request = Request::get(run.collection()).query("sort", sort);
    let answer = run.send(&request)?;
    answer.is(&[200])?;
    Ok(answer)
}

/// The order of two values, as far as everyone agrees on it: that of numbers, and that of texts
/// which first differ in two ASCII letters of one case, or of which one begins the other. How case,
/// digits and other letters are ordered is the server's choice.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (left.as_f64(), right.as_f64()) {
        return left.partial_cmp(&right);
    }
    let (left, right) = (left.as_str()?, right.as_str()?);
    let mut pairs = left.chars().zip(right.chars());
    let Some((first, second)) = pairs.find(|(first, second)| first != second) else {
        return Some(left.len().cmp(&right.len()));
    };
    let lower = first.is_ascii_lowercase() && second.is_ascii_lowercase();
    let upper = first.is_ascii_uppercase() && second.is_ascii_uppercase();
    (lower || upper).then(|| first.cmp(&second))
}

/// Fails unless the resources stand in this order; `-` before a name reverses it.
fn stands_in_order(answer: &Answer, sort: &[String]) -> Verdict {
    let pairs = answer.items().windows(2);
    for pair in pairs {
        for field in sort {
            let (name, descending) = match field.strip_prefix('-') {
                Some(name) => (name, true),
                None => (field.as_str(), false),
            };
            let value = |index: usize| &pair[index]["attributes"][name];
            let found = order(value(0), value(1));
            let found = if descending {
                found.map(Ordering::reverse)
            } else {
                found
            };
            match found {
                Some(Ordering::Equal) => {}
                Some(Ordering::Greater) => {
                    let found = json!([value(0), value(1)]);
                    return answer.must(false, &format!("the order of {}", sort.join(",")), &found);
                }
                Some(Ordering::Less) | None => break,
            }
        }
    }
    Ok(())
}

fn a_sort_field_is_taken(run: &mut Run<'_>) -> Verdict {
    for name in sortable(run)? {
        sorted(run, name)?;
    }
    Ok(())
}

fn several_sort_fields_apply_in_order(run: &mut Run<'_>) -> Verdict {
    let [first, second, ..] = sortable(run)? else {
        return unjudged("the world names one attribute to sort by");
    };
    for sort in [
        [first.clone(), format!("-{second}")],
        [format!("-{second}"), first.clone()],
    ] {
        let answer = sorted(run, &sort.join(","))?;
        stands_in_order(&answer, &sort)?;
    }
    Ok(())
}

fn minus_means_descending(run: &mut Run<'_>) -> Verdict {
    for name in sortable(run)? {
        let descending = format!("-{name}");
        let answer = sorted(run, &descending)?;
        stands_in_order(&answer, &[descending])?;
        let answer = sorted(run, name)?;
        stands_in_order(&answer, std::slice::from_ref(name))?;
    }
    Ok(())
}

fn an_unsupported_sort_is_refused(run: &mut Run<'_>) -> Verdict {
    let mut values = vec![",".to_owned()];
    let sortable = run.main().sort.first();
    values.extend(sortable.map(|name| format!("{name},,{name}")));
    if !run.main().open {
        values.extend(["unknownField", "-unknownField"].map(str::to_owned));
        values.extend(sortable.map(|name| format!("{name},unknownField")));
    }
    for value in values {
        let request = Request::get(run.collection()).query("sort", &value);
        run.send(&request)?.is(&[400])?;
    }
    Ok(())
}

fn the_data_is_in_order(run: &mut Run<'_>) -> Verdict {
    for name in sortable(run)? {
        for field in [name.clone(), format!("-{name}")] {
            let answer = sorted(run, &field)?;
            stands_in_order(&answer, std::slice::from_ref(&field))?;
            let total = run.samples.all()?.len().min(answer.items().len());
            let known = answer.items().len() >= total;
            answer.must(known, "as many resources as without a sort", &json!(total))?;
        }
    }
    Ok(())
}

fn related_attributes_sort(run: &mut Run<'_>) -> Verdict {
    run.samples.all()?;
    let mut relationships = run.main().relationships.iter().filter(|it| !it.many);
    let path = relationships.find_map(|relationship| {
        let target = run.world.types.get(&relationship.target)?;
        let name = target.sort.first().or(target.strings.first())?;
        Some(format!("{}.{name}", relationship.name))
    });
    let Some(path) = path else {
        return unjudged("the world names no attribute of a to-one relationship");
    };
    let request = Request::get(run.collection()).query("sort", &path);
    let answer = run.send(&request)?;
    if answer.is(&[200, 400])?.status == 400 {
        answer.blames("parameter", "sort")?;
    }
    Ok(())
}

fn one_resource_is_not_sorted(run: &mut Run<'_>) -> Verdict {
    let one = run.samples.one()?;
    let name = run.main().sort.first().or(run.main().strings.first());
    let Some(name) = name else {
        return unjudged("the world names no attribute");
    };
    let request = Request::get(run.path_of(&one)).query("sort", name);
    run.send(&request)?.is(&[200, 400])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_an_order_that_everyone_agrees_on_is_demanded() {
        for (left, right) in [
            (json!(2), json!(10)),
            (json!("ab"), json!("abc")),
            (json!("a b"), json!("a c")),
            (json!("Ab"), json!("Ca")),
        ] {
            assert_eq!(order(&left, &right), Some(Ordering::Less), "{left} {right}");
            assert_eq!(
                order(&right, &left),
                Some(Ordering::Greater),
                "{left} {right}"
            );
        }
        for (left, right) in [("a", "B"), ("a9", "a10"), ("a-b", "a b"), ("\u{e4}", "b")] {
            assert_eq!(order(&json!(left), &json!(right)), None, "{left} {right}");
        }
        assert_eq!(order(&Value::Null, &json!(1)), None);
    }
}
