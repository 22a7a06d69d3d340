//! Which rows a query selects, in which order: the positions of a page as a statement.
//!
//! A place in an order is a list of ranges, each over one key behind keys that are equal. SQLite
//! finds the start of each in an index, so that a page costs the same wherever it begins.

use resources::query::{Bound, Filter, Order, Query};
use rusqlite::types::Value;

use super::filter::condition;
use super::order::{self, SortKey};
use super::sql::{Parameters, Row, joined};

/// More rows than a collection can have.
pub(super) const LIMIT_MAX: u64 = 1 << 62;

/// The positions of the rows of a page, and of one more if there is one. Those of a query from the
/// end come from the last to the first.
pub(super) fn positions(parameters: &mut Parameters, row: &Row<'_>, query: &Query) -> String {
    let filter = condition(parameters, row, &query.filter);
    let keys = keys(parameters, row, &query.order, query.from_end);
    let order: Vec<String> = keys.iter().map(SortKey::term).collect();
    let (table, alias, order) = (row.table(), &row.alias, order.join(", "));
    let limit = query.limit.min(LIMIT_MAX) + 1;
    let skip = query.skip.min(LIMIT_MAX);
    let select = |condition: &str| {
        format!("SELECT {alias}.position FROM {table} WHERE {condition} ORDER BY {order}")
    };
    let ranges = ranges(parameters, &keys, query);
    let rows = integer(skip + limit);
    let (limit, skip) = (integer(limit), integer(skip));
    if ranges.is_empty() {
        let (limit, skip) = (parameters.bind(limit), parameters.bind(skip));
        return format!("{} LIMIT {limit} OFFSET {skip}", select(&filter));
    }
    let rows = parameters.bind(rows);
    let part = |range: &String| {
        let part = select(&format!("({filter}) AND {range}"));
        format!("SELECT position FROM ({part} LIMIT {rows})")
    };
    let parts: Vec<String> = ranges.iter().map(part).collect();
    let (limit, skip) = (parameters.bind(limit), parameters.bind(skip));
    format!("{} LIMIT {limit} OFFSET {skip}", parts.join(" UNION ALL "))
}

/// How many rows pass a filter, at most one more than `bound`.
pub(super) fn count(
    parameters: &mut Parameters,
    row: &Row<'_>,
    filter: &Filter,
    bound: u64,
) -> String {
    let passes = condition(parameters, row, filter);
    let enough = parameters.bind(integer(bound.min(LIMIT_MAX) + 1));
    let table = row.table();
    format!("SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {passes} LIMIT {enough})")
}

fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn keys(parameters: &mut Parameters, row: &Row<'_>, order: &Order, from_end: bool) -> Vec<SortKey> {
    let mut keys = order::keys(parameters, row, order);
    if from_end {
        for key in &mut keys {
            key.descending = !key.descending;
        }
    }
    keys
}

/// A part of an order, as a condition.
struct Range {
    condition: String,
    /// Whether it is a range of values of the first key.
    is_of_first: bool,
}

/// The parts of the order that are within the bounds of a query, one after the other. None where
/// there is no bound.
fn ranges(parameters: &mut Parameters, keys: &[SortKey], query: &Query) -> Vec<String> {
    let (start, end) = if query.from_end {
        (&query.before, &query.after)
    } else {
        (&query.after, &query.before)
    };
    let mut values = |bound: &Option<Bound>| -> Option<Vec<(Value, String)>> {
        let values = order::values(&query.order, bound.as_ref()?);
        let bound = |value: Value| (value.clone(), parameters.bind(value));
        Some(values.into_iter().map(bound).collect())
    };
    let conditions = |ranges: Vec<Range>| ranges.into_iter().map(|range| range.condition);
    match (values(start), values(end)) {
        (None, None) => Vec::new(),
        (Some(start), None) => conditions(behind(keys, &start)).collect(),
        (None, Some(end)) => conditions(ahead(keys, &end)).collect(),
        (Some(start), Some(end)) => {
            let within: Vec<String> = conditions(ahead(keys, &end)).collect();
            let within = joined(&within, "OR", "FALSE");
            // Where the index may stop; `within` alone would be looked at to the end of the order.
            let last = match &end[0] {
                (Value::Null, _) => String::new(),
                (_, end) => {
                    let operator = if keys[0].descending { ">=" } else { "<=" };
                    format!(" AND {} {operator} {end}", keys[0].expression)
                }
            };
            let bounded = |range: Range| {
                let last = if range.is_of_first { &last } else { "" };
                format!("{} AND {within}{last}", range.condition)
            };
            behind(keys, &start).into_iter().map(bounded).collect()
        }
    }
}

/// What stands behind a place, in order.
fn behind(keys: &[SortKey], place: &[(Value, String)]) -> Vec<Range> {
    let from_last = (0..keys.len()).rev();
    let parts = from_last.flat_map(|at| {
        let parts = sides(&keys[at], &place[at], keys[at].descending);
        parts.into_iter().map(move |part| (at, part))
    });
    parts
        .map(|(at, part)| range(keys, place, at, part))
        .collect()
}

/// What stands before a place, in order.
fn ahead(keys: &[SortKey], place: &[(Value, String)]) -> Vec<Range> {
    let from_first = 0..keys.len();
    let parts = from_first.flat_map(|at| {
        let mut parts = sides(&keys[at], &place[at], !keys[at].descending);
        parts.reverse();
        parts.into_iter().map(move |part| (at, part))
    });
    parts
        .map(|(at, part)| range(keys, place, at, part))
        .collect()
}

/// The parts of a key on one side of a value, those that are nearer to it first. NULL is the least.
fn sides(key: &SortKey, (value, parameter): &(Value, String), is_less: bool) -> Vec<String> {
    let expression = &key.expression;
    match (value, is_less) {
        (Value::Null, true) => Vec::new(),
        (Value::Null, false) => vec![format!("{expression} IS NOT NULL")],
        (_, false) => vec![format!("{expression} > {parameter}")],
        (_, true) => {
            let mut parts = vec![format!("{expression} < {parameter}")];
            if key.nullable {
                parts.push(format!("{expression} IS NULL"));
            }
            parts
        }
    }
}

fn range(keys: &[SortKey], place: &[(Value, String)], at: usize, part: String) -> Range {
    let equal = keys[..at]
        .iter()
        .zip(place)
        .map(|(key, (value, parameter))| {
            let expression = &key.expression;
            match value {
                Value::Null => format!("{expression} IS NULL"),
                _ => format!("{expression} = {parameter}"),
            }
        });
    let is_of_first = at == 0 && !part.ends_with("IS NULL");
    let conditions: Vec<String> = equal.chain([part]).collect();
    Range {
        condition: conditions.join(" AND "),
        is_of_first,
    }
}
