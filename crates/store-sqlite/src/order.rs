//! Orders as keys of SQL. [`Order::compare`] says what they mean: NULL is the least value of
//! SQLite, then come numbers, then texts, as it is there.

use std::sync::Arc;

use resources::query::{Bound, Key, KeyPath, MemberPath, Order, SortValue};
use resources::schema::{Kinds, Link, Relationship};
use rusqlite::types::Value;

use super::functions::key_value;
use super::id::sql_value;
use super::sql::{Member, Parameters, Row, id_of_member, number};

/// One of the expressions by which rows are sorted.
pub(super) struct SortKey {
    pub(super) expression: String,
    pub(super) descending: bool,
    /// Whether it is NULL for some rows.
    pub(super) nullable: bool,
}

impl SortKey {
    fn new(expression: String, descending: bool, nullable: bool) -> Self {
        Self {
            expression,
            descending,
            nullable,
        }
    }

    pub(super) fn term(&self) -> String {
        let direction = if self.descending { " DESC" } else { "" };
        format!("{}{direction}", self.expression)
    }
}

/// The expressions that sort rows. No two rows are equal in all of them.
pub(super) fn keys(parameters: &mut Parameters, row: &Row<'_>, order: &Order) -> Vec<SortKey> {
    if order.is_creation() {
        let position = format!("{}.position", row.alias);
        return vec![SortKey::new(position, false, false)];
    }
    let mut keys = Vec::new();
    for key in deciding(order) {
        match &key.path {
            KeyPath::Id => {}
            KeyPath::Member { through, path } => {
                if !is_plain(path) {
                    let rank = |member: &Member| rank(member);
                    let rank = reached(parameters, row, through, path, &rank);
                    let rank = format!("coalesce({rank}, 0)");
                    keys.push(SortKey::new(rank, key.descending, false));
                }
                let value = |member: &Member| value(member, path);
                let value = reached(parameters, row, through, path, &value);
                keys.push(SortKey::new(value, key.descending, true));
            }
        }
    }
    let is_id = |key: &&Key| key.path == KeyPath::Id;
    let descending = order
        .keys
        .iter()
        .find(is_id)
        .is_some_and(|id| id.descending);
    keys.push(SortKey::new(format!("{}.id", row.alias), descending, false));
    keys
}

/// What the keys are at a place of the order.
pub(super) fn values(order: &Order, bound: &Bound) -> Vec<Value> {
    let mut values = Vec::new();
    for (at, key) in deciding(order).enumerate() {
        let value = bound.values.get(at).unwrap_or(&SortValue::Nothing);
        if let KeyPath::Member { path, .. } = &key.path {
            if !is_plain(path) {
                values.push(Value::Integer(value.rank().into()));
            }
            values.push(match value {
                SortValue::Nothing | SortValue::Object | SortValue::Array => Value::Null,
                SortValue::Number(value) => number(value),
                SortValue::Text(text) => Value::Text(text.clone()),
                SortValue::Stored(stored, text) => key_value(*stored, text),
                SortValue::Boolean(value) => Value::from(*value),
            });
        }
    }
    values.push(sql_value(&bound.id));
    values
}

/// The keys up to that of the id, after which nothing is equal.
fn deciding(order: &Order) -> impl Iterator<Item = &Key> {
    let until_id = order.keys.iter().position(|key| key.path == KeyPath::Id);
    let count = until_id.map_or(order.keys.len(), |id| id + 1);
    order.keys[..count].iter()
}

/// Whether SQLite's own order is that of the values which the schema allows there: an index over
/// the member has that order.
fn is_plain(path: &MemberPath) -> bool {
    let nothing = Kinds::NULL;
    path.kinds
        .are_within(nothing.and(Kinds::NUMBER).and(Kinds::TEXT))
        || path.kinds.are_within(nothing.and(Kinds::BOOLEAN))
}

/// The place of the value's kind among all kinds.
fn rank(member: &Member) -> String {
    format!(
        "CASE {} WHEN 'integer' THEN 1 WHEN 'real' THEN 1 WHEN 'text' THEN 2 WHEN 'object' THEN 3 \
         WHEN 'array' THEN 4 WHEN 'true' THEN 5 WHEN 'false' THEN 5 ELSE 0 END",
        member.kind()
    )
}

/// The value as far as it decides the place among those of its kind.
fn value(member: &Member, path: &MemberPath) -> String {
    let value = member.key(path.stored);
    if path.kinds.has(Kinds::ARRAY.and(Kinds::OBJECT)) {
        let kind = member.kind();
        return format!("CASE WHEN {kind} NOT IN ('array', 'object') THEN {value} END");
    }
    value
}

/// An expression about a member of the resource to which relationships lead.
fn reached(
    parameters: &mut Parameters,
    row: &Row<'_>,
    through: &[Arc<Relationship>],
    path: &MemberPath,
    expression: &dyn Fn(&Member) -> String,
) -> String {
    let Some((first, others)) = through.split_first() else {
        return expression(&row.member(path.names.iter().map(String::as_str)));
    };
    let related = Row::related(parameters, first);
    let inner = reached(parameters, &related, others, path, expression);
    let Link::One { member } = &first.link else {
        return "NULL".to_owned();
    };
    let id = id_of_member(related.ids, &row.member([member.as_str()]).value());
    let (table, alias) = (related.table(), &related.alias);
    format!("(SELECT {inner} FROM {table} WHERE {alias}.id = {id})")
}
