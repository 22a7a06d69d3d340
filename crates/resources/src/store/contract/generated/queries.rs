//! Queries: a filter, an order, and a part of what there is.

use super::documents::Shelves;
use super::filters::{Filters, path};
use super::random::Random;
use super::*;
use crate::query::{Bound, Key, KeyPath, MemberPath, Order};
use crate::schema::{Relationship, Stored};

/// How deep filters are.
const DEPTH: u64 = 4;

pub(super) struct Queries<'r> {
    random: &'r mut Random,
    shelves: &'r Shelves,
}

impl<'r> Queries<'r> {
    pub(super) fn new(random: &'r mut Random, shelves: &'r Shelves) -> Self {
        Self { random, shelves }
    }

    pub(super) fn query(&mut self, resource_type: &Arc<ResourceType>) -> Query {
        let mut query = self.of_relationship(resource_type);
        if !query.order.is_creation() {
            query.after = self.bound(resource_type, &query.order);
            query.before = self.bound(resource_type, &query.order);
        }
        query.from_end = self.random.percent(30);
        if !query.from_end && self.random.percent(40) {
            query.skip = self.random.below(12);
        }
        query
    }

    /// One without bounds, from the first resource.
    pub(super) fn of_relationship(&mut self, resource_type: &Arc<ResourceType>) -> Query {
        Query {
            filter: self.filter(resource_type),
            order: self.order(resource_type),
            limit: *self.random.pick(&[0, 1, 3, 10, 100]),
            count: *self
                .random
                .pick(&[Count::Never, Count::UpTo(5), Count::UpTo(100)]),
            ..Query::default()
        }
    }

    fn filter(&mut self, resource_type: &Arc<ResourceType>) -> Filter {
        if self.random.percent(15) {
            return Filter::Everything;
        }
        let depth = self.random.below(DEPTH + 1);
        let mut filters = Filters {
            random: self.random,
            shelves: self.shelves,
        };
        filters.filter(resource_type, depth)
    }

    fn order(&mut self, resource_type: &Arc<ResourceType>) -> Order {
        let count = *self.random.pick(&[0, 1, 1, 2, 3]);
        let keys = (0..count).map(|_| self.key(resource_type)).collect();
        Order { keys }
    }

    fn key(&mut self, resource_type: &Arc<ResourceType>) -> Key {
        let path = if self.random.percent(20) {
            KeyPath::Id
        } else {
            let through = self.through(resource_type);
            let path = self.ordered_path();
            KeyPath::Member { through, path }
        };
        let descending = self.random.percent(50);
        Key { path, descending }
    }

    /// One whose values have an order.
    fn ordered_path(&mut self) -> MemberPath {
        loop {
            let path = path(self.random);
            if path.stored.is_none_or(Stored::has_order) {
                return path;
            }
        }
    }

    /// Mostly none: to-one relationships, one after the other.
    fn through(&mut self, resource_type: &Arc<ResourceType>) -> Vec<Arc<Relationship>> {
        let all = &resource_type.relationships;
        match all.iter().find(|one| one.is_to_one()) {
            Some(relationship) if self.random.percent(30) => {
                let target = self.shelves.library.target(relationship);
                let mut through = self.through(&target);
                through.insert(0, relationship.clone());
                through
            }
            _ => Vec::new(),
        }
    }

    /// Mostly none: the place of a resource, or one beside it where no resource is.
    fn bound(&mut self, resource_type: &Arc<ResourceType>, order: &Order) -> Option<Bound> {
        if self.random.percent(70) {
            return None;
        }
        let resource = self.random.pick(self.shelves.all(resource_type));
        let members: Value = serde_json::from_str(&resource.text).unwrap();
        let values = order.values(&resource.id, &members, &self.shelves.world);
        let id = self.shelves.id(self.random, resource_type);
        let id = if self.random.percent(20) {
            id
        } else {
            resource.id.clone()
        };
        Some(Bound { values, id })
    }
}
