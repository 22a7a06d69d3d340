//! Orders as MongoDB's sorts, and places in them as conditions.

use std::sync::Arc;

use mongodb::bson::{Bson, Document, doc};
use resources::query::{Bound, KeyPath, MemberPath, Order, SortValue};
use resources::schema::{Kinds, Relationship, ResourceType};

use crate::filter::expression::{has_type, is_array, is_object, literal};
use crate::joins::{self, Joins};
use crate::subject::Subject;
use crate::{ids, kinds, scalar};

/// The kinds that MongoDB sorts as [`Order::compare`] does.
const NATIVE: Kinds = Kinds::NULL
    .and(Kinds::BOOLEAN)
    .and(Kinds::NUMBER)
    .and(Kinds::TEXT);

/// The kinds that stand behind texts.
const BEHIND_TEXTS: Kinds = Kinds::OBJECT.and(Kinds::ARRAY).and(Kinds::BOOLEAN);

/// The kinds that stand behind numbers.
const BEHIND_NUMBERS: Kinds = Kinds::TEXT.and(BEHIND_TEXTS);

/// How documents are sorted.
#[derive(Debug)]
pub(crate) struct Sorting {
    keys: Vec<SortKey>,
    /// What adds computed keys to wrapped documents; none where documents are sorted by members
    /// of their own, as an index has them.
    pub(crate) computed: Option<Joins>,
}

#[derive(Debug)]
struct SortKey {
    path: String,
    descending: bool,
    /// What can be there.
    kinds: Kinds,
    /// Whether it is declared to be stored otherwise than its JSON looks.
    is_stored: bool,
    /// Which value of a [`Bound`] is compared with it; the id if none.
    value: Option<usize>,
}

impl Sorting {
    pub(crate) fn new(resource_type: &ResourceType, order: &Order) -> Self {
        if order.is_creation() {
            let keys = ids::order(resource_type).into_iter();
            return Self {
                keys: keys.map(|(name, _)| SortKey::id(name, false)).collect(),
                computed: None,
            };
        }
        let stored = Subject::stored(resource_type.id);
        let is_native = |path: &KeyPath| match path {
            KeyPath::Id => true,
            KeyPath::Member { through, path } => {
                through.is_empty() && path.kinds.are_within(NATIVE) && stored.has(path)
            }
        };
        let mut computed =
            (!order.keys.iter().all(|key| is_native(&key.path))).then(Joins::default);
        let wrapped = Subject::member(joins::DOCUMENT, resource_type.id);
        let mut keys: Vec<SortKey> = Vec::new();
        for (place, key) in order.keys.iter().enumerate() {
            let KeyPath::Member { through, path } = &key.path else {
                keys.push(SortKey::id(ids::ID.to_owned(), key.descending));
                break;
            };
            let path = match &mut computed {
                Some(joins) => joined(joins, &wrapped, through, path),
                None => path.names.join("."),
            };
            // A key that was there before decides nothing.
            if keys.iter().all(|known| known.path != path) {
                let (kinds, stored) = match key.path {
                    KeyPath::Member { ref path, .. } => (path.kinds, path.stored),
                    KeyPath::Id => (Kinds::ANY, None),
                };
                keys.push(SortKey {
                    path,
                    descending: key.descending,
                    kinds,
                    is_stored: stored.is_some(),
                    value: Some(place),
                });
            }
        }
        if keys.iter().all(|key| key.value.is_some()) {
            keys.push(SortKey::id(ids::ID.to_owned(), false));
        }
        if computed.is_some() {
            for id in keys.iter_mut().filter(|key| key.value.is_none()) {
                id.path = format!("{}.{}", joins::DOCUMENT, ids::ID);
            }
        }
        Self { keys, computed }
    }

    /// The paths of the keys, if they are those of stored documents.
    pub(crate) fn paths(&self) -> Option<Vec<String>> {
        let paths = self.keys.iter().map(|key| key.path.clone());
        self.computed.is_none().then(|| paths.collect())
    }

