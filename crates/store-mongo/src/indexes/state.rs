//! How the indexes of a collection stand against the definition.

use std::fmt;

use mongodb::IndexModel;
use mongodb::bson::{Bson, Document};
use resources::schema::ResourceType;

use crate::declared_indexes::{is_own_unique, is_without_case, models};

/// A declared or existing index, compared with the definition.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexState {
    /// Its name in MongoDB.
    pub name: String,
    /// Its keys as MongoDB has them, such as `{ "mail": 1 }`.
    pub keys: Document,
    /// How it stands against the definition.
    pub standing: Standing,
}

/// How an index of a collection stands against the definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Declared and existing, under any name.
    Present,
    /// Declared and not existing.
    Missing,
    /// Exists under the declared name or over the declared keys, but differs from the declaration.
    /// The store does not change it.
    Different {
        /// The existing index.
        found: String,
        /// The declared index.
        declared: String,
        /// Whether others can store what the declared index forbids.
        is_too_weak: bool,
    },
    /// A unique index that this program made for an earlier definition. The next preparation drops
    /// it.
    Outdated,
    /// Exists and is not declared; another program made it, or it is not unique. The store does not
    /// change it.
    Undeclared,
}

impl fmt::Display for IndexState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: ", self.name, self.keys)?;
        match &self.standing {
            Standing::Present => formatter.write_str("present"),
            Standing::Missing => formatter.write_str("missing"),
            Standing::Different {
                found, declared, ..
            } => write!(
                formatter,
                "different from its declaration: it is {found}, declared is {declared}"
            ),
            Standing::Outdated => {
                formatter.write_str("no longer declared, dropped at the next start")
            }
            Standing::Undeclared => formatter.write_str("not declared"),
        }
    }
}

/// The indexes that a type declares, then the other existing ones.
pub(super) fn compare(there: &[Document], resource_type: &ResourceType) -> Vec<IndexState> {
    const OF_IDS: &str = "_id_";
    let of_ids = there.iter().find(|index| name_of(index) == OF_IDS);
    let collation = of_ids.and_then(|index| index.get_document("collation").ok());
    let found = there.iter().map(|index| Spec::found(index, collation));
    let mut found: Vec<Spec> = found.filter(|spec| spec.name != OF_IDS).collect();
    let declared: Vec<Spec> = models(resource_type).iter().map(Spec::declared).collect();
    let mut counterparts: Vec<Option<Spec>> = vec![None; declared.len()];
    for matches in [Spec::has_name_of, Spec::is_alike] {
        for (counterpart, declared) in counterparts.iter_mut().zip(&declared) {
            if counterpart.is_none() {
                let at = found.iter().position(|found| matches(found, declared));
                *counterpart = at.map(|at| found.remove(at));
            }
        }
    }
    let pairs = declared.into_iter().zip(counterparts);
    let mut states: Vec<IndexState> = pairs
        .map(|(declared, counterpart)| declared.state(counterpart))
        .collect();
    states.extend(found.into_iter().map(Spec::undeclared));
    states
}

fn name_of(index: &Document) -> &str {
    index.get_str("name").unwrap_or_default()
}

/// What an index is like.
#[derive(Debug, Clone, PartialEq)]
struct Spec {
    name: String,
    keys: Document,
    unique: bool,
    filter: Option<Document>,
    /// Whether it has the collation that takes no notice of case.
    ignores_case: bool,
    /// Other options, which no declared index has.
    others: Document,
}

impl Spec {
    /// One of the reply to `listIndexes`. Other programs may have given numbers for booleans, and
    /// any kind of number for a direction.
    fn found(index: &Document, collation: Option<&Document>) -> Self {
        let document = |name: &str| index.get_document(name).ok().cloned();
        let keys = document("key").unwrap_or_default();
        let own = document("collation").filter(|own| Some(own) != collation);
        let ignores_case = own.as_ref().is_some_and(is_without_case);
        let others = index.iter().filter(|(name, value)| {
            const KNOWN: [&str; 7] = [
                "v",
                "key",
                "name",
                "ns",
                "background",
                "unique",
                "partialFilterExpression",
            ];
            // Without a collation of its own an index has that of the collection.
            let is_common = *name == "collation" && (ignores_case || own.is_none());
            let is_set = *name == "expireAfterSeconds" || is_true(value);
            !KNOWN.contains(&name.as_str()) && is_set && !is_common
        });
        Self {
            name: name_of(index).to_owned(),
            keys: keys
                .into_iter()
                .map(|(name, value)| (name, whole(value)))
                .collect(),
            unique: index.get("unique").is_some_and(is_true),
            filter: document("partialFilterExpression"),
            ignores_case,
            others: others
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        }
    }

