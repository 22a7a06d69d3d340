//! One write, alone or in a transaction.

use std::time::Duration;

use bson::{Bson, Document, RawDocumentBuf};
use mongodb::bson::doc;
use mongodb::options::ReturnDocument;
use mongodb::{ClientSession, Collection};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::failure::{self, Failure};
use super::{Connection, document, ids, json};
use resources::schema::{Attributes, Id, ResourceType};
use resources::store::{
    Check, NewResource, Operation, Refusal, Resource, StoreError, Write, Written, stored_value,
};

/// Comparisons with what is stored, after which a transaction is to keep others away. There are
/// documents that never equal themselves, such as those with two fields of one name.
const COMPARISONS_MAX: u32 = 12;

/// A request has two documents where it compares, and can have 16 MB and a little more.
const COMPARED_BYTES_MAX: usize = 7 << 20;

/// The longest pause before a change that another one overtook is tried again.
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// Where writes go: the session, and whether a transaction isolates them from others.
pub(super) struct Place<'a> {
    pub(super) store: &'a Connection,
    pub(super) session: &'a mut ClientSession,
    pub(super) in_transaction: bool,
    /// When to stop trying again.
    pub(super) deadline: Instant,
}

impl Place<'_> {
    pub(super) async fn perform(&mut self, write: &Write) -> Result<Written, Failure> {
        let of = write.of.as_ref();
        let stored = match &write.operation {
            Operation::Insert(new) => self.insert(of, new).await?,
            Operation::Update { id, changes, check } => self.update(of, id, changes, check).await?,
            Operation::Replace { id, attributes } => self.replace(of, id, attributes).await?,
            Operation::Delete { id } => return self.delete(of, id).await,
        };
        Ok(Written::Stored(stored))
    }

    async fn insert(&mut self, of: &ResourceType, new: &NewResource) -> Result<Resource, Failure> {
        let id = match &new.id {
            Some(id) => id.clone(),
            None => self.next_integer(of).await?,
        };
        let document = document::new(of, &id, &new.attributes)?;
        if let (Some(_), Id::Integer(number)) = (&new.id, &id) {
            self.raise_greatest(of, *number).await?;
        }
        self.store
            .collection(of)
            .insert_one(&document)
            .session(&mut *self.session)
            .await
            .map_err(|error| failure::duplicate(of, &id, error))?;
        Ok(json::resource(of, &document)?)
    }

    /// Reads, checks and replaces; without a transaction only if nothing changed in between.
    async fn update(
        &mut self,
        of: &ResourceType,
        id: &Id,
        changes: &Attributes,
        check: &Check,
    ) -> Result<Resource, Failure> {
        for attempt in 0..COMPARISONS_MAX {
            let before = self.current(of, id).await?;
            let text = json::resource(of, &before)?.attributes;
            let damaged = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
            let known: Value = stored_value(&text).map_err(damaged)?;
            let mut intended = known.clone();
            if let Value::Object(attributes) = &mut intended {
                attributes.extend(changes.clone());
            }
            check(&known, &intended).map_err(Refusal::Invalid)?;
            if !self.in_transaction && before.as_bytes().len() > COMPARED_BYTES_MAX {
                break;
            }
            let after = document::changed(of, &before, changes)?;
            if self.put(of, id, &before, &after).await? {
                return Ok(json::resource(of, &after)?);
            }
            pause(attempt, self.deadline).await?;
        }
        Err(Failure::NeedsTransaction)
    }

    /// Whether the document was still the one from before, and now is the other.
    async fn put(
        &mut self,
        of: &ResourceType,
        id: &Id,
        before: &RawDocumentBuf,
        after: &RawDocumentBuf,
    ) -> Result<bool, Failure> {
        let mut filter = targeted(of, id, before)?;
        if !self.in_transaction {
            let unchanged: Document = before
                .try_into()
                .map_err(|error: bson::error::Error| StoreError::Corrupt(error.to_string()))?;
            // `$literal` keeps values that look like operators from being taken for such.
            filter.insert(
                "$expr",
                doc! { "$eq": ["$$ROOT", { "$literal": unchanged }] },
            );
        }
        let replaced = self
            .store
            .collection(of)
            .replace_one(filter, after)
            .session(&mut *self.session)
            .await
            .map_err(|error| failure::duplicate(of, id, error))?;
        Ok(replaced.matched_count == 1)
    }

    async fn replace(
        &mut self,
        of: &ResourceType,
        id: &Id,
        attributes: &Attributes,
    ) -> Result<Resource, Failure> {
        // What must be kept of the document from before: a field of the store, the width of
        // integers, or the shard key that finds it. Otherwise one round trip is enough.
        let reads_first = ids::have_position(of)
            || !of.shard_key.is_empty()
            || attributes.values().any(document::has_integers);
        for attempt in 0..COMPARISONS_MAX {
            let mut before = RawDocumentBuf::new();
            before.append(bson::cstr!("_id"), ids::to_raw(id));
            if reads_first {
                before = self.current(of, id).await?;
            }
            let after = document::replacement(of, &before, attributes)?;
            let replaced = self
                .store
                .collection(of)
                .replace_one(targeted(of, id, &before)?, &after)
                .session(&mut *self.session)
                .await
                .map_err(|error| failure::duplicate(of, id, error))?;
            if replaced.matched_count > 0 {
                return Ok(json::resource(of, &after)?);
            }
            self.look_again(of, id, attempt).await?;
        }
        Err(Failure::NeedsTransaction)
    }

    async fn delete(&mut self, of: &ResourceType, id: &Id) -> Result<Written, Failure> {
        for attempt in 0..COMPARISONS_MAX {
            let mut filter = doc! { ids::ID: ids::to_bson(id) };
            if !of.shard_key.is_empty() {
                filter = targeted(of, id, &self.current(of, id).await?)?;
            }
            let deleted = self
                .store
                .collection(of)
                .delete_one(filter)
                .session(&mut *self.session)
                .await?;
            if deleted.deleted_count > 0 {
                return Ok(Written::Deleted);
            }
            self.look_again(of, id, attempt).await?;
        }
        Err(Failure::NeedsTransaction)
    }

    /// Nothing was found. Where the shard key was part of the question, another write may have
    /// changed it meanwhile; otherwise there is nothing.
    async fn look_again(&self, of: &ResourceType, id: &Id, attempt: u32) -> Result<(), Failure> {
        if of.shard_key.is_empty() {
            return Err(Refusal::Absent(id.clone()).into());
        }
        Ok(pause(attempt, self.deadline).await?)
    }

    /// The document as the primary has it: what is written must not rest on what is stale.
    async fn current(&mut self, of: &ResourceType, id: &Id) -> Result<RawDocumentBuf, Failure> {
        let found = self
            .store
            .primary_collection(of)
            .find_one(doc! { ids::ID: ids::to_bson(id) })
            .session(&mut *self.session)
            .await?;
        Ok(found.ok_or_else(|| Refusal::Absent(id.clone()))?)
    }

    /// One more than the greatest id that was ever given out.
    async fn next_integer(&mut self, of: &ResourceType) -> Result<Id, Failure> {
        let last = self.reserve_integers(of, 1).await?;
        Ok(Id::Integer(last))
    }

    /// Gives out the next ids; the answer is the last of them.
    pub(super) async fn reserve_integers(
        &mut self,
        of: &ResourceType,
        count: i64,
    ) -> Result<i64, Failure> {
        let counter = self
            .counters()
            .find_one_and_update(
                doc! { ids::ID: &of.collection },
                doc! { "$inc": { GREATEST: count } },
            )
            .upsert(true)
            .return_document(ReturnDocument::After)
            .session(&mut *self.session)
            .await?;
        let last = counter.and_then(|counter| counter.get_i64(GREATEST).ok());
        let exhausted = || StoreError::Unusable("there is no integer id left".to_owned());
        Ok(last.filter(|last| *last > 0).ok_or_else(exhausted)?)
    }

    /// Keeps ids that were not given out by the counter from being given out by it.
    pub(super) async fn raise_greatest(
        &mut self,
        of: &ResourceType,
        number: i64,
    ) -> Result<(), Failure> {
        self.counters()
            .update_one(
                doc! { ids::ID: &of.collection },
                doc! { "$max": { GREATEST: number } },
            )
            .upsert(true)
            .session(&mut *self.session)
            .await?;
        Ok(())
    }

    fn counters(&self) -> Collection<Document> {
        self.store.database.collection(COUNTERS)
    }
}

