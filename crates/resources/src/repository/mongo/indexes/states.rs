//! How the indexes of a collection stand against the definition.

use std::fmt;

use futures_util::TryStreamExt;
use mongodb::IndexModel;
use mongodb::bson::{Bson, Document};

use super::super::{Store, failure};
use super::models;
use crate::repository::RepositoryError;
use crate::schema::ResourceType;

/// An index as it should be or as it is.
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
    /// Declared and there.
    Present,
    /// Declared and not there.
    Missing,
    /// There under the declared name, but with other keys or options. It is left as it is.
    Different,
    /// There and not declared. It is left as it is.
    Undeclared,
}

impl fmt::Display for IndexState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let standing = match self.standing {
            Standing::Present => "present",
            Standing::Missing => "missing",
            Standing::Different => "different from its declaration",
            Standing::Undeclared => "not declared",
        };
        write!(formatter, "{} {}: {standing}", self.name, self.keys)
    }
}

/// Every index that is declared or there.
pub(in super::super) async fn states(
    store: &Store,
    of: &ResourceType,
) -> Result<Vec<IndexState>, RepositoryError> {
    let there: Vec<IndexModel> = match store.collection(of).list_indexes().await {
        Ok(cursor) => cursor
            .try_collect()
            .await
            .map_err(|error| failure::of_read(&error))?,
        // There is no collection yet.
        Err(error) if failure::code(&error) == Some(26) => Vec::new(),
        Err(error) => return Err(failure::of_read(&error)),
    };
    let declared = models(of);
    let mut states: Vec<IndexState> = declared
        .iter()
        .map(|model| {
            let same_name = there.iter().find(|there| name_of(there) == name_of(model));
            state(
                model,
                match same_name {
                    None => Standing::Missing,
                    Some(there) if alike(there, model) => Standing::Present,
                    Some(_) => Standing::Different,
                },
            )
        })
        .collect();
    let known = |model: &&IndexModel| {
        let name = name_of(model);
        name == "_id_" || declared.iter().any(|declared| name_of(declared) == name)
    };
    let others = there.iter().filter(|model| !known(model));
    states.extend(others.map(|model| state(model, Standing::Undeclared)));
    Ok(states)
}

fn state(model: &IndexModel, standing: Standing) -> IndexState {
    IndexState {
        name: name_of(model).to_owned(),
        keys: model.keys.clone(),
        standing,
    }
}

pub(super) fn name_of(model: &IndexModel) -> &str {
    let options = model.options.as_ref();
    options
        .and_then(|options| options.name.as_deref())
        .unwrap_or_default()
}

fn alike(there: &IndexModel, declared: &IndexModel) -> bool {
    let unique = |model: &IndexModel| {
        let options = model.options.as_ref();
        options.and_then(|options| options.unique).unwrap_or(false)
    };
    let filter = |model: &IndexModel| {
        let options = model.options.as_ref();
        options.and_then(|options| options.partial_filter_expression.clone())
    };
    // The server may give the numbers of keys back in another width.
    let keys = |model: &IndexModel| {
        let number = |value: &Bson| match value {
            Bson::Int32(number) => Some(f64::from(*number)),
            Bson::Double(number) => Some(*number),
            #[expect(clippy::cast_precision_loss, reason = "it is 1 or -1")]
            Bson::Int64(number) => Some(*number as f64),
            _ => None,
        };
        let key = |(name, value): (&String, &Bson)| (name.clone(), number(value));
        model.keys.iter().map(key).collect::<Vec<_>>()
    };
    keys(there) == keys(declared)
        && unique(there) == unique(declared)
        && filter(there) == filter(declared)
}