    fn declared(model: &IndexModel) -> Self {
        let options = model.options.clone().unwrap_or_default();
        Self {
            name: options.name.unwrap_or_default(),
            keys: model.keys.clone(),
            unique: options.unique.unwrap_or(false),
            filter: options.partial_filter_expression,
            ignores_case: options.collation.is_some(),
            others: Document::new(),
        }
    }

    fn has_name_of(&self, declared: &Self) -> bool {
        self.name == declared.name
    }

    fn is_alike(&self, declared: &Self) -> bool {
        self.keys == declared.keys
            && self.unique == declared.unique
            && self.filter == declared.filter
            && self.ignores_case == declared.ignores_case
    }

    /// Whether it keeps out everything that the declared one would.
    fn enforces(&self, declared: &Self) -> bool {
        let has_all = self.filter.is_none() || self.filter == declared.filter;
        let has_all_cases = self.ignores_case || !declared.ignores_case;
        self.unique && self.keys == declared.keys && has_all && has_all_cases
    }

    /// Compares this declared index with the existing one that serves for it.
    fn state(self, found: Option<Self>) -> IndexState {
        let standing = match &found {
            None => Standing::Missing,
            Some(found) if found.is_alike(&self) && found.others.is_empty() => Standing::Present,
            Some(found) => Standing::Different {
                found: found.to_string(),
                declared: self.to_string(),
                is_too_weak: self.unique && !found.enforces(&self),
            },
        };
        let shown = found.unwrap_or(self);
        IndexState {
            name: shown.name,
            keys: shown.keys,
            standing,
        }
    }

    fn has_own_filter(&self) -> bool {
        is_own_unique(
            &self.name,
            &self.keys,
            self.filter.as_ref(),
            self.ignores_case,
        )
    }

    fn undeclared(self) -> IndexState {
        let is_own = self.unique && self.others.is_empty() && self.has_own_filter();
        IndexState {
            name: self.name,
            keys: self.keys,
            standing: if is_own {
                Standing::Outdated
            } else {
                Standing::Undeclared
            },
        }
    }
}

impl fmt::Display for Spec {
    /// Without its name: `unique over { "a": 1 } where { … } with { "sparse": true }`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.unique { "unique" } else { "not unique" };
        write!(formatter, "{kind} over {}", self.keys)?;
        match &self.filter {
            Some(_) if self.has_own_filter() => {
                formatter.write_str(" where each has a value")?;
            }
            Some(filter) => write!(formatter, " where {filter}")?,
            None => {}
        }
        if self.ignores_case {
            formatter.write_str(" without regard to case")?;
        }
        if self.others.is_empty() {
            return Ok(());
        }
        write!(formatter, " with {}", self.others)
    }
}

fn is_true(value: &Bson) -> bool {
    match whole(value.clone()) {
        Bson::Boolean(is_so) => is_so,
        Bson::Int32(number) => number != 0,
        Bson::Null | Bson::Undefined => false,
        _ => true,
    }
}

