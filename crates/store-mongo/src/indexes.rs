//! The indexes of a collection: missing ones are created, outdated ones are dropped.

mod state;

use std::fmt;
use std::sync::Arc;

use futures_util::TryStreamExt;
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use resources::schema::{Id, IdKind, ResourceType};
use resources::store::{Duplicates, StoreError};

use crate::connection::Connection;
use crate::declared_indexes::{self, models, name_of};
use crate::failure::{self, UNAUTHORIZED, of_read};
use crate::{duplicates, ids, json};

pub use state::{IndexState, Standing};

const INDEX_NOT_FOUND: i32 = 27;
const NAMESPACE_NOT_FOUND: i32 = 26;
const NAMESPACE_EXISTS: i32 = 48;

/// What only the operator can change: definitions, documents, other indexes, rights. The server
/// says the same at the next attempt. `BadValue`, `FailedToParse`, `Unauthorized`, `TypeMismatch`,
/// `CommandNotFound`, `CannotCreateIndex`, `InvalidOptions`, `InvalidNamespace`,
/// `IndexOptionsConflict` (the same keys under another name), `IndexKeySpecsConflict` (the same
/// name for other keys), `CommandNotSupported`, `CommandNotSupportedOnView`,
/// `CannotIndexParallelArrays`, `InvalidIndexSpecificationOption`, `CannotBuildIndexKeys`,
/// `AtlasError` (rights, there), `DuplicateKey`, `KeyTooLong`.
const FINAL: [i32; 18] = [
    2, 9, 13, 14, 59, 67, 72, 73, 85, 86, 115, 166, 171, 197, 201, 8000, 11000, 17280,
];

/// Creates missing indexes, drops those that this program made for an earlier definition, and
/// checks that the ids are of the declared kind.
///
/// # Errors
/// `Unusable` is what the operator must change first; anything else can be tried again.
pub(crate) async fn prepare(
    store: &Connection,
    resource_type: &Arc<ResourceType>,
) -> Result<(), StoreError> {
    let preparation = Preparation {
        store,
        resource_type,
    };
    preparation.run().await.map_err(|error| match error {
        // The server failed in a way that says nothing about the definition.
        StoreError::Internal(text) => StoreError::Busy(text),
        other => other,
    })
}

/// Every declared or existing index.
pub(crate) async fn states(
    store: &Connection,
    resource_type: &ResourceType,
) -> Result<Vec<IndexState>, StoreError> {
    let there = list(store, resource_type).await.map_err(of_read)?;
    Ok(state::compare(&there.unwrap_or_default(), resource_type))
}

