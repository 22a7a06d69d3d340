//! Conditions on relationships.

use std::sync::Arc;

use crate::query::{Comparison, Filter, MemberPath, Test};
use crate::schema::{Id, Link, Relationship};

/// One of these resources is related.
pub(super) fn linked(relationship: &Arc<Relationship>, ids: Vec<Id>) -> Filter {
    match &relationship.link {
        Link::One { member } | Link::Many { member } => {
            Filter::member(MemberPath::linkage(member), Test::Links(ids))
        }
        Link::Inverse { .. } => Filter::Related {
            relationship: relationship.clone(),
            filter: Box::new(Filter::Ids(ids)),
        },
    }
}

/// Nothing is related.
pub(super) fn empty(relationship: &Arc<Relationship>) -> Filter {
    match &relationship.link {
        Link::One { member } => {
            let path = MemberPath::linkage(member);
            let null = Filter::member(path.clone(), Test::Null);
            Filter::Any(vec![null, Filter::member(path, Test::Missing)])
        }
        Link::Many { .. } | Link::Inverse { .. } => Filter::Count {
            relationship: relationship.clone(),
            comparison: Comparison::Equal,
            number: 0,
        },
    }
}

/// A filter of the resources that relationships lead to.
pub(super) fn through(relationships: Vec<Arc<Relationship>>, filter: Filter) -> Filter {
    let wrap = |filter, relationship| Filter::Related {
        relationship,
        filter: Box::new(filter),
    };
    relationships.into_iter().rev().fold(filter, wrap)
}
