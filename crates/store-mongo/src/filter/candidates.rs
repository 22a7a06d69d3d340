//! What an index can find of a filter: conditions of MongoDB's query language that hold wherever
//! the filter does, and sometimes elsewhere.

use mongodb::bson::{Bson, Document, doc};
use resources::query::{Filter, MemberPath, Test, TextMatch};

use super::expression::operator;
use super::text;
use crate::subject::Subject;
use crate::{ids, scalar};

/// A condition for all documents that pass; none if every document could.
pub(super) fn candidates(filter: &Filter, subject: &Subject) -> Option<Document> {
    match filter {
        Filter::All(filters) => {
            let all = filters.iter().filter_map(|one| candidates(one, subject));
            all.reduce(both)
        }
        Filter::Any(filters) if filters.is_empty() => None,
        Filter::Any(filters) => {
            let each = filters.iter().map(|one| candidates(one, subject));
            let each: Option<Vec<_>> = each.collect();
            each.map(|each| doc! { "$or": each })
        }
        Filter::Ids(ids) => {
            Some(doc! { ids::ID: is_one_of(ids.iter().map(ids::to_bson).collect()) })
        }
        Filter::Member { path, test } if subject.has(path) => {
            let condition = value(test, path, subject)?;
            Some(doc! { path.names.join("."): condition })
        }
        _ => None,
    }
}

/// Both conditions, as one document of members where that is possible.
pub(super) fn both(one: Document, other: Document) -> Document {
    let mut merged = one.clone();
    for (name, condition) in &other {
        match (merged.get_mut(name), condition) {
            (None, condition) => drop(merged.insert(name.clone(), condition.clone())),
            (Some(Bson::Document(known)), Bson::Document(more))
                if !more.keys().any(|operator| known.contains_key(operator)) =>
            {
                known.extend(more.clone());
            }
            _ => return doc! { "$and": [one, other] },
        }
    }
    merged
}

fn value(test: &Test, path: &MemberPath, subject: &Subject) -> Option<Bson> {
    Some(match test {
        // Nothing passes, which the expression tells.
        Test::Compare(_, value) if !path.compares_with(value) => return None,
        Test::Text { .. } if path.stored.is_some() => return None,
        Test::Compare(comparison, value) => {
            let (comparison, value) = scalar::comparable(*comparison, value);
            match operator(comparison) {
                "$eq" => value,
                operator => doc! { operator: value }.into(),
            }
        }
        Test::OneOf(scalars) | Test::AnyElement(scalars) => {
            let scalars = scalars.iter().filter(|scalar| path.compares_with(scalar));
            is_one_of(scalars.filter_map(scalar::equal).collect())
        }
        Test::Null => doc! { "$type": "null" }.into(),
        Test::Text {
            relation: TextMatch::Equals,
            ignores_case: false,
            text,
        } => text.clone().into(),
        Test::Text {
            relation,
            ignores_case,
            text,
        } => doc! { "$regex": text::pattern(*relation, *ignores_case, text)? }.into(),
        Test::AnyObject(filter) => {
            let (_, element) = subject.element();
            let candidates = candidates(filter, &element)?;
            // No index serves alternatives within an element.
            if candidates.keys().any(|name| name.starts_with('$')) {
                return None;
            }
            doc! { "$elemMatch": candidates }.into()
        }
        Test::Links(ids) => is_one_of(ids.iter().map(ids::to_bson).collect()),
        Test::Missing | Test::Size(..) => return None,
    })
}

fn is_one_of(mut values: Vec<Bson>) -> Bson {
    match values.len() {
        1 => values.swap_remove(0),
        _ => doc! { "$in": values }.into(),
    }
}