/// The indexes of a collection, or `None` if there is no collection.
async fn list(
    store: &Connection,
    resource_type: &ResourceType,
) -> Result<Option<Vec<Document>>, Error> {
    let command = doc! { "listIndexes": &resource_type.collection };
    match store.database.run_cursor_command(command).await {
        Ok(cursor) => Ok(Some(cursor.try_collect().await?)),
        Err(error) if failure::code(&error) == Some(NAMESPACE_NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}

struct Preparation<'a> {
    store: &'a Connection,
    resource_type: &'a Arc<ResourceType>,
}

impl Preparation<'_> {
    async fn run(&self) -> Result<(), StoreError> {
        self.check_ids().await?;
        let declared = models(self.resource_type);
        let there = match list(self.store, self.resource_type).await {
            Ok(there) => there,
            // A user who may do nothing but read and write needs no more where the collection is
            // there and nothing is declared.
            Err(error) if failure::code(&error) == Some(UNAUTHORIZED) && declared.is_empty() => {
                Some(Vec::new())
            }
            Err(error) => return Err(self.failure(&error, &"its indexes cannot be listed")),
        };
        if there.is_none() {
            self.create_collection().await?;
        }
        let states = state::compare(&there.unwrap_or_default(), self.resource_type);
        for state in &states {
            self.report_difference(state)?;
        }
        self.check_unique(&states).await?;
        for model in declared {
            let is_it = |state: &&IndexState| state.name == name_of(&model);
            let state = states.iter().find(is_it);
            if state.is_some_and(|state| state.standing == Standing::Missing) {
                self.create_index(model).await?;
            }
        }
        for state in &states {
            if state.standing == Standing::Outdated {
                self.drop_index(&state.name).await?;
            }
        }
        Ok(())
    }

    /// Names the documents that a missing unique index forbids, before anything is made or dropped.
    async fn check_unique(&self, states: &[IndexState]) -> Result<(), StoreError> {
        let (store, of) = (self.store, self.resource_type);
        for index in of.indexes.iter().filter(|index| index.unique) {
            let name = declared_indexes::name(index);
            let is_missing =
                |state: &IndexState| state.name == name && state.standing == Standing::Missing;
            if !states.iter().any(is_missing) {
                continue;
            }
            let wanted = Duplicates::NAMED_MAX + 1;
            let found = duplicates::of_index(store, of, index, wanted).await?;
            if let Some(text) = Duplicates::refuse(&found, &of.name) {
                return Err(StoreError::Unusable(text));
            }
        }
        Ok(())
    }

    /// `_id`s are in the order of their types, so that the first and the last tell of all between.
    async fn check_ids(&self) -> Result<(), StoreError> {
        let of = self.resource_type;
        let collection = self.store.primary_collection(of);
        let mut greatest = 0;
        for direction in [1, -1] {
            let found = collection
                .find_one(doc! {})
                .sort(doc! { ids::ID: direction })
                .projection(doc! { ids::ID: 1 });
            let found = found.await.map_err(of_read)?;
            let id = found.as_ref().and_then(|one| one.get(ids::ID).ok()?);
            let Some(id) = id.map(json::id_from_bson) else {
                continue;
            };
            if !ids::is_of_kind(of.id, &id) {
                return Err(StoreError::Unusable(format!(
                    "the collection '{}' has the id '{id}', but the definition of '{}' says that \
                     ids are of the kind {}",
                    of.collection, of.name, of.id
                )));
            }
            if let Id::Integer(number) = id {
                greatest = greatest.max(number);
            }
        }
        if of.id == IdKind::Integer {
            // Documents of other programs may have greater ids than the counter. Made here, the
            // counter is not made by several requests at once.
            let greatest = Id::Integer(greatest);
            let counters = &self.store.counters;
            counters.raise(of, std::iter::once(&greatest)).await?;
        }
        Ok(())
    }

    /// A collection that a transaction made implicitly would make other transactions fail.
    async fn create_collection(&self) -> Result<(), StoreError> {
        let collection = &self.resource_type.collection;
        match self.store.database.create_collection(collection).await {
            Err(error) if failure::code(&error) != Some(NAMESPACE_EXISTS) => {
                Err(self.failure(&error, &"it cannot be made"))
            }
            _ => Ok(()),
        }
    }

    /// Existing indexes are not changed. A unique index that is too weak is an error, because the
    /// store cannot keep its promise with it.
    fn report_difference(&self, state: &IndexState) -> Result<(), StoreError> {
        let (collection, index) = (&self.resource_type.collection, &state.name);
        match &state.standing {
            Standing::Different {
                is_too_weak: true, ..
            } => Err(StoreError::Unusable(format!(
                "the unique index of '{collection}' lets through what it is declared to refuse; \
                 drop it, and it is made as declared: {state}"
            ))),
            Standing::Different { .. } => {
                tracing::warn!(
                    collection,
                    index,
                    difference = %state,
                    "the index is not as declared; drop it, and it is made at the next start"
                );
                Ok(())
            }
            Standing::Undeclared => {
                tracing::info!(collection, index, "the index is not declared");
                Ok(())
            }
            Standing::Present | Standing::Missing | Standing::Outdated => Ok(()),
        }
    }

    async fn create_index(&self, model: IndexModel) -> Result<(), StoreError> {
        let what = format!("the index {} cannot be made", model.keys);
        let collection = self.store.collection(self.resource_type);
        let made = collection.create_index(model).await;
        made.map(drop).map_err(|error| self.failure(&error, &what))
    }

    async fn drop_index(&self, name: &str) -> Result<(), StoreError> {
        let collection = self.store.collection(self.resource_type);
        let code = match collection.drop_index(name).await {
            Ok(()) => None,
            Err(error) => match failure::code(&error) {
                code @ Some(UNAUTHORIZED | INDEX_NOT_FOUND) => code,
                _ => return Err(of_read(error)),
            },
        };
        let collection = &self.resource_type.collection;
        if code == Some(UNAUTHORIZED) {
            tracing::warn!(
                collection,
                index = name,
                "the index is no longer declared and still refuses resources: the user may not \
                 drop it"
            );
        } else {
            tracing::info!(
                collection,
                index = name,
                "dropped: it is no longer declared"
            );
        }
        Ok(())
    }

    fn failure(&self, error: &Error, what: &dyn fmt::Display) -> StoreError {
        let is_final = failure::code(error).is_some_and(|code| FINAL.contains(&code));
        match failure::classify(error, failure::Intent::Read) {
            StoreError::Unusable(text) | StoreError::Internal(text) if is_final => {
                let collection = &self.resource_type.collection;
                StoreError::Unusable(format!("the collection '{collection}': {what}: {text}"))
            }
            other => other,
        }
    }
}
