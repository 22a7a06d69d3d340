//! Filters as conditions of SQL. [`Filter::matches`] says what they mean.
//!
//! A condition that is NULL does not hold. AND and OR keep it so, and a negation is `IS NOT TRUE`,
//! which never is NULL.

mod related;
mod test;

use resources::query::{Comparison, Filter};
use rusqlite::types::Value;

use super::id::sql_value;
use super::sql::{Parameters, Row, joined};

const TRUE: &str = "TRUE";
const FALSE: &str = "FALSE";

/// The condition that a row passes a filter.
pub(super) fn condition(parameters: &mut Parameters, row: &Row<'_>, filter: &Filter) -> String {
    match filter {
        Filter::Everything => TRUE.to_owned(),
        Filter::All(filters) => joined(&all(parameters, row, filters), "AND", TRUE),
        Filter::Any(filters) => joined(&all(parameters, row, filters), "OR", FALSE),
        Filter::Not(filter) => format!("({}) IS NOT TRUE", condition(parameters, row, filter)),
        Filter::Ids(ids) => is_one_of(
            parameters,
            &format!("{}.id", row.alias),
            ids.iter().map(sql_value).collect(),
        ),
        Filter::Member { path, test } => test::condition(parameters, row, path, test),
        Filter::Related {
            relationship,
            filter,
        } => related::exists(parameters, row, relationship, filter),
        Filter::Count {
            relationship,
            comparison,
            number,
        } => related::count(parameters, row, relationship, *comparison, *number),
    }
}

fn all(parameters: &mut Parameters, row: &Row<'_>, filters: &[Filter]) -> Vec<String> {
    let condition = |filter| condition(parameters, row, filter);
    filters.iter().map(condition).collect()
}

/// The condition that an expression is one of these values.
fn is_one_of(parameters: &mut Parameters, expression: &str, values: Vec<Value>) -> String {
    if values.is_empty() {
        return FALSE.to_owned();
    }
    format!("{expression} IN ({})", parameters.bind_all(values))
}

fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

/// A number of things: none has more than SQLite can count.
fn count(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
