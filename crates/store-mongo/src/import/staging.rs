//! The rows of an import of all or nothing: kept aside, then copied in one transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bson::{RawBsonRef, RawDocumentBuf};
use futures_util::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::CreateCollectionOptions;
use tokio::time::Instant;

use super::super::failure::{self, Failure};
use super::super::{Connection, ids, indexes, unit};
use super::Documents;
use resources::schema::{Id, Index, ResourceType};
use resources::store::{Refusal, StoreError};

/// How long the one transaction of [`ImportMode::AllOrNothing`] may be tried; the server itself
/// ends a transaction after `transactionLifetimeLimitSeconds`, 60 by default.
const COMMIT_TIMEOUT: Duration = Duration::from_mins(3);

/// Before the transaction is tried again; doubled each time up to the longest.
const COMMIT_PAUSE: Duration = Duration::from_millis(50);
const COMMIT_PAUSE_MAX: Duration = Duration::from_secs(5);

/// What the names of these collections start with; the rest is an ObjectId, which has the time.
const PREFIX: &str = "monocoque_import_";

/// The age from which a collection is taken to belong to no import that still runs.
const ABANDONED_AFTER: Duration = Duration::from_hours(24);

/// Documents in one request of that transaction.
const COMMIT_BATCH: usize = 1000;

/// Which documents clash with the collection itself, in their order.
pub(super) async fn refused_by_those_there(
    store: &Connection,
    of: &ResourceType,
    documents: &[RawDocumentBuf],
) -> Result<Vec<(usize, Refusal)>, StoreError> {
    let read = |error: Error| failure::of_read(&error);
    let field = |document: &RawDocumentBuf, name: &str| -> Option<Bson> {
        Bson::try_from(document.get(name).ok().flatten()?).ok()
    };
    let mut refused = HashMap::new();
    let all: Vec<Bson> = documents
        .iter()
        .filter_map(|one| field(one, ids::ID))
        .collect();
    let cursor = store
        .primary_collection(of)
        .find(doc! { ids::ID: { "$in": all } })
        .projection(doc! { ids::ID: 1 })
        .await
        .map_err(read)?;
    let there: Vec<RawDocumentBuf> = cursor.try_collect().await.map_err(read)?;
    let id_of = |document: &RawDocumentBuf| {
        let id = document.get(ids::ID).ok().flatten();
        id.map(ids::from_bson)
    };
    let taken: HashSet<Id> = there.iter().filter_map(id_of).collect();
    for (place, document) in documents.iter().enumerate() {
        if let Some(id) = id_of(document).filter(|id| taken.contains(id)) {
            refused.insert(place, Refusal::IdTaken(id));
        }
    }
    for index in of.indexes.iter().filter(|index| index.unique) {
        let filters: Vec<(usize, Document)> = documents
            .iter()
            .enumerate()
            .filter_map(|(place, document)| Some((place, same_keys(index, document)?)))
            .collect();
        for place in clashes(&store.primary_collection(of), filters)
            .await
            .map_err(read)?
        {
            let refusal = Refusal::NotUnique(index.attribute_names());
            refused.entry(place).or_insert(refusal);
        }
    }
    let mut refused: Vec<(usize, Refusal)> = refused.into_iter().collect();
    refused.sort_by_key(|(place, _)| *place);
    Ok(refused)
}

/// Finds what has the same values in an index; nothing has where one of them is null or absent.
fn same_keys(index: &Index, document: &RawDocumentBuf) -> Option<Document> {
    let key = |attribute: &str| -> Option<Bson> {
        match document.get(attribute).ok().flatten()? {
            RawBsonRef::Null => None,
            // With the types, so that the partial index answers.
            value => Some(doc! { "$eq": Bson::try_from(value).ok()?, "$type": indexes::types() })
                .map(Bson::Document),
        }
    };
    let keys = index.keys.iter();
    keys.map(|part| Some((part.attribute.clone(), key(&part.attribute)?)))
        .collect()
}

/// One question for all; only if something clashes, one for each.
async fn clashes(
    collection: &Documents,
    filters: Vec<(usize, Document)>,
) -> Result<Vec<usize>, Error> {
    let any: Vec<&Document> = filters.iter().map(|(_, filter)| filter).collect();
    if any.is_empty() || collection.find_one(doc! { "$or": any }).await?.is_none() {
        return Ok(Vec::new());
    }
    let mut places = Vec::new();
    for (place, filter) in filters {
        if collection.find_one(filter).await?.is_some() {
            places.push(place);
        }
    }
    Ok(places)
}

/// The collection of one import, which goes with it.
pub(super) struct Staging {
    pub(super) documents: Documents,
}

impl Staging {
    /// Makes the collection with the rules of the one that is imported into, so that what that
    /// one would refuse is refused here.
    pub(super) async fn begin(store: &Connection, of: &ResourceType) -> Result<Self, StoreError> {
        remove_abandoned(store).await;
        let name = format!("{PREFIX}{}", ObjectId::new());
        let rules = rules(store, of).await;
        indexes::create_collection(store, of, &name, rules).await?;
        Ok(Self {
            documents: store.on_primary(&name),
        })
    }

    /// Copies the rows in one transaction.
    pub(super) async fn commit(
        &self,
        store: &Arc<Connection>,
        of: &Arc<ResourceType>,
    ) -> Result<(), StoreError> {
        let deadline = Instant::now() + COMMIT_TIMEOUT;
        let (place, of, staging) = (store.clone(), of.clone(), self.documents.clone());
        // A task, so that nothing of the driver is dropped half-way.
        let task = tokio::spawn(async move { copy_in_time(&place, &of, &staging, deadline).await });
        task.await
            .map_err(|panic| StoreError::Internal(panic.to_string()))?
    }