/// A small whole number as an int32, whatever number it is; other values as they are.
fn whole(value: Bson) -> Bson {
    let small = match value {
        Bson::Int64(number) => i32::try_from(number).ok(),
        Bson::Double(number) if number.fract() == 0.0 => format!("{number}").parse().ok(),
        _ => None,
    };
    small.map_or(value, Bson::Int32)
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;
    use resources::schema;

    use super::*;
    use crate::declared_indexes::value_in_each;

    fn compared(indexes: &str, options: Document) -> Vec<IndexState> {
        let text = format!("type: things\nattributes: {{type: object}}\nindexes: [{indexes}]\n");
        let resource_type = schema::parse(&text).unwrap();
        let mut index = doc! { "v": 2, "key": { "a": 1.0, "b": -1_i64 }, "name": "mine" };
        index.extend(options);
        let of_ids = doc! { "name": "_id_", "collation": { "locale": "de" } };
        compare(&[of_ids, index], &resource_type)
    }

    const PLAIN: &str = "{attributes: [a, -b]}";
    const UNIQUE: &str = "{attributes: [a, -b], unique: true}";

    #[test]
    fn an_index_is_the_same_however_its_numbers_and_flags_are_written() {
        for options in [
            doc! {},
            doc! { "unique": false, "background": 1, "sparse": 0 },
            doc! { "hidden": false, "ns": "shop.things" },
            doc! { "collation": { "locale": "de" } },
        ] {
            let states = compared(PLAIN, options.clone());
            assert_eq!(states.len(), 1, "{states:?}");
            assert_eq!(states[0].standing, Standing::Present, "{options}");
        }
    }

    #[test]
    fn every_difference_is_shown() {
        for (options, shown) in [
            (
                doc! { "name": "a_1_b_-1", "key": { "a": 1, "b": 1 } },
                r#"over { "a": 1, "b": 1 }"#,
            ),
            (
                doc! { "name": "a_1_b_-1", "key": { "a": "hashed" } },
                "hashed",
            ),
            (
                doc! { "name": "a_1_b_-1", "unique": 1 },
                "it is unique over",
            ),
            (doc! { "sparse": true }, r#"with { "sparse": true }"#),
            (doc! { "expireAfterSeconds": 0 }, "expireAfterSeconds"),
            (doc! { "hidden": true }, "hidden"),
            (
                doc! { "collation": { "locale": "fr" } },
                r#""locale": "fr""#,
            ),
        ] {
            let state = compared(PLAIN, options.clone())[0].to_string();
            assert!(state.contains(shown), "{options}: {state}");
            let declared = r#"declared is not unique over { "a": 1, "b": -1 }"#;
            assert!(state.ends_with(declared), "{state}");
        }
    }

    #[test]
    fn a_unique_index_is_enforced_by_one_that_has_at_least_its_documents() {
        let name = "unique_a_1_b_-1";
        for (options, is_weak) in [
            (doc! { "unique": true }, false),
            (doc! { "unique": true, "sparse": true }, false),
            (doc! {}, true),
            (doc! { "unique": true, "key": { "a": 1 } }, true),
            (
                doc! { "unique": true, "partialFilterExpression": { "b": 1 } },
                true,
            ),
        ] {
            let mut options = options.clone();
            options.insert("name", name);
            let states = compared(UNIQUE, options.clone());
            let Standing::Different { is_too_weak, .. } = states[0].standing else {
                panic!("{states:?}")
            };
            assert_eq!(is_too_weak, is_weak, "{options}");
        }
    }

    #[test]
    fn only_a_unique_index_of_our_own_making_is_outdated() {
        let own = models(
            &schema::parse(
                "type: things\nattributes: {type: object}\n\
             indexes: [{attributes: [a, -b], unique: true}]\n",
            )
            .unwrap(),
        );
        let filter = own[0].options.clone().unwrap().partial_filter_expression;
        let name = "unique_a_1_b_-1";
        for (options, standing) in [
            (
                doc! { "name": name, "unique": true, "partialFilterExpression": &filter },
                Standing::Outdated,
            ),
            (doc! { "name": name, "unique": true }, Standing::Undeclared),
            (
                doc! { "unique": true, "partialFilterExpression": &filter },
                Standing::Undeclared,
            ),
            (doc! {}, Standing::Undeclared),
        ] {
            let states = compared("", options.clone());
            assert_eq!(states[0].standing, standing, "{options}");
        }
    }
    #[test]
    fn a_unique_index_without_regard_to_case_is_known_by_its_collation() {
        const CASELESS: &str = "{attributes: [a, -b], unique: true, caseInsensitive: true}";
        let filter = value_in_each(["a", "b"].into_iter());
        // As a server tells it.
        let whole = doc! {
            "locale": "en", "caseLevel": false, "caseFirst": "off", "strength": 2,
            "numericOrdering": false, "alternate": "non-ignorable", "maxVariable": "punct",
            "normalization": false, "backwards": false, "version": "57.1",
        };
        let french = doc! { "locale": "fr", "strength": 2 };
        let cases = doc! { "locale": "en", "strength": 3 };
        for (declared, collation, is_present, is_weak) in [
            (CASELESS, Some(whole.clone()), true, false),
            (CASELESS, None, false, true),
            (CASELESS, Some(french), false, true),
            (CASELESS, Some(cases), false, true),
            (UNIQUE, Some(whole.clone()), false, false),
            ("", Some(whole), false, false),
        ] {
            let mut options = doc! {
                "name": "unique_without_case_a_1_b_-1", "unique": true,
                "partialFilterExpression": &filter,
            };
            if declared == UNIQUE {
                options.insert("name", "unique_a_1_b_-1");
            }
            options.extend(
                collation
                    .map(|collation| doc! { "collation": collation })
                    .unwrap_or_default(),
            );
            let state = &compared(declared, options.clone())[0];
            match &state.standing {
                Standing::Different { is_too_weak, .. } => {
                    assert_eq!((false, *is_too_weak), (is_present, is_weak), "{options}");
                }
                Standing::Outdated => assert_eq!(declared, ""),
                standing => assert_eq!(*standing == Standing::Present, is_present, "{options}"),
            }
        }
    }
}
