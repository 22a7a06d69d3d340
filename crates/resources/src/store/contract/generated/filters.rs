//! Filters of every form.

use super::documents::{INNER, OPEN, Shelves, scalars, stored_texts};
use super::random::Random;
use super::*;
use crate::query::{Comparison, MemberPath, Scalar, Test, TextMatch};
use crate::schema::{Kinds, Link, Stored};

const COMPARISONS: [Comparison; 5] = [
    Comparison::Equal,
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
];

const RELATIONS: [TextMatch; 4] = [
    TextMatch::Equals,
    TextMatch::Contains,
    TextMatch::StartsWith,
    TextMatch::EndsWith,
];

pub(super) struct Filters<'r> {
    pub(super) random: &'r mut Random,
    pub(super) shelves: &'r Shelves,
}

impl Filters<'_> {
    pub(super) fn filter(&mut self, resource_type: &Arc<ResourceType>, depth: u64) -> Filter {
        let combinations = if depth == 0 { 0 } else { 40 };
        match self.random.below(60 + combinations) {
            0..40 => self.member(),
            40..43 => Filter::Ids(self.ids(resource_type)),
            43..45 => Filter::Everything,
            45..52 => self.links(resource_type),
            52..60 => self.count(resource_type),
            60..68 => Filter::All(self.some(resource_type, depth)),
            68..76 => Filter::Any(self.some(resource_type, depth)),
            76..86 => Filter::Not(Box::new(self.filter(resource_type, depth - 1))),
            _ => self.related(resource_type, depth),
        }
    }

    fn some(&mut self, resource_type: &Arc<ResourceType>, depth: u64) -> Vec<Filter> {
        let count = self.random.below(4);
        (0..count)
            .map(|_| self.filter(resource_type, depth - 1))
            .collect()
    }

    fn ids(&mut self, resource_type: &ResourceType) -> Vec<Id> {
        let count = self.random.below(6);
        (0..count)
            .map(|_| self.shelves.id(self.random, resource_type))
            .collect()
    }

    fn related(&mut self, resource_type: &Arc<ResourceType>, depth: u64) -> Filter {
        let relationship = self.random.pick(&resource_type.relationships).clone();
        let target = self.shelves.library.target(&relationship);
        let filter = Box::new(self.filter(&target, depth - 1));
        Filter::Related {
            relationship,
            filter,
        }
    }

    fn links(&mut self, resource_type: &ResourceType) -> Filter {
        let relationship = self.random.pick(&resource_type.relationships).clone();
        let target = self.shelves.library.target(&relationship);
        let Some(member) = relationship.own_member() else {
            return self.member();
        };
        let test = match self.random.below(10) {
            0 => Test::Missing,
            1 => Test::Null,
            _ => Test::Links(self.ids(&target)),
        };
        Filter::member(MemberPath::linkage(member), test)
    }

    fn count(&mut self, resource_type: &ResourceType) -> Filter {
        let relationship = self.random.pick(&resource_type.relationships).clone();
        if matches!(relationship.link, Link::One { .. }) {
            return self.member();
        }
        Filter::Count {
            relationship,
            comparison: *self.random.pick(&COMPARISONS),
            number: self.random.below(4),
        }
    }

    fn member(&mut self) -> Filter {
        let path = path(self.random);
        let test = self.test(2, path.stored);
        Filter::member(path, test)
    }

    /// What holds of an object within an array.
    fn of_object(&mut self, depth: u64) -> Filter {
        match self.random.below(if depth == 0 { 6 } else { 10 }) {
            0 => Filter::Everything,
            1..6 => {
                let path = inner_path(self.random);
                Filter::member(path, self.test(depth.saturating_sub(1), None))
            }
            6 => Filter::All(vec![self.of_object(depth - 1), self.of_object(depth - 1)]),
            7 => Filter::Any(vec![self.of_object(depth - 1), self.of_object(depth - 1)]),
            _ => Filter::Not(Box::new(self.of_object(depth - 1))),
        }
    }

    fn test(&mut self, depth: u64, stored: Option<Stored>) -> Test {
        match self.random.below(if depth == 0 { 90 } else { 100 }) {
            0..40 => Test::Compare(self.comparison(stored), self.scalar(stored)),
            40..50 => Test::OneOf(self.scalars(stored)),
            50..55 => Test::Null,
            55..60 => Test::Missing,
            60..75 => Test::Text {
                relation: *self.random.pick(&RELATIONS),
                ignores_case: self.random.percent(50),
                text: self.text(),
            },
            75..80 => Test::Size(*self.random.pick(&COMPARISONS), self.random.below(4)),
            80..90 => Test::AnyElement(self.scalars(stored)),
            _ => Test::AnyObject(Box::new(self.of_object(depth))),
        }
    }

    fn comparison(&mut self, stored: Option<Stored>) -> Comparison {
        match stored {
            Some(stored) if !stored.has_order() => Comparison::Equal,
            _ => *self.random.pick(&COMPARISONS),
        }
    }

    /// Mostly one that is stored as the values at the path are.
    fn scalar(&mut self, stored: Option<Stored>) -> Scalar {
        const OTHERS: [Stored; 2] = [Stored::Date, Stored::Decimal];
        let other = self.random.percent(5).then(|| *self.random.pick(&OTHERS));
        match stored.filter(|_| self.random.percent(90)).or(other) {
            Some(stored) => {
                let text = *self.random.pick(stored_texts(stored));
                Scalar::Stored(stored, text.to_owned())
            }
            None => Scalar::of(self.random.pick(&scalars())).unwrap(),
        }
    }

    fn scalars(&mut self, stored: Option<Stored>) -> Vec<Scalar> {
        let count = self.random.below(5);
        (0..count).map(|_| self.scalar(stored)).collect()
    }

    fn text(&mut self) -> String {
        let texts = scalars();
        let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
        (*self.random.pick(&texts)).to_owned()
    }
}

