//! How the rows of an import reach the store.

use std::sync::Arc;

use futures_util::future::join_all;
use resources::schema::ResourceType;
use resources::store::{
    Import, ImportMode, NewResource, Outcomes, Pending, Presence, Refusal, Store, StoreError, Unit,
    Write, WriteError,
};

use super::OnError;
use super::batch::IdentifiedRow;
use super::key::UpsertKey;

pub(super) enum Target {
    /// As new resources, through an import of the store.
    New(Import),
    /// Each row by itself: it takes the place of the resource that this leads to, if there is one.
    Upsert(UpsertKey),
}

/// A batch that is being stored.
pub(super) enum Underway {
    Pending(Pending),
    Done(Outcomes),
}

impl Underway {
    /// What came of its rows.
    pub(super) async fn outcomes(self) -> Result<Outcomes, StoreError> {
        match self {
            Self::Pending(pending) => pending.outcomes().await,
            Self::Done(outcomes) => Ok(outcomes),
        }
    }
}

impl Target {
    pub(super) async fn open(
        store: &dyn Store,
        resource_type: &Arc<ResourceType>,
        on_error: OnError,
        upsert: Option<UpsertKey>,
    ) -> Result<Self, StoreError> {
        if let Some(key) = upsert {
            return Ok(Self::Upsert(key));
        }
        let mode = match on_error {
            OnError::Stop => ImportMode::AllOrNothing,
            OnError::Skip => ImportMode::EachBatch,
            OnError::Halt => ImportMode::InOrder,
        };
        store.import(resource_type, mode).await.map(Self::New)
    }

    /// Whether the rows of a batch have no order among themselves.
    pub(super) fn stores_rows_at_once(&self) -> bool {
        matches!(self, Self::Upsert(_))
    }

    /// Begins to store a batch.
    pub(super) async fn begin(
        &mut self,
        store: &dyn Store,
        resource_type: &Arc<ResourceType>,
        on_error: OnError,
        rows: Vec<IdentifiedRow>,
    ) -> Result<Underway, StoreError> {
        let import = match self {
            Self::New(import) => {
                let rows = rows.into_iter().map(|row| row.resource).collect();
                return import.begin(rows).await.map(Underway::Pending);
            }
            Self::Upsert(key) => {
                let key = &*key;
                rows.into_iter()
                    .map(move |row| put(store, resource_type, key, row))
            }
        };
        if on_error == OnError::Skip {
            // Writes that wait together are committed together.
            let outcomes = join_all(import).await;
            let outcomes: Result<Outcomes, StoreError> = outcomes.into_iter().collect();
            return outcomes.map(Underway::Done);
        }
        let mut outcomes = Outcomes::new();
        for row in import {
            outcomes.push(row.await?);
            if outcomes.last().is_some_and(Result::is_err) {
                break;
            }
        }
        Ok(Underway::Done(outcomes))
    }

    /// Makes lasting what was stored, or undoes what can be undone.
    pub(super) async fn end(self, is_kept: bool) -> Result<(), StoreError> {
        match self {
            Self::New(import) if is_kept => import.commit().await,
            Self::New(import) => {
                import.abandon().await;
                Ok(())
            }
            Self::Upsert(_) => Ok(()),
        }
    }
}

async fn put(
    store: &dyn Store,
    resource_type: &Arc<ResourceType>,
    key: &UpsertKey,
    row: IdentifiedRow,
) -> Result<Result<(), Refusal>, StoreError> {
    let NewResource { id, attributes } = row.resource;
    let mut outcome = Ok(());
    // Others may store the same values between the look and the write: then a second look finds
    // them.
    for _ in 0..2 {
        // A row with an id of its own is about that resource, whoever else has the values.
        let found = match &row.key {
            Some(values) if !row.brings_id => key.find(store, resource_type, values).await?,
            _ => None,
        };
        let of = found.as_ref().map_or(&id, |(found, _)| found).clone();
        let mut write = Write::replace(resource_type, of, attributes.clone());
        write.guard.presence = Presence::Either;
        if let Some((_, has_values)) = found {
            // One that others have changed meanwhile is not the one that was looked for.
            write.guard.presence = Presence::MustExist;
            write.guard.scope = has_values;
        }
        outcome = match store.write(Unit::new(vec![write])).await {
            Ok(_) => return Ok(Ok(())),
            Err(WriteError::Refused { refusal, .. }) => Err(refusal),
            Err(WriteError::Store(error)) => return Err(error),
            Err(WriteError::Key(refusal)) => {
                return Err(StoreError::Internal(refusal.to_string()));
            }
        };
        if row.key.is_none() || row.brings_id {
            break;
        }
    }
    Ok(outcome)
}
