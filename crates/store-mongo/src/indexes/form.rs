//! What an index is like, and how it differs from another one.

use mongodb::IndexModel;
use mongodb::bson::{Bson, Document};

/// An index as it is, or as it is declared.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Form {
    pub(super) name: String,
    pub(super) keys: Document,
    unique: bool,
    sparse: bool,
    hidden: bool,
    /// The seconds after which the documents are deleted.
    expires: Option<f64>,
    filter: Option<Document>,
    /// `None` for that of the collection.
    collation: Option<Document>,
}

impl Form {
    /// One of the reply to `listIndexes`. Other programs may have given numbers for booleans, and
    /// any kind of number, so it is read as it is.
    pub(super) fn found(index: &Document, collation: Option<&Document>) -> Self {
        let document = |name: &str| index.get_document(name).ok().cloned();
        Self {
            name: index.get_str("name").unwrap_or_default().to_owned(),
            keys: document("key").unwrap_or_default(),
            unique: is_true(index.get("unique")),
            sparse: is_true(index.get("sparse")),
            hidden: is_true(index.get("hidden")),
            expires: index.get("expireAfterSeconds").map(number),
            filter: document("partialFilterExpression"),
            // Without one of its own an index has that of the collection.
            collation: document("collation").filter(|own| Some(own) != collation),
        }
    }

    pub(super) fn declared(model: &IndexModel) -> Self {
        let options = model.options.clone().unwrap_or_default();
        Self {
            name: options.name.unwrap_or_default(),
            keys: model.keys.clone(),
            unique: options.unique.unwrap_or(false),
            sparse: false,
            hidden: false,
            expires: None,
            filter: options.partial_filter_expression,
            collation: None,
        }
    }

    /// The server may give the numbers of keys back in another width.
    fn directions(&self) -> Vec<(&str, f64)> {
        let keys = self.keys.iter();
        keys.map(|(name, direction)| (name.as_str(), number(direction)))
            .collect()
    }

    pub(super) fn is_unique(&self) -> bool {
        self.unique
    }

    pub(super) fn has_keys_of(&self, other: &Self) -> bool {
        self.directions() == other.directions()
    }

    /// Whether no two documents can be stored that the declared unique index would keep apart.
    /// One that is sparse or has a weaker collation keeps apart more, and a hidden one as much.
    pub(super) fn enforces(&self, declared: &Self) -> bool {
        self.unique
            && self.has_keys_of(declared)
            && (self.filter.is_none() || self.filter == declared.filter)
    }

    /// What is other than declared, for people. Filters may hold values, so they are not shown.
    pub(super) fn differences(&self, declared: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        let mut say = |is_so: bool, what: &str| {
            if is_so {
                differences.push(what.to_owned());
            }
        };
        let keys = format!("its keys are not {}", declared.keys);
        say(!self.has_keys_of(declared), &keys);
        say(self.unique && !declared.unique, "it is unique");
        say(!self.unique && declared.unique, "it is not unique");
        match (&self.filter, &declared.filter) {
            (None, Some(_)) => say(true, "it has absent values too"),
            (Some(_), None) => say(true, "it has only a part of the documents"),
            (there, wanted) => say(there != wanted, "it has another part of the documents"),
        }
        say(self.sparse, "it is sparse");
        if let Some(seconds) = self.expires {
            let deletes = format!("it deletes documents {seconds} seconds after the date in them");
            say(true, &deletes);
        }
        say(self.hidden, "it is hidden from queries");
        if let Some(collation) = &self.collation {
            let locale = collation.get_str("locale").unwrap_or("of its own");
            say(true, &format!("it has the collation '{locale}'"));
        }
        differences
    }
}

fn is_true(value: Option<&Bson>) -> bool {
    match value {
        Some(Bson::Boolean(is_so)) => *is_so,
        Some(value) => number(value) != 0.0 && !number(value).is_nan(),
        None => false,
    }
}

/// Any number; what is none, such as `"hashed"`, is equal to nothing.
fn number(value: &Bson) -> f64 {
    match value {
        Bson::Int32(number) => f64::from(*number),
        Bson::Double(number) => *number,
        #[expect(
            clippy::cast_precision_loss,
            reason = "directions and seconds are small"
        )]
        Bson::Int64(number) => *number as f64,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;
    use mongodb::options::IndexOptions;

    use super::*;

    fn declared(options: Option<IndexOptions>) -> Form {
        let keys = doc! { "a": 1, "b": -1 };
        Form::declared(&IndexModel::builder().keys(keys).options(options).build())
    }

    fn found(options: Document) -> Form {
        let mut index = doc! { "v": 2, "key": { "a": 1.0, "b": -1_i64 }, "name": "mine" };
        index.extend(options);
        Form::found(&index, Some(&doc! { "locale": "de" }))
    }

    #[test]
    fn an_index_is_the_same_however_its_numbers_and_flags_are_written() {
        for options in [
            doc! {},
            doc! { "unique": false, "background": 1, "sparse": 0 },
            doc! { "hidden": false, "ns": "shop.things" },
            doc! { "collation": { "locale": "de" } },
        ] {
            let differences = found(options.clone()).differences(&declared(None));
            assert_eq!(differences, Vec::<String>::new(), "{options}");
        }
    }

    #[test]
    fn every_difference_is_said() {
        for (options, said) in [
            (doc! { "key": { "a": 1, "b": 1 } }, "its keys are not"),
            (doc! { "key": { "b": -1, "a": 1 } }, "its keys are not"),
            (doc! { "key": { "a": "hashed" } }, "its keys are not"),
            (doc! { "unique": 1 }, "it is unique"),
            (doc! { "sparse": true }, "it is sparse"),
            (doc! { "expireAfterSeconds": 60.0 }, "deletes documents 60 "),
            (doc! { "expireAfterSeconds": 0 }, "deletes documents 0 "),
            (doc! { "hidden": true }, "it is hidden"),
            (doc! { "collation": { "locale": "fr" } }, "collation 'fr'"),
            (doc! { "partialFilterExpression": { "a": "Ada" } }, "a part"),
        ] {
            let differences = found(options.clone()).differences(&declared(None));
            assert_eq!(differences.len(), 1, "{options}: {differences:?}");
            assert!(differences[0].contains(said), "{differences:?}");
            assert!(!differences[0].contains("Ada"), "{differences:?}");
        }
    }

    #[test]
    fn a_unique_index_is_enforced_by_one_that_has_at_least_its_documents() {
        let filter = doc! { "a": { "$type": ["string"] } };
        let options = IndexOptions::builder()
            .unique(true)
            .partial_filter_expression(filter.clone())
            .build();
        let declared = declared(Some(options));
        for (found_options, enforces) in [
            (
                doc! { "unique": true, "partialFilterExpression": filter.clone() },
                true,
            ),
            (doc! { "unique": true }, true),
            (doc! { "unique": true, "sparse": true }, true),
            (doc! { "unique": true, "hidden": true }, true),
            (doc! { "partialFilterExpression": filter }, false),
            (doc! { "unique": true, "key": { "a": 1 } }, false),
            (
                doc! { "unique": true, "partialFilterExpression": { "b": 1 } },
                false,
            ),
        ] {
            let found = found(found_options.clone());
            assert_eq!(found.enforces(&declared), enforces, "{found_options}");
        }
    }
}
