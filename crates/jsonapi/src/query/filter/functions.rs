//! The names of functions and operators, and what they stand for.

use super::{Case, Comparison, TextMatch};

/// What the arguments of a function are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    And,
    Or,
    Not,
    Compare(Comparison),
    Between,
    Any,
    Text(TextMatch, Case),
    Has,
    AnyElement,
    Missing,
}

/// Every function that is a condition.
pub(super) const FUNCTIONS: [(&str, Function); 20] = [
    ("and", Function::And),
    ("or", Function::Or),
    ("not", Function::Not),
    ("equals", Function::Compare(Comparison::Equal)),
    ("lessThan", Function::Compare(Comparison::Less)),
    ("lessOrEqual", Function::Compare(Comparison::LessOrEqual)),
    ("greaterThan", Function::Compare(Comparison::Greater)),
    (
        "greaterOrEqual",
        Function::Compare(Comparison::GreaterOrEqual),
    ),
    ("between", Function::Between),
    ("any", Function::Any),
    (
        "contains",
        Function::Text(TextMatch::Contains, Case::Respected),
    ),
    (
        "startsWith",
        Function::Text(TextMatch::StartsWith, Case::Respected),
    ),
    (
        "endsWith",
        Function::Text(TextMatch::EndsWith, Case::Respected),
    ),
    ("iequals", Function::Text(TextMatch::Equals, Case::Ignored)),
    (
        "icontains",
        Function::Text(TextMatch::Contains, Case::Ignored),
    ),
    (
        "istartsWith",
        Function::Text(TextMatch::StartsWith, Case::Ignored),
    ),
    (
        "iendsWith",
        Function::Text(TextMatch::EndsWith, Case::Ignored),
    ),
    ("has", Function::Has),
    ("anyElement", Function::AnyElement),
    ("missing", Function::Missing),
];

/// What stands in the second brackets of `filter[path][operator]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Compare(Comparison),
    NotEqual,
    In,
    NotIn,
    Between,
    Text(TextMatch, Case),
    /// One of the elements of an array.
    Has,
    Missing,
    Null,
    /// The number of elements of an array; a comparison may follow.
    Size,
    /// The number of resources of a relationship; a comparison may follow.
    Count,
}

/// Every operator.
pub(super) const OPERATORS: [(&str, Operator); 21] = [
    ("eq", Operator::Compare(Comparison::Equal)),
    ("ne", Operator::NotEqual),
    ("lt", Operator::Compare(Comparison::Less)),
    ("lte", Operator::Compare(Comparison::LessOrEqual)),
    ("gt", Operator::Compare(Comparison::Greater)),
    ("gte", Operator::Compare(Comparison::GreaterOrEqual)),
    ("in", Operator::In),
    ("notIn", Operator::NotIn),
    ("between", Operator::Between),
    (
        "contains",
        Operator::Text(TextMatch::Contains, Case::Respected),
    ),
    (
        "startsWith",
        Operator::Text(TextMatch::StartsWith, Case::Respected),
    ),
    (
        "endsWith",
        Operator::Text(TextMatch::EndsWith, Case::Respected),
    ),
    ("ieq", Operator::Text(TextMatch::Equals, Case::Ignored)),
    (
        "icontains",
        Operator::Text(TextMatch::Contains, Case::Ignored),
    ),
    (
        "istartsWith",
        Operator::Text(TextMatch::StartsWith, Case::Ignored),
    ),
    (
        "iendsWith",
        Operator::Text(TextMatch::EndsWith, Case::Ignored),
    ),
    ("has", Operator::Has),
    ("missing", Operator::Missing),
    ("null", Operator::Null),
    ("size", Operator::Size),
    ("count", Operator::Count),
];

pub(super) fn function(name: &str) -> Option<Function> {
    find(&FUNCTIONS, name)
}

pub(super) fn operator(name: &str) -> Option<Operator> {
    find(&OPERATORS, name)
}

pub(super) fn is_operator(name: &str) -> bool {
    operator(name).is_some()
}

/// The name of a function.
pub(super) fn name_of(function: Function) -> &'static str {
    let found = FUNCTIONS.iter().find(|(_, known)| *known == function);
    found.map_or("", |(name, _)| name)
}

fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    let (_, found) = table.iter().find(|(known, _)| *known == name)?;
    Some(*found)
}
