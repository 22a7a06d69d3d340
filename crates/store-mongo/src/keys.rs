//! What is kept under idempotency keys, in the collection `monocoque_idempotency_keys`: written in
//! the transaction of the unit, removed by the server when it has expired.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, Document, doc};
use mongodb::options::{CollectionOptions, IndexOptions, ReadConcern};
use mongodb::{Collection, Database, IndexModel};
use resources::store::{KeptAnswer, Key, KeyRefusal, StoreError, Unit, WriteError, Written, now};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::connection::{Connection, primary};
use crate::failure::{self, Stop, of_read};
use crate::write::Session;
use crate::{ids, transaction};

const KEYS: &str = "monocoque_idempotency_keys";
const FINGERPRINT: &str = "fingerprint";
const ANSWER: &str = "answer";
const EXPIRES_AT: &str = "expiresAt";

/// How old what is known of the size of the collection may be.
const SIZE_KNOWN_FOR: Duration = Duration::from_secs(10);

const DUPLICATE_KEY: i32 = 11000;
const WRITE_CONFLICT: i32 = 112;

pub(crate) struct Keys {
    database: Database,
    documents: Collection<Document>,
    /// Whether the server removes what has expired.
    is_prepared: OnceCell<()>,
    /// The size of the collection, and when it was asked for.
    size: Mutex<Option<(Instant, u64)>>,
}

impl Keys {
    pub(crate) fn new(database: &Database) -> Self {
        let options = CollectionOptions::builder()
            .selection_criteria(primary())
            // What is not on a majority may be lost with the primary, and its writes with it.
            .read_concern(ReadConcern::majority());
        Self {
            database: database.clone(),
            documents: database.collection_with_options(KEYS, options.build()),
            is_prepared: OnceCell::new(),
            size: Mutex::default(),
        }
    }

    /// What stands against a unit with this key.
    pub(crate) async fn recall(&self, key: &Key) -> Result<Option<KeyRefusal>, StoreError> {
        let found = self.documents.find_one(doc! { ids::ID: &key.name }).await;
        let Some(found) = found.map_err(of_read)? else {
            return Ok(None);
        };
        let damaged = || StoreError::Corrupt(format!("a document of '{KEYS}' is damaged"));
        let expires_at = found.get_datetime(EXPIRES_AT).map_err(|_| damaged())?;
        if expires_at.timestamp_millis() <= now() {
            return Ok(None);
        }
        let fingerprint = found.get_binary_generic(FINGERPRINT);
        let fingerprint = fingerprint.map_err(|_| damaged())?;
        let answer = found.get_str(ANSWER).map_err(|_| damaged())?;
        Ok(Some(
            key.met(fingerprint, KeptAnswer::kept(answer.to_owned())),
        ))
    }

    /// Makes the server remove what has expired, once in the life of a process.
    async fn prepare(&self) -> Result<(), StoreError> {
        let prepare = async || {
            let options = IndexOptions::builder().expire_after(Duration::ZERO);
            let index = IndexModel::builder()
                .keys(doc! { EXPIRES_AT: 1 })
                .options(options.build());
            let made = self.documents.create_index(index.build()).await;
            made.map(drop).map_err(of_read)
        };
        self.is_prepared.get_or_try_init(prepare).await.map(drop)
    }

    /// Refuses a unit while as much is kept as may be.
    async fn admit(&self, key: &Key) -> Result<(), WriteError> {
        let known = || self.size.lock().unwrap_or_else(PoisonError::into_inner);
        let last = *known();
        let size = match last {
            Some((asked, size)) if asked.elapsed() < SIZE_KNOWN_FOR => size,
            _ => {
                // Others go on with what is known, while this one asks.
                *known() = Some((Instant::now(), last.map_or(0, |(_, size)| size)));
                let size = self.size().await?;
                *known() = Some((Instant::now(), size));
                size
            }
        };
        if size > key.limits.bytes_max {
            return Err(KeyRefusal::NoRoom.into());
        }
        Ok(())
    }

    async fn size(&self) -> Result<u64, StoreError> {
        let stats = self.database.run_command(doc! { "collStats": KEYS });
        let stats = stats.await.map_err(of_read)?;
        let size = match stats.get("size") {
            Some(Bson::Int32(size)) => u64::try_from(*size).ok(),
            Some(Bson::Int64(size)) => u64::try_from(*size).ok(),
            Some(Bson::Double(size)) => format!("{size:.0}").parse().ok(),
            _ => None,
        };
        let none = || StoreError::Internal("the server did not say how large it is".to_owned());
        size.ok_or_else(none)
    }

    /// Removes what the server has not removed yet; whether there was such a thing.
    async fn remove_expired(&self, key: &Key) -> Result<bool, StoreError> {
        let expired = doc! { "$lte": DateTime::from_millis(now()) };
        let expired = doc! { ids::ID: &key.name, EXPIRES_AT: expired };
        let gone = self.documents.delete_one(expired).await;
        Ok(gone.map_err(of_read)?.deleted_count == 1)
    }
}

/// Does a unit with a key in a transaction that keeps what it leaves.
pub(crate) async fn write(
    store: &Connection,
    unit: &Unit,
    key: &Key,
    deadline: Instant,
) -> Result<Vec<Written>, WriteError> {
    let keys = &store.keys;
    keys.prepare().await?;
    if let Err(full) = keys.admit(key).await {
        // What is known needs no room.
        return Err(keys.recall(key).await?.map_or(full, WriteError::Key));
    }
    loop {
        let error = match transaction::write(store, unit, deadline).await {
            Ok(written) => return Ok(written),
            // What was done under the key may be why it cannot be done now.
            Err(error @ (WriteError::Refused { .. } | WriteError::Key(KeyRefusal::InFlight))) => {
                error
            }
            Err(error) => return Err(error),
        };
        if let Some(refusal) = keys.recall(key).await? {
            return Err(refusal.into());
        }
        let is_taken = matches!(error, WriteError::Key(_));
        if !(is_taken && Instant::now() < deadline && keys.remove_expired(key).await?) {
            return Err(error);
        }
    }
}

impl Session<'_> {
    /// Keeps what a unit with this key has left. Another transaction that does so at the same time
    /// is a conflict at once.
    pub(crate) async fn keep(&mut self, key: &Key, written: &[Written]) -> Result<(), Stop> {
        let answer = key.answer(written)?;
        let fingerprint = Binary {
            subtype: BinarySubtype::Generic,
            bytes: key.fingerprint.to_vec(),
        };
        let document = doc! {
            ids::ID: &key.name,
            FINGERPRINT: fingerprint,
            ANSWER: answer.text(),
            EXPIRES_AT: DateTime::from_millis(key.expires_at()),
        };
        let documents = self.store.keys.documents.clone();
        let kept = documents.insert_one(document).session(&mut *self.client);
        match kept.await {
            Ok(_) => Ok(()),
            Err(error) => match failure::code(&error) {
                Some(DUPLICATE_KEY | WRITE_CONFLICT) => Err(KeyRefusal::InFlight.into()),
                _ => Err(error.into()),
            },
        }
    }
}
