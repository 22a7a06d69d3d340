//! Tests of single members.
//!
//! `->>` gives numbers for booleans and texts for arrays and objects. Where the schema allows such
//! values, a condition looks at the kind of the value as well; where it does not, the condition is
//! one that an index alone decides.

use resources::query::{Comparison, MemberPath, Scalar, Test, TextMatch, folded};
use resources::schema::{Id, Kinds};
use rusqlite::types::Value;

use super::{FALSE, count, is_one_of, operator};
use crate::functions::key_value;
use crate::id::member_value;
use crate::sql::{Member, Parameters, Row, joined, keyed, number};

/// What `->>` gives as a text.
const TEXTS: Kinds = Kinds::TEXT.and(Kinds::ARRAY).and(Kinds::OBJECT);

/// What `->>` gives as a number.
const NUMBERS: Kinds = Kinds::NUMBER.and(Kinds::BOOLEAN);

pub(super) fn condition(
    parameters: &mut Parameters,
    row: &Row<'_>,
    path: &MemberPath,
    test: &Test,
) -> String {
    let member = row.member(path.names.iter().map(String::as_str));
    let (value, kind, kinds) = (member.value(), member.kind(), path.kinds);
    match test {
        Test::Compare(_, scalar) if !path.compares_with(scalar) => FALSE.to_owned(),
        Test::Compare(comparison, scalar) => {
            compare(parameters, &member, kinds, *comparison, scalar)
        }
        Test::OneOf(scalars) => one_of(parameters, &member, path, scalars),
        Test::Null => format!("{value} IS NULL AND {kind} = 'null'"),
        Test::Missing => format!("{value} IS NULL AND {kind} IS NULL"),
        Test::Text { .. } if path.stored.is_some() => FALSE.to_owned(),
        Test::Text {
            relation,
            ignores_case,
            text,
        } => {
            let related = if *ignores_case {
                let value = format!("folded({value})");
                text_relation(parameters, &value, *relation, folded(text))
            } else {
                text_relation(parameters, &value, *relation, text.clone())
            };
            let is_certain = kinds.are_within(Kinds::TEXT.and(Kinds::NULL));
            guarded(related, !is_certain, &format!("{kind} = 'text'"))
        }
        Test::Size(comparison, size) => {
            let size = parameters.bind(count(*size));
            let (length, operator) = (member.length(), operator(*comparison));
            format!("{kind} = 'array' AND {length} {operator} {size}")
        }
        Test::AnyElement(scalars) => {
            let element = row.element(parameters);
            let is_equal = any_element(parameters, &element.alias, path, scalars);
            any(&member, &element, &is_equal)
        }
        Test::AnyObject(filter) => {
            let element = row.element(parameters);
            let passes = super::condition(parameters, &element, filter);
            let passes = format!("{}.type = 'object' AND ({passes})", element.alias);
            any(&member, &element, &passes)
        }
        Test::Links(ids) => links(parameters, row, path, &member, ids),
    }
}

fn guarded(condition: String, is_needed: bool, guard: &str) -> String {
    if is_needed {
        return format!("{condition} AND {guard}");
    }
    condition
}

fn compare(
    parameters: &mut Parameters,
    member: &Member,
    kinds: Kinds,
    comparison: Comparison,
    scalar: &Scalar,
) -> String {
    let (value, kind) = (member.value(), member.kind());
    let (is_less, is_greater) = match comparison {
        Comparison::Equal => (false, false),
        Comparison::Less | Comparison::LessOrEqual => (true, false),
        Comparison::Greater | Comparison::GreaterOrEqual => (false, true),
    };
    let operator = operator(comparison);
    // For SQLite, all numbers are less than all texts, of which '' is the least.
    match scalar {
        Scalar::Number(other) => {
            let compared = format!("{value} {operator} {}", parameters.bind(number(other)));
            let compared = guarded(
                compared,
                is_greater && kinds.has(TEXTS),
                &format!("{value} < ''"),
            );
            let is_number = format!("{kind} IN ('integer', 'real')");
            guarded(compared, kinds.has(Kinds::BOOLEAN), &is_number)
        }
        Scalar::Text(other) => {
            let compared = format!("{value} {operator} {}", parameters.bind(other.clone()));
            let compared = guarded(
                compared,
                is_less && kinds.has(NUMBERS),
                &format!("{value} >= ''"),
            );
            guarded(
                compared,
                kinds.has(Kinds::ARRAY.and(Kinds::OBJECT)),
                &format!("{kind} = 'text'"),
            )
        }
        Scalar::Stored(stored, other) => {
            let other = parameters.bind(key_value(*stored, other));
            let compared = format!("{} {operator} {other}", member.key(Some(*stored)));
            // No other values have keys of bytes.
            let is_certain = kinds.are_within(Kinds::TEXT.and(Kinds::NULL));
            let is_needed = stored.compares_as_text() && !is_certain;
            guarded(compared, is_needed, &format!("{kind} = 'text'"))
        }
        Scalar::Boolean(other) => {
            let holds = |value: &bool| comparison.holds(value.cmp(other));
            let fitting: Vec<bool> = [false, true].into_iter().filter(holds).collect();
            booleans(parameters, member, kinds, &fitting)
        }
    }
}

fn booleans(
    parameters: &mut Parameters,
    member: &Member,
    kinds: Kinds,
    fitting: &[bool],
) -> String {
    let values = fitting.iter().map(|value| Value::from(*value)).collect();
    let condition = is_one_of(parameters, &member.value(), values);
    let is_certain = kinds.are_within(Kinds::BOOLEAN.and(Kinds::NULL));
    let is_boolean = format!("{} IN ('true', 'false')", member.kind());
    guarded(condition, !is_certain, &is_boolean)
}

