//! Operators as they are written and as they are meant.

use jsonapi::filter as syntax;

use crate::query::{Comparison, TextRelation};

pub(super) fn comparison_of(comparison: syntax::Comparison) -> Comparison {
    match comparison {
        syntax::Comparison::Equal => Comparison::Equal,
        syntax::Comparison::Less => Comparison::Less,
        syntax::Comparison::LessOrEqual => Comparison::LessOrEqual,
        syntax::Comparison::Greater => Comparison::Greater,
        syntax::Comparison::GreaterOrEqual => Comparison::GreaterOrEqual,
    }
}

pub(super) fn relation_of(relation: syntax::TextMatch) -> TextRelation {
    match relation {
        syntax::TextMatch::Equals => TextRelation::Equals,
        syntax::TextMatch::Contains => TextRelation::Contains,
        syntax::TextMatch::StartsWith => TextRelation::StartsWith,
        syntax::TextMatch::EndsWith => TextRelation::EndsWith,
    }
}
