//! The indexes of a collection, as declared.

mod creation;
mod declared;
mod form;
mod states;

use std::sync::Arc;

use mongodb::IndexModel;
use mongodb::bson::doc;
use mongodb::options::CreateCollectionOptions;

use self::creation::{Missing, UNAUTHORIZED, create, of_preparing};
use self::declared::{models, name_of};
use super::failure;
use super::{MongoStore, Store, ids, writes};
use resources::schema::{Id, ResourceType};
use resources::store::StoreError;

pub(super) use creation::create_collection;
pub(super) use declared::{is_called, types};
pub(super) use states::states;
pub use states::{IndexState, Standing};

impl MongoStore {
    /// Makes the missing indexes of a type and waits for them, however long MongoDB takes.
    ///
    /// # Errors
    /// As [`Store::prepare`](resources::store::Store::prepare), and `Unavailable` when
    /// the server is away.
    pub async fn apply_indexes(&self, of: &Arc<ResourceType>) -> Result<(), StoreError> {
        let (store, of) = (self.store.clone(), of.clone());
        // A task, so that nothing of the driver is dropped half-way.
        let task = tokio::spawn(async move { prepare(&store, &of).await });
        task.await
            .map_err(|panic| StoreError::Internal(panic.to_string()))?
    }
}

/// Makes what is declared and not there, and looks whether the ids are of the declared kind.
///
/// # Errors
/// `Unusable` is what the operator must change first; after anything else it can be tried again.
pub(super) async fn prepare(store: &Connection, of: &ResourceType) -> Result<(), StoreError> {
    let prepared = async {
        check_ids(store, of).await?;
        let missing = missing(store, of).await?;
        create(store, &of.collection, missing).await
    };
    prepared.await.map_err(|error| match error {
        // The server failed in a way that says nothing about what is declared.
        StoreError::Internal(text) => StoreError::Busy(text),
        other => other,
    })
}

async fn missing(store: &Connection, of: &ResourceType) -> Result<Missing, StoreError> {
    let declared = models(of);
    let there = match states::list(store, of).await {
        Ok(there) => there,
        // A user who may do nothing but read and write needs no more where nothing is declared.
        Err(error) if failure::code(&error) == Some(UNAUTHORIZED) && declared.is_empty() => {
            return Ok(Missing {
                collection: is_surely_absent(store, of)
                    .await?
                    .then(CreateCollectionOptions::default),
                indexes: declared,
            });
        }
        Err(error) => {
            return Err(of_preparing(
                &error,
                "its indexes cannot be listed",
                &of.collection,
            ));
        }
    };
    let states = states::compare(there.as_deref().unwrap_or_default(), of);
    report_differences(of, &states)?;
    let is_missing = |model: &IndexModel| {
        let name = name_of(model);
        let is_it = |state: &IndexState| state.standing == Standing::Missing && state.name == name;
        states.iter().any(is_it)
    };
    Ok(Missing {
        collection: there.is_none().then(CreateCollectionOptions::default),
        indexes: declared.into_iter().filter(is_missing).collect(),
    })
}

/// Whether there is no such collection, as far as the user may know.
async fn is_surely_absent(store: &Connection, of: &ResourceType) -> Result<bool, StoreError> {
    let listed = store.database.list_collection_names();
    let by_name = listed.filter(doc! { "name": &of.collection });
    match by_name.authorized_collections(true).await {
        Ok(names) => Ok(names.is_empty()),
        Err(error) if failure::code(&error) == Some(UNAUTHORIZED) => Ok(false),
        Err(error) => Err(failure::of_read(&error)),
    }
}

/// What is there is left as it is. Without a unique index the store cannot keep its promise, so
/// one that is too weak is an error.
fn report_differences(of: &ResourceType, states: &[IndexState]) -> Result<(), StoreError> {
    for state in states {
        let (collection, index) = (&of.collection, &state.name);
        match &state.standing {
            Standing::Different(differences) => {
                let differences = differences.join(", ");
                if state.is_too_weak {
                    return Err(StoreError::Unusable(format!(
                        "the unique index '{index}' of '{collection}' is not as declared: \
                         {differences}; drop it, and it is made as declared"
                    )));
                }
                tracing::warn!(
                    collection,
                    index,
                    differences,
                    "the index is not as declared; drop it, and it is made at the next start"
                );
            }
            Standing::Undeclared => tracing::info!(collection, index, "the index is not declared"),
            Standing::Present | Standing::Missing => {}
        }
    }
    Ok(())
}

/// `_id`s are in the order of their types, so that the first and the last tell of all between.
async fn check_ids(store: &Connection, of: &ResourceType) -> Result<(), StoreError> {
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
            return Err(StoreError::Unusable(format!(
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
    store: &Connection,
    of: &ResourceType,
    greatest: i64,
) -> Result<(), StoreError> {
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