/// A member of a resource: any, or one that is declared with its kinds.
pub(super) fn path(random: &mut Random) -> MemberPath {
    if random.percent(30) {
        return stored_path(random);
    }
    let (names, kinds) = match random.below(10) {
        0 => (vec!["title"], Kinds::TEXT),
        1 => (vec!["rank"], Kinds::NUMBER),
        2 => (vec!["flag"], Kinds::BOOLEAN.and(Kinds::NULL)),
        3 => (vec!["address", "city"], Kinds::TEXT.and(Kinds::NULL)),
        4 => (vec!["absent", "too"], Kinds::ANY),
        5 | 6 => (vec![*random.pick(&OPEN), *random.pick(&INNER)], Kinds::ANY),
        _ => (vec![*random.pick(&OPEN)], Kinds::ANY),
    };
    MemberPath {
        names: names.into_iter().map(str::to_owned).collect(),
        kinds,
        stored: None,
    }
}

/// A member that is stored otherwise than its JSON looks.
fn stored_path(random: &mut Random) -> MemberPath {
    let text = Kinds::TEXT;
    let (names, kinds, stored) = match random.below(9) {
        0..2 => (vec!["at"], text.and(Kinds::NULL), Stored::Date),
        2..4 => (vec!["price"], text, Stored::Decimal),
        4 => (vec!["key"], text, Stored::ObjectId),
        5 => (vec!["token"], text, Stored::Uuid),
        6 => (vec!["data"], text, Stored::Binary),
        7 => (vec!["cost", "amount"], text, Stored::Decimal),
        _ => (vec!["times"], Kinds::ARRAY, Stored::Date),
    };
    MemberPath {
        names: names.into_iter().map(str::to_owned).collect(),
        kinds,
        stored: Some(stored),
    }
}

fn inner_path(random: &mut Random) -> MemberPath {
    let mut names = vec![(*random.pick(&INNER)).to_owned()];
    if random.percent(30) {
        names.push((*random.pick(&INNER)).to_owned());
    }
    MemberPath {
        names,
        kinds: Kinds::ANY,
        stored: None,
    }
}
