//! What a store must answer, worked out one resource after the other: slow, and the specification.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use crate::query::{Bound, Count, Filter, Order, Query, Related, SortValue, Total};
use crate::schema::{Id, Link, Relationship};
use crate::store::{Resource, stored_value};

/// The resources of all collections, each in the order of creation.
#[derive(Debug, Clone, Default)]
pub struct World(HashMap<String, Vec<(Id, Value)>>);

/// What a query finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The ids of the page.
    pub ids: Vec<Id>,
    /// See [`crate::store::Page::more`].
    pub more: bool,
    /// See [`crate::store::Page::total`].
    pub total: Option<Total>,
}

impl World {
    /// Sets what is in a collection.
    pub fn fill<'r>(&mut self, collection: &str, all: impl IntoIterator<Item = &'r Resource>) {
        let member = |one: &Resource| (one.id.clone(), stored_value(&one.text).unwrap());
        let all = all.into_iter().map(member).collect();
        self.0.insert(collection.to_owned(), all);
    }

    /// Whether a resource passes a filter.
    #[must_use]
    pub fn passes(&self, collection: &str, id: &Id, filter: &Filter) -> bool {
        let members = self.all(collection).iter().find(|(known, _)| known == id);
        members.is_some_and(|(_, members)| filter.matches(id, members, self))
    }

    /// What [`crate::store::Store::list`] finds.
    #[must_use]
    pub fn list(&self, collection: &str, query: &Query) -> Answer {
        let mut found: Vec<(Vec<SortValue>, &Id)> = Vec::new();
        for (id, members) in self.all(collection) {
            if query.filter.matches(id, members, self) {
                found.push((query.order.values(id, members, self), id));
            }
        }
        let total = match query.count {
            Count::Never => None,
            Count::UpTo(bound) if found.len() as u64 > bound => Some(Total::Estimated(bound)),
            Count::UpTo(_) => Some(Total::Exact(found.len() as u64)),
        };
        sort(&query.order, &mut found);
        let stands = |place: &(Vec<SortValue>, &Id), bound: &Bound| {
            let place = (place.0.as_slice(), place.1);
            query.order.compare(place, (&bound.values, &bound.id))
        };
        found.retain(|place| {
            query
                .after
                .as_ref()
                .is_none_or(|after| stands(place, after).is_gt())
                && query
                    .before
                    .as_ref()
                    .is_none_or(|before| stands(place, before).is_lt())
        });
        if query.from_end {
            found.reverse();
        }
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let (skip, limit) = (size(query.skip), size(query.limit));
        let more = found.len() > skip.saturating_add(limit);
        let page = found.iter().skip(skip).take(limit);
        let mut ids: Vec<Id> = page.map(|(_, id)| (*id).clone()).collect();
        if query.from_end {
            ids.reverse();
        }
        Answer { ids, more, total }
    }

    /// What [`crate::store::Store::related`] finds for one id. `collection` is that of the related
    /// resources.
    #[must_use]
    pub fn related_to(
        &self,
        collection: &str,
        relationship: &Relationship,
        id: &Id,
        query: &Query,
    ) -> Answer {
        let ids = self.related(relationship, id, &Value::Null);
        let ids = ids.into_iter().map(|(id, _)| id).collect();
        let filter = Filter::Ids(ids).and(query.filter.clone());
        self.list(
            collection,
            &Query {
                filter,
                ..query.clone()
            },
        )
    }

    fn all(&self, collection: &str) -> &[(Id, Value)] {
        self.0.get(collection).map_or(&[], Vec::as_slice)
    }
}

/// A stable sort: what is equal stays in the order of creation.
fn sort(order: &Order, found: &mut [(Vec<SortValue>, &Id)]) {
    found.sort_by(|left, right| {
        order.compare((left.0.as_slice(), left.1), (right.0.as_slice(), right.1))
    });
}

impl Related for World {
    fn related(
        &self,
        relationship: &Relationship,
        id: &Id,
        members: &Value,
    ) -> Vec<(Id, Cow<'_, Value>)> {
        let is_related = |other: &Id, of_other: &Value| match &relationship.link {
            Link::One { member } => members[member] == other.to_member(),
            Link::Many { member } => has(&members[member], other),
            Link::Inverse {
                member,
                is_many: false,
                ..
            } => of_other[member] == id.to_member(),
            Link::Inverse { member, .. } => has(&of_other[member], id),
        };
        self.all(&relationship.target.collection)
            .iter()
            .filter(|(other, of_other)| is_related(other, of_other))
            .map(|(other, of_other)| (other.clone(), Cow::Borrowed(of_other)))
            .collect()
    }
}

fn has(ids: &Value, id: &Id) -> bool {
    let id = id.to_member();
    ids.as_array().is_some_and(|ids| ids.contains(&id))
}
