//! Making collections and indexes, and what it means when that fails.

use std::fmt;

use mongodb::IndexModel;
use mongodb::bson::Document;
use mongodb::error::Error;
use mongodb::options::CreateCollectionOptions;

use super::super::{Connection, failure};
use super::declared::models;
use resources::schema::ResourceType;
use resources::store::StoreError;

/// What is to be made in a database.
pub(super) struct Missing {
    pub(super) collection: Option<CreateCollectionOptions>,
    pub(super) indexes: Vec<IndexModel>,
}

/// A new collection with options and all indexes of a type.
pub(in super::super) async fn create_collection(
    store: &Connection,
    of: &ResourceType,
    collection: &str,
    options: CreateCollectionOptions,
) -> Result<(), StoreError> {
    let missing = Missing {
        collection: Some(options),
        indexes: models(of),
    };
    create(store, collection, missing).await
}

pub(super) async fn create(
    store: &Connection,
    collection: &str,
    missing: Missing,
) -> Result<(), StoreError> {
    // Implicitly made within a transaction, it would make others fail.
    if let Some(options) = missing.collection
        && let Err(error) = store
            .database
            .create_collection(collection)
            .with_options(options)
            .await
        && failure::code(&error) != Some(NAMESPACE_EXISTS)
    {
        return Err(of_preparing(&error, "it cannot be made", collection));
    }
    let documents = store.database.collection::<Document>(collection);
    for model in missing.indexes {
        let what = format!("the index {} cannot be made", model.keys);
        let made = documents.create_index(model).await;
        made.map_err(|error| of_preparing(&error, &what, collection))?;
    }
    Ok(())
}

const NAMESPACE_EXISTS: i32 = 48;
pub(super) const UNAUTHORIZED: i32 = 13;

/// What only the operator can change: definitions, documents, other indexes, rights. The server
/// says the same at the next attempt.
const FINAL: [i32; 18] = [
    2, // BadValue
    9, // FailedToParse
    UNAUTHORIZED,
    14,    // TypeMismatch
    59,    // CommandNotFound
    67,    // CannotCreateIndex
    72,    // InvalidOptions
    73,    // InvalidNamespace
    85,    // IndexOptionsConflict: the same keys under another name
    86,    // IndexKeySpecsConflict: the same name for other keys
    115,   // CommandNotSupported
    166,   // CommandNotSupportedOnView
    171,   // CannotIndexParallelArrays
    197,   // InvalidIndexSpecificationOption
    201,   // CannotBuildIndexKeys
    8000,  // AtlasError: rights, there
    11000, // DuplicateKey
    17280, // KeyTooLong
];

/// What came of preparing a collection.
pub(super) fn of_preparing(error: &Error, what: &str, collection: impl fmt::Display) -> StoreError {
    let known = failure::of_read(error);
    let is_final = failure::code(error).is_some_and(|code| FINAL.contains(&code));
    match known {
        // The texts of the store are good for refused rights, those of the server for the rest.
        StoreError::Unusable(text) | StoreError::Internal(text) if is_final => {
            StoreError::Unusable(format!("the collection '{collection}': {what}: {text}"))
        }
        other => other,
    }
}
