//! Filters that reach other resources. A member that is declared as a relationship holds ids, or
//! nothing; so its index alone decides.

use resources::query::{Comparison, Filter, Test};
use resources::schema::{Link, Relationship};
use rusqlite::types::Value;

use super::{condition, count as counted, is_one_of, operator};
use crate::indexes::links_table;
use crate::sql::{Parameters, Row, id_of_member};

/// There is a related resource that passes a filter.
pub(super) fn exists(
    parameters: &mut Parameters,
    row: &Row<'_>,
    relationship: &Relationship,
    filter: &Filter,
) -> String {
    let related = Row::related(parameters, relationship);
    if let Link::One { member } = &relationship.link
        && is_selective(filter)
    {
        let named = row.member([member.as_str()]).value();
        let (id, table) = (related.id_as_member(), related.table());
        let passes = condition(parameters, &related, filter);
        return format!("{named} IN (SELECT {id} FROM {table} WHERE {passes})");
    }
    let from = related_rows(row, relationship, &related);
    let passes = condition(parameters, &related, filter);
    format!("EXISTS (SELECT 1 FROM {from} AND ({passes}))")
}

/// Whether few resources pass, as far as the filter alone tells: then they are looked for first, and
/// by an index those that name them; else each resource in turn is asked for what it names, until
/// the page is full.
fn is_selective(filter: &Filter) -> bool {
    match filter {
        Filter::Ids(_) => true,
        Filter::Member { test, .. } => matches!(
            test,
            Test::Compare(Comparison::Equal, _) | Test::OneOf(_) | Test::Links(_)
        ),
        Filter::All(filters) => filters.iter().any(is_selective),
        Filter::Related { filter, .. } => is_selective(filter),
        Filter::Everything | Filter::Any(_) | Filter::Not(_) | Filter::Count { .. } => false,
    }
}

/// So many resources are related. No more of them are counted than decide it.
pub(super) fn count(
    parameters: &mut Parameters,
    row: &Row<'_>,
    relationship: &Relationship,
    comparison: Comparison,
    number: u64,
) -> String {
    let (operator, wanted) = (operator(comparison), parameters.bind(counted(number)));
    if let Some(member) = relationship.own_member() {
        let length = row.member([member]).length();
        return format!("coalesce({length}, 0) {operator} {wanted}");
    }
    let related = Row::related(parameters, relationship);
    let from = related_rows(row, relationship, &related);
    let enough = parameters.bind(counted(number.saturating_add(1)));
    format!("(SELECT count(*) FROM (SELECT 1 FROM {from} LIMIT {enough})) {operator} {wanted}")
}

/// Tables and the condition that the rows of `related` are related to a row.
fn related_rows(row: &Row<'_>, relationship: &Relationship, related: &Row<'_>) -> String {
    let (table, alias) = (related.table(), &related.alias);
    match &relationship.link {
        Link::One { member } => {
            let id = id_of_member(related.ids, &row.member([member.as_str()]).value());
            format!("{table} WHERE {alias}.id = {id}")
        }
        Link::Many { member } => {
            let member = row.member([member.as_str()]);
            let (kind, elements) = (member.kind(), member.elements("l"));
            let id = id_of_member(related.ids, "l.atom");
            format!(
                "{elements} CROSS JOIN {table} WHERE {kind} = 'array' \
                 AND l.type IN ('text', 'integer') AND {alias}.id = {id}"
            )
        }
        Link::Inverse {
            member,
            is_many: false,
            ..
        } => {
            let named = related.member([member.as_str()]).value();
            format!("{table} WHERE {named} = {}", row.id_as_member())
        }
        Link::Inverse { member, .. } => {
            let (links, id) = (links_table(&related.collection, member), row.id_as_member());
            format!(
                "{links} AS l CROSS JOIN {table} WHERE l.target = {id} \
                 AND {alias}.position = l.position"
            )
        }
    }
}

/// The condition that a member which is declared as a relationship names one of these ids.
pub(super) fn links(
    parameters: &mut Parameters,
    row: &Row<'_>,
    member: &str,
    ids: Vec<Value>,
) -> Option<String> {
    let is_declared = |one: &&_| -> bool {
        let one: &Relationship = one;
        one.own_member() == Some(member)
    };
    let declared = row
        .relationships
        .iter()
        .map(|one| &**one)
        .find(is_declared)?;
    if declared.is_to_one() {
        let value = row.member([member]).value();
        return Some(is_one_of(parameters, &value, ids));
    }
    let named = is_one_of(parameters, "target", ids);
    Some(format!(
        "{}.position IN (SELECT position FROM {} WHERE {named})",
        row.alias,
        links_table(&row.collection, member)
    ))
}