/// Scalars by their kinds: numbers, texts and booleans.
fn by_kind(path: &MemberPath, scalars: &[Scalar]) -> (Vec<Value>, Vec<Value>, Vec<bool>) {
    let (mut numbers, mut texts, mut booleans) = (Vec::new(), Vec::new(), Vec::new());
    for scalar in scalars.iter().filter(|scalar| path.compares_with(scalar)) {
        match scalar {
            Scalar::Number(one) => numbers.push(number(one)),
            Scalar::Text(text) => texts.push(Value::Text(text.clone())),
            Scalar::Stored(stored, text) => texts.push(key_value(*stored, text)),
            Scalar::Boolean(value) => booleans.push(*value),
        }
    }
    (numbers, texts, booleans)
}

fn one_of(
    parameters: &mut Parameters,
    member: &Member,
    path: &MemberPath,
    scalars: &[Scalar],
) -> String {
    let kinds = path.kinds;
    let (numbers, texts, fitting) = by_kind(path, scalars);
    let mut conditions = Vec::new();
    if !numbers.is_empty() {
        let condition = is_one_of(parameters, &member.value(), numbers);
        let is_number = format!("{} IN ('integer', 'real')", member.kind());
        conditions.push(guarded(condition, kinds.has(Kinds::BOOLEAN), &is_number));
    }
    if !texts.is_empty() {
        let condition = is_one_of(parameters, &member.key(path.stored), texts);
        let is_confused = kinds.has(Kinds::ARRAY.and(Kinds::OBJECT));
        let is_text = format!("{} = 'text'", member.kind());
        conditions.push(guarded(condition, is_confused, &is_text));
    }
    if !fitting.is_empty() {
        conditions.push(booleans(parameters, member, kinds, &fitting));
    }
    joined(&conditions, "OR", FALSE)
}

/// How a text relates to another one; NULL where it is none.
fn text_relation(
    parameters: &mut Parameters,
    value: &str,
    relation: TextMatch,
    text: String,
) -> String {
    match relation {
        TextMatch::Equals => format!("{value} = {}", parameters.bind(text)),
        TextMatch::Contains => format!("instr({value}, {}) > 0", parameters.bind(text)),
        TextMatch::StartsWith => {
            let end = end_of_prefix(&text).map(|end| parameters.bind(end));
            let end = end.map_or(String::new(), |end| format!(" AND {value} < {end}"));
            format!("{value} >= {}{end}", parameters.bind(text))
        }
        TextMatch::EndsWith if text.is_empty() => format!("{value} >= ''"),
        TextMatch::EndsWith => {
            // Bytes, since characters are not counted behind a NUL.
            let start = parameters.bind(-i64::try_from(text.len()).unwrap_or(i64::MAX));
            let text = parameters.bind(text.into_bytes());
            format!("substr(CAST({value} AS BLOB), {start}) = {text}")
        }
    }
}

/// The least text that is greater than all that start with this one, if there is one.
fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut start: Vec<char> = prefix.chars().collect();
    while let Some(last) = start.pop() {
        // The range leaves out what is no character.
        if let Some(next) = (last..=char::MAX).nth(1) {
            start.push(next);
            return Some(start.into_iter().collect());
        }
    }
    None
}

fn any(member: &Member, element: &Row<'_>, condition: &str) -> String {
    let (kind, elements) = (member.kind(), member.elements(&element.alias));
    format!("{kind} = 'array' AND EXISTS (SELECT 1 FROM {elements} WHERE {condition})")
}

fn any_element(
    parameters: &mut Parameters,
    alias: &str,
    path: &MemberPath,
    scalars: &[Scalar],
) -> String {
    let (numbers, texts, booleans) = by_kind(path, scalars);
    let mut conditions = Vec::new();
    let atom = format!("{alias}.atom");
    let text = keyed(&atom, path.stored);
    for (kinds, atom, values) in [
        ("'integer', 'real'", &atom, numbers),
        ("'text'", &text, texts),
    ] {
        if !values.is_empty() {
            let is_equal = is_one_of(parameters, atom, values);
            conditions.push(format!("{alias}.type IN ({kinds}) AND {is_equal}"));
        }
    }
    conditions.extend(
        booleans
            .iter()
            .map(|value| format!("{alias}.type = '{value}'")),
    );
    joined(&conditions, "OR", FALSE)
}

/// Whether a member names one of these resources.
fn links(
    parameters: &mut Parameters,
    row: &Row<'_>,
    path: &MemberPath,
    member: &Member,
    ids: &[Id],
) -> String {
    let values: Vec<Value> = ids.iter().map(member_value).collect();
    if let [name] = &path.names[..]
        && let Some(found) = super::related::links(parameters, row, name, values.clone())
    {
        return found;
    }
    let kinds = "IN ('integer', 'text')";
    let (value, kind) = (member.value(), member.kind());
    let itself = is_one_of(parameters, &value, values.clone());
    let element = row.element(parameters);
    let alias = &element.alias;
    let one = is_one_of(parameters, &format!("{alias}.atom"), values);
    let one = any(member, &element, &format!("{alias}.type {kinds} AND {one}"));
    format!("({kind} {kinds} AND {itself}) OR ({one})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_no_text_starts_with_it() {
        for (prefix, end) in [
            ("ab", Some("ac")),
            ("a\u{d7ff}", Some("a\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(end_of_prefix(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