    /// Removes the collection, also when the server is away for a while.
    pub(super) async fn remove(self, store: &Arc<Connection>) {
        let removed = super::in_time(store, || {
            let documents = self.documents.clone();
            async move {
                let dropped = documents.drop().await;
                dropped.map_err(|error| failure::of_read(&error))
            }
        });
        if let Err(error) = removed.await {
            let name = self.documents.name();
            tracing::warn!(%error, name, "the collection of an import could not be removed");
        }
    }
}

/// What a collection demands of its documents; nothing where the user may not know.
async fn rules(store: &Connection, of: &ResourceType) -> CreateCollectionOptions {
    let listed = store.database.list_collections();
    let listed = listed.filter(doc! { "name": &of.collection });
    let found = match listed.await {
        Ok(mut found) => found.try_next().await.ok().flatten(),
        Err(_) => None,
    };
    let there = found.map(|found| found.options).unwrap_or_default();
    CreateCollectionOptions::builder()
        .validator(there.validator)
        .validation_level(there.validation_level)
        .validation_action(there.validation_action)
        .collation(there.collation)
        .build()
}

/// Removes what imports of other processes have left that ended without tidying up.
async fn remove_abandoned(store: &Connection) {
    let names = store.database.list_collection_names();
    let left = names.filter(doc! { "name": { "$regex": format!("^{PREFIX}[0-9a-f]{{24}}$") } });
    let Ok(left) = left.await else {
        // A user may import and not look around.
        return;
    };
    for name in left.iter().filter(|name| is_abandoned(name)) {
        match store.database.collection::<Document>(name).drop().await {
            Ok(()) => tracing::info!(name, "what an import had left behind is removed"),
            Err(error) => {
                let error = failure::text(&error);
                tracing::warn!(error, name, "what an import has left behind is not removed");
            }
        }
    }
}

fn is_abandoned(name: &str) -> bool {
    let id = name.strip_prefix(PREFIX).map(ObjectId::parse_str);
    id.and_then(Result::ok).is_some_and(|id| {
        let begun = id.timestamp().to_system_time();
        begun.elapsed().is_ok_and(|age| age > ABANDONED_AFTER)
    })
}

/// Tries the copy again while the server is away or busy; nothing is visible before its commit.
async fn copy_in_time(
    store: &Connection,
    of: &ResourceType,
    staging: &Documents,
    deadline: Instant,
) -> Result<(), StoreError> {
    let mut pause = COMMIT_PAUSE;
    loop {
        let Err(failure) = copy(store, of, staging, deadline).await else {
            return Ok(());
        };
        let error = match failure {
            // Before the commit was sent nothing can have been done.
            Failure::Driver(error) if !failure::is_unknown_commit(&error) => {
                failure::of_read(&error)
            }
            other => other.of_import(),
        };
        let passes = matches!(error, StoreError::Unavailable(_) | StoreError::Busy(_));
        if !passes || Instant::now() + pause >= deadline {
            return Err(error);
        }
        tracing::warn!(%error, "the commit of an import is tried again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(COMMIT_PAUSE_MAX);
    }
}

async fn copy(
    store: &Connection,
    of: &ResourceType,
    staging: &Documents,
    deadline: Instant,
) -> Result<(), Failure> {
    let mut session = store.client.start_session().await?;
    let begun = session.start_transaction();
    begun.selection_criteria(unit::primary()).await?;
    let target = store.collection(of);
    let rows = staging.find(doc! {}).sort(doc! { ids::ID: 1 });
    let mut rows = rows.await?;
    loop {
        let mut batch = Vec::with_capacity(COMMIT_BATCH);
        while batch.len() < COMMIT_BATCH {
            match rows.try_next().await? {
                Some(row) => batch.push(row),
                None => break,
            }
        }
        if batch.is_empty() {
            break;
        }
        let inserted = target.insert_many(&batch).session(&mut session).await;
        if let Err(error) = inserted {
            let _ = session.abort_transaction().await;
            return Err(refused(error));
        }
    }
    unit::commit(&mut session, deadline).await
}

/// A row that the staging collection has taken and the other one does not.
fn refused(error: Error) -> Failure {
    let first = match error.kind.as_ref() {
        ErrorKind::InsertMany(many) if !error.contains_label("TransientTransactionError") => many
            .write_errors
            .as_ref()
            .and_then(|errors| errors.first().map(|error| error.code)),
        _ => None,
    };
    let Some(code) = first else {
        return Failure::Driver(error);
    };
    let reason = if code == failure::DUPLICATE_KEY {
        "others stored some of it meanwhile"
    } else {
        "the collection does not take one of the rows"
    };
    let text = failure::text(&error);
    let text = format!("nothing was stored, because {reason}: {text}");
    Failure::Store(StoreError::Unusable(text))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use mongodb::bson::DateTime;

    use super::*;

    #[test]
    fn only_what_is_safely_old_is_taken_for_abandoned() {
        let name = |age: Duration| {
            let begun = SystemTime::now() - age;
            let seconds = DateTime::from_system_time(begun).timestamp_millis() / 1000;
            let seconds = u32::try_from(seconds).unwrap();
            format!("{PREFIX}{}", ObjectId::from_parts(seconds, [0; 5], [0; 3]))
        };
        assert!(is_abandoned(&name(ABANDONED_AFTER * 2)));
        assert!(!is_abandoned(&name(ABANDONED_AFTER / 2)));
        assert!(!is_abandoned(&format!("{PREFIX}of_mine")));
        assert!(!is_abandoned("contacts"));
    }
}