    /// MongoDB's sort.
    pub(crate) fn sort(&self, is_reversed: bool) -> Document {
        let keys = self.keys.iter();
        let direction = |key: &SortKey| if key.descending == is_reversed { 1 } else { -1 };
        keys.map(|key| (key.path.clone(), direction(key).into()))
            .collect()
    }

    /// What the keys are at a place of the order.
    pub(crate) fn values(&self, bound: &Bound) -> Vec<Bson> {
        let value = |key: &SortKey| match key.value {
            Some(place) => {
                let nothing = &SortValue::Nothing;
                scalar::of_sort(bound.values.get(place).unwrap_or(nothing))
            }
            None => ids::to_bson(&bound.id),
        };
        self.keys.iter().map(value).collect()
    }

    /// The documents that stand behind a place, or before it: a condition on the first key, which
    /// an index may serve, and an expression that tells exactly.
    pub(crate) fn beyond(&self, values: &[Bson], is_behind: bool) -> (Document, Bson) {
        let keys = self.keys.iter().zip(values);
        let exactly = keys.rev().fold(Bson::from(false), |others, (key, value)| {
            let found = doc! { "$ifNull": [format!("${}", key.path), Bson::Null] };
            let sides: Vec<Bson> = vec![found.into(), literal(value.clone())];
            let operator = if key.descending == is_behind {
                "$lt"
            } else {
                "$gt"
            };
            let equal = doc! { "$and": [{ "$eq": sides.clone() }, others] };
            doc! { "$or": [{ operator: sides }, equal] }.into()
        });
        let first = self.keys.first().zip(values.first());
        let range = first.map(|(key, value)| key.range(value, is_behind));
        (range.unwrap_or_default(), exactly)
    }
}

impl SortKey {
    fn id(path: String, descending: bool) -> Self {
        Self {
            path,
            descending,
            kinds: Kinds::ANY,
            is_stored: false,
            value: None,
        }
    }

    /// The documents whose key is this value or beyond it. Comparisons of queries find no values
    /// of other kinds, their negations do.
    fn range(&self, value: &Bson, is_behind: bool) -> Document {
        let is_upwards = self.descending != is_behind;
        let later = match value {
            Bson::Null if is_upwards => return Document::new(),
            Bson::Null => return doc! { &self.path: Bson::Null },
            Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) => BEHIND_NUMBERS,
            Bson::String(_) => BEHIND_TEXTS,
            // Where they are declared there is nothing else but null.
            Bson::DateTime(_) | Bson::Decimal128(_) | Bson::ObjectId(_) | Bson::Binary(_)
                if self.is_stored =>
            {
                Kinds::NONE
            }
            _ => Kinds::ANY,
        };
        let condition = match (is_upwards, self.kinds.has(later)) {
            (true, false) => doc! { "$gte": value.clone() },
            (true, true) => doc! { "$not": { "$lt": value.clone() } },
            (false, _) => doc! { "$not": { "$gt": value.clone() } },
        };
        doc! { &self.path: condition }
    }
}

/// Adds a key that sorts as the value at a path of the resource at the end of relationships; its
/// name.
fn joined(
    joins: &mut Joins,
    document: &Subject,
    through: &[Arc<Relationship>],
    path: &MemberPath,
) -> String {
    let subject = through
        .iter()
        .fold(document.clone(), |subject, relationship| {
            joins.one(&subject, relationship)
        });
    let value = Bson::from("$$value");
    // What is declared is no object, though JSON has no type for it.
    let stored = path.stored.map(kinds::types);
    let stored = stored.map(|types| doc! { "case": has_type(&value, types), "then": &value });
    let mut branches: Vec<Document> = stored.into_iter().collect();
    branches.extend([
        doc! { "case": has_type(&value, &["null"]), "then": Bson::Null },
        doc! { "case": is_array(&value), "then": literal(scalar::of_sort(&SortValue::Array)) },
        doc! { "case": is_object(&value), "then": literal(doc! {}) },
    ]);
    let key = doc! { "$switch": { "branches": branches, "default": value } };
    joins.add(doc! { "$let": { "vars": { "value": subject.value(path) }, "in": key } }.into())
}
