//! What filters mean.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::{Filter, MemberPath, Test, TextMatch};
use crate::query::{Scalar, folded};
use crate::schema::{Id, Relationship};

/// Knows the resources that relationships lead to.
pub trait Related {
    /// The related resources of the one with this id and these stored members.
    fn related(
        &self,
        relationship: &Relationship,
        id: &Id,
        members: &Value,
    ) -> Vec<(Id, Cow<'_, Value>)>;
}

/// For filters that are local ([`Filter::is_local`]): nothing is related.
pub struct NoRelated;

impl Related for NoRelated {
    fn related(&self, _: &Relationship, _: &Id, _: &Value) -> Vec<(Id, Cow<'_, Value>)> {
        Vec::new()
    }
}

impl Filter {
    /// Whether the resource with this id and these stored members passes.
    #[must_use]
    pub fn matches(&self, id: &Id, members: &Value, related: &dyn Related) -> bool {
        let passes = |filter: &Self| filter.matches(id, members, related);
        match self {
            Self::Everything => true,
            Self::All(filters) => filters.iter().all(passes),
            Self::Any(filters) => filters.iter().any(passes),
            Self::Not(filter) => !passes(filter),
            Self::Ids(ids) => ids.contains(id),
            Self::Member { path, test } => test.holds(path, members),
            Self::Related {
                relationship,
                filter,
            } => related
                .related(relationship, id, members)
                .iter()
                .any(|(id, members)| filter.matches(id, members, related)),
            Self::Count {
                relationship,
                comparison,
                number,
            } => {
                let count = match relationship.own_member() {
                    Some(member) => members[member].as_array().map_or(0, Vec::len),
                    None => related.related(relationship, id, members).len(),
                };
                comparison.holds((count as u64).cmp(number))
            }
        }
    }

    /// Whether the element of an array passes, which has no id and no relationships.
    fn matches_object(&self, object: &Value) -> bool {
        match self {
            Self::Everything => true,
            Self::All(filters) => filters.iter().all(|filter| filter.matches_object(object)),
            Self::Any(filters) => filters.iter().any(|filter| filter.matches_object(object)),
            Self::Not(filter) => !filter.matches_object(object),
            Self::Member { path, test } => test.holds(path, object),
            Self::Ids(_) | Self::Related { .. } | Self::Count { .. } => false,
        }
    }
}

impl MemberPath {
    /// The value at this path, if there is one.
    #[must_use]
    pub fn value<'v>(&self, members: &'v Value) -> Option<&'v Value> {
        let mut value = members;
        for name in &self.names {
            value = value.as_object()?.get(name)?;
        }
        Some(value)
    }
}

impl Test {
    fn holds(&self, path: &MemberPath, members: &Value) -> bool {
        let Some(value) = path.value(members) else {
            return matches!(self, Self::Missing);
        };
        let compare = |scalar: &Scalar, value: &Value| {
            let ordering = scalar.compare_to(value);
            ordering.filter(|_| path.compares_with(scalar))
        };
        let equals =
            |scalar: &Scalar, value: &Value| compare(scalar, value).is_some_and(Ordering::is_eq);
        match self {
            Self::Missing => false,
            Self::Null => value.is_null(),
            Self::Compare(comparison, scalar) => {
                compare(scalar, value).is_some_and(|ordering| comparison.holds(ordering))
            }
            Self::OneOf(scalars) => scalars.iter().any(|scalar| equals(scalar, value)),
            Self::Text { .. } if path.stored.is_some() => false,
            Self::Text {
                relation,
                ignores_case,
                text,
            } => value.as_str().is_some_and(|value| {
                if *ignores_case {
                    is_in(*relation, &folded(value), &folded(text))
                } else {
                    is_in(*relation, value, text)
                }
            }),
            Self::Size(comparison, size) => value
                .as_array()
                .is_some_and(|array| comparison.holds((array.len() as u64).cmp(size))),
            Self::AnyElement(scalars) => {
                elements(value).any(|element| scalars.iter().any(|one| equals(one, element)))
            }
            Self::AnyObject(filter) => {
                elements(value).any(|element| element.is_object() && filter.matches_object(element))
            }
            Self::Links(ids) => ids.iter().any(|id| {
                let member = id.to_member();
                *value == member || elements(value).any(|element| *element == member)
            }),
        }
    }
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn is_in(relation: TextMatch, whole: &str, part: &str) -> bool {
    match relation {
        TextMatch::Equals => whole == part,
        TextMatch::Contains => whole.contains(part),
        TextMatch::StartsWith => whole.starts_with(part),
        TextMatch::EndsWith => whole.ends_with(part),
    }
}
