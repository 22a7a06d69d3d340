//! Which rows a query selects, in which order: the positions of a page as a statement.
//!
//! A place in an order is a list of ranges, each over one key behind keys that are equal. SQLite
//! finds the start of each in an index, so that a page costs the same wherever it begins.

use resources::query::{Bound, Filter, Order, Query};
use rusqlite::types::Value;

use super::filter::condition;
use super::order::{self, SortKey};
use super::sql::{Parameters, Row, joined};

const IS_NULL: &str = " IS NULL";

/// More rows than a collection can have.
pub(super) const LIMIT_MAX: u64 = 1 << 62;

/// The positions of the rows of a page, and of one more if there is one. Those of a query from the
/// end come from the last to the first.
pub(super) fn positions(parameters: &mut Parameters, row: &Row<'_>, query: &Query) -> String {
    let filter = condition(parameters, row, &query.filter);
    let keys = keys(parameters, row, &query.order, query.from_end);
    let (table, alias) = (row.table(), &row.alias);
    let limit = query.limit.min(LIMIT_MAX) + 1;
    let skip = query.skip.min(LIMIT_MAX);
    let select = |condition: &str, keys: &[SortKey]| {
        let order: Vec<String> = keys.iter().map(SortKey::term).collect();
        let order = order.join(", ");
        format!("SELECT {alias}.position FROM {table} WHERE {condition} ORDER BY {order}")
    };
    let ranges = ranges(parameters, &keys, query);
    let rows = integer(skip + limit);
    let (limit, skip) = (integer(limit), integer(skip));
    if ranges.is_empty() {
        let (limit, skip) = (parameters.bind(limit), parameters.bind(skip));
        return format!("{} LIMIT {limit} OFFSET {skip}", select(&filter, &keys));
    }
    let rows = parameters.bind(rows);
    let part = |range: &Range| {
        let condition = format!("({filter}) AND {}", range.condition);
        let part = select(&condition, &keys[range.sorted_from..]);
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

/// The values of the keys at a place of the order, each with its parameter.
type Place = Vec<(Value, String)>;

/// A part of an order, as a condition.
struct Range {
    condition: String,
    /// Keys before this one are equal within it: SQLite does not see that by itself.
    sorted_from: usize,
}

/// The parts of the order that are within the bounds of a query, one after the other. None where
/// there is no bound.
fn ranges(parameters: &mut Parameters, keys: &[SortKey], query: &Query) -> Vec<Range> {
    let (start, end) = if query.from_end {
        (&query.before, &query.after)
    } else {
        (&query.after, &query.before)
    };
    let mut place = |bound: &Option<Bound>| -> Option<Place> {
        let values = order::values(&query.order, bound.as_ref()?);
        let bound = |value: Value| (value.clone(), parameters.bind(value));
        Some(values.into_iter().map(bound).collect())
    };
    match (place(start), place(end)) {
        (None, None) => Vec::new(),
        (Some(start), None) => behind(keys, &start),
        (None, Some(end)) => ahead(keys, &end),
        (Some(start), Some(end)) => {
            let mut ranges = behind(keys, &start);
            let within = ahead(keys, &end).into_iter();
            let within: Vec<String> = within.map(|range| range.condition).collect();
            let within = joined(&within, "OR", "FALSE");
            for range in &mut ranges {
                let last = last(&keys[0], &end[0], range);
                range.condition = format!("{} AND {within}{last}", range.condition);
            }
            ranges
        }
    }
}

/// Where the index of the first key may stop, in a range of its values: that they are within the
/// bounds would be looked at to the end of the order.
fn last(first: &SortKey, (end, parameter): &(Value, String), range: &Range) -> String {
    if range.sorted_from > 0 || *end == Value::Null {
        return String::new();
    }
    let operator = if first.descending { ">=" } else { "<=" };
    format!(" AND {} {operator} {parameter}", first.expression)
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
        // Not NULL, in a way that an index can search: the least number, and texts are greater.
        (Value::Null, false) => vec![format!("{expression} >= -9e999")],
        (_, false) => vec![format!("{expression} > {parameter}")],
        (_, true) => {
            let mut parts = vec![format!("{expression} < {parameter}")];
            if key.nullable {
                parts.push(format!("{expression}{IS_NULL}"));
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
                Value::Null => format!("{expression}{IS_NULL}"),
                _ => format!("{expression} = {parameter}"),
            }
        });
    // NULL is a single value.
    let sorted_from = at + usize::from(part.ends_with(IS_NULL));
    let conditions: Vec<String> = equal.chain([part]).collect();
    Range {
        condition: conditions.join(" AND "),
        sorted_from,
    }
}