/// Finds one resource on its shard alone.
pub(super) fn targeted(
    of: &ResourceType,
    id: &Id,
    before: &RawDocumentBuf,
) -> Result<Document, Failure> {
    let mut filter = doc! { ids::ID: ids::to_bson(id) };
    for attribute in &of.shard_key {
        let damaged = |error: bson::error::Error| StoreError::Corrupt(error.to_string());
        let value = before.get(attribute).map_err(damaged)?;
        // Absent is null to a shard key.
        let value = value
            .map_or(Ok(Bson::Null), Bson::try_from)
            .map_err(damaged)?;
        filter.insert(attribute, doc! { "$eq": value });
    }
    Ok(filter)
}

/// Holds, for each collection with integer ids, the greatest that was ever given out.
const COUNTERS: &str = "monocoque_counters";
const GREATEST: &str = "greatest";

pub(super) fn overtaken() -> StoreError {
    StoreError::Busy("other writes to the same resource were always faster".to_owned())
}

/// Waits a random while, longer with each attempt.
pub(super) async fn pause(attempt: u32, deadline: Instant) -> Result<(), StoreError> {
    let [random, ..] = Uuid::new_v4().into_bytes();
    let longest = Duration::from_millis(1 << attempt.min(6)).min(PAUSE_MAX);
    let until = Instant::now() + longest * u32::from(random) / 256;
    if until >= deadline {
        return Err(overtaken());
    }
    tokio::time::sleep_until(until).await;
    Ok(())
}
