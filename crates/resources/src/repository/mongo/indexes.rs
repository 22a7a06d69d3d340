//! The indexes of a collection, as declared.

mod states;

use std::collections::HashSet;

use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;

use super::failure;
use super::{Store, ids, writes};
use crate::repository::RepositoryError;
use crate::schema::{Id, Index, ResourceType};

pub(super) use states::states;
pub use states::{IndexState, Standing};

/// Every type of BSON but null: where a value is of one of these, it can clash.
const TYPES: [&str; 18] = [
    "double",
    "string",
    "object",
    "array",
    "binData",
    "objectId",
    "bool",
    "date",
    "regex",
    "dbPointer",
    "javascript",
    "symbol",
    "int",
    "timestamp",
    "long",
    "decimal",
    "minKey",
    "maxKey",
];

/// As MongoDB's shell would call it; a unique one apart, because both kinds may stand side by
/// side over the same attributes.
pub(super) fn name(index: &Index) -> String {
    let keys: Vec<String> = index
        .keys
        .iter()
        .map(|key| format!("{}_{}", key.attribute, direction(key.descending)))
        .collect();
    let unique = if index.unique { "unique_" } else { "" };
    format!("{unique}{}", keys.join("_"))
}

fn direction(descending: bool) -> i32 {
    if descending { -1 } else { 1 }
}

fn keys(index: &Index) -> Document {
    index
        .keys
        .iter()
        .map(|key| (key.attribute.clone(), Bson::from(direction(key.descending))))
        .collect()
}

fn model(index: &Index) -> IndexModel {
    let options = IndexOptions::builder().name(name(index));
    let options = if index.unique {
        let present = |key: &crate::schema::IndexKey| {
            (key.attribute.clone(), Bson::from(doc! { "$type": types() }))
        };
        let filter: Document = index.keys.iter().map(present).collect();
        options
            .unique(true)
            .partial_filter_expression(filter)
            .build()
    } else {
        options.build()
    };
    IndexModel::builder()
        .keys(keys(index))
        .options(options)
        .build()
}

pub(super) fn types() -> Vec<Bson> {
    TYPES.into_iter().map(Bson::from).collect()
}

fn models(of: &ResourceType) -> Vec<IndexModel> {
    let mut models: Vec<IndexModel> = of.indexes.iter().map(model).collect();
    if ids::have_position(of) {
        let name = IndexOptions::builder().name(POSITION_INDEX.to_owned());
        let keys = ids::order(of);
        models.push(
            IndexModel::builder()
                .keys(keys)
                .options(name.build())
                .build(),
        );
    }
    models
}

const POSITION_INDEX: &str = "_position_1__id_1";

/// Makes what is declared and not there, and looks whether the ids are of the declared kind.
pub(super) async fn prepare(store: &Store, of: &ResourceType) -> Result<(), RepositoryError> {
    check_ids(store, of).await?;
    let states = states(store, of).await?;
    report_differences(of, &states)?;
    let is_missing = |model: &IndexModel| {
        let name = states::name_of(model);
        let missing = |state: &IndexState| state.standing == Standing::Missing;
        states
            .iter()
            .any(|state| state.name == name && missing(state))
    };
    let missing = models(of).into_iter().filter(is_missing).collect();
    create(store, &of.collection, missing).await
}

/// What is there is left as it is. Without a unique index the store cannot keep its promise, so
/// one that is different is an error.
fn report_differences(of: &ResourceType, states: &[IndexState]) -> Result<(), RepositoryError> {
    let unique: HashSet<String> = of
        .indexes
        .iter()
        .filter(|index| index.unique)
        .map(name)
        .collect();
    for state in states {
        let (collection, index) = (&of.collection, &state.name);
        match state.standing {
            Standing::Different if unique.contains(index) => {
                return Err(RepositoryError::Unusable(format!(
                    "the unique index '{index}' of '{collection}' is there with other keys or \
                     options; drop it, and it is made as declared"
                )));
            }
            Standing::Different => tracing::warn!(
                collection,
                index,
                "the index is there with other keys or options than declared; drop it, and it \
                 is made at the next start"
            ),
            Standing::Undeclared => tracing::info!(collection, index, "the index is not declared"),
            Standing::Present | Standing::Missing => {}
        }
    }
    Ok(())
}

/// A new collection with all indexes of a type.
pub(super) async fn create_collection(
    store: &Store,
    of: &ResourceType,
    collection: &str,
) -> Result<(), RepositoryError> {
    create(store, collection, models(of)).await
}

/// Makes a collection, if it is not there, and its indexes.
async fn create(
    store: &Store,
    collection: &str,
    models: Vec<IndexModel>,
) -> Result<(), RepositoryError> {
    // Implicitly made within a transaction, it would make others fail.
    match store.database.create_collection(collection).await {
        Err(error) if failure::code(&error) != Some(NAMESPACE_EXISTS) => {
            return Err(failure::of_read(&error));
        }
        _ => {}
    }
    let collection = store.database.collection::<Document>(collection);
    for model in models {
        let keys = model.keys.clone();
        if let Err(error) = collection.create_index(model).await {
            let known = failure::of_read(&error);
            return Err(match known {
                RepositoryError::Internal(text) => RepositoryError::Unusable(format!(
                    "the index {keys} of '{}' cannot be made: {text}",
                    collection.name()
                )),
                other => other,
            });
        }
    }
    Ok(())
}

const NAMESPACE_EXISTS: i32 = 48;

/// `_id`s are in the order of their types, so that the first and the last tell of all between.
async fn check_ids(store: &Store, of: &ResourceType) -> Result<(), RepositoryError> {
    let collection = store.collection(of);
    for direction in [1, -1] {
        let found = collection
            .find_one(doc! {})
            .sort(doc! { ids::ID: direction })
            .projection(doc! { ids::ID: 1 })
            .await
            .map_err(|error| failure::of_read(&error))?;
        let id = found
            .as_ref()
            .and_then(|found| found.get(ids::ID).ok().flatten());
        let Some(id) = id.map(ids::from_bson) else {
            continue;
        };
        if !ids::is_of_kind(of.id, &id) {
            return Err(RepositoryError::Unusable(format!(
                "the collection '{}' has the id '{id}', but the definition of '{}' says that ids \
                 are of the kind {}",
                of.collection, of.name, of.id
            )));
        }
        if let (Id::Integer(greatest), -1) = (&id, direction) {
            raise_greatest(store, of, *greatest).await?;
        }
    }
    Ok(())
}

/// Found documents may have greater ids than were ever given out here.
async fn raise_greatest(
    store: &Store,
    of: &ResourceType,
    greatest: i64,
) -> Result<(), RepositoryError> {
    let session = store.client.start_session().await;
    let mut session = session.map_err(|error| failure::of_read(&error))?;
    let mut place = writes::Place {
        store,
        session: &mut session,
        in_transaction: false,
        deadline: tokio::time::Instant::now(),
    };
    place
        .raise_greatest(of, greatest)
        .await
        .map_err(failure::read_failure)
}
