//! Writes that the presence of the resource alone decides, whatever else it holds.

use mongodb::bson::doc;
use resources::schema::{Attributes, Id, ResourceType};
use resources::store::{Refusal, Written};

use super::{Session, go_on, stored};
use crate::failure::{Stop, refusal_or_error};
use crate::patience::Patience;
use crate::{document, filter, ids};

impl Session<'_> {
    pub(super) async fn insert(
        &mut self,
        resource_type: &ResourceType,
        id: &Id,
        members: &Attributes,
    ) -> Result<Written, Stop> {
        let document = document::new(resource_type, id, members)?;
        self.store
            .collection(resource_type)
            .insert_one(&document)
            .session(&mut *self.client)
            .await
            .map_err(|error| refusal_or_error(resource_type, id, error))?;
        stored(resource_type, &document)
    }

    pub(super) async fn replace(
        &mut self,
        resource_type: &ResourceType,
        id: &Id,
        members: &Attributes,
    ) -> Result<Written, Stop> {
        let mut patience = self.patience();
        loop {
            // What must be kept of the document from before: a field of the store, the shard key
            // that finds it, the width of integers, the kinds of values that JSON does not have.
            let current = self.current(resource_type, id).await?;
            let before = current.ok_or_else(|| Refusal::Absent(id.clone()))?;
            let after = document::replacement(resource_type, &before, members)?;
            let filter = filter::targeted(resource_type, id, &before)?;
            if self.put(resource_type, id, filter, &after).await? {
                return stored(resource_type, &after);
            }
            look_again(resource_type, id, &mut patience).await?;
        }
    }

    pub(super) async fn replace_or_insert(
        &mut self,
        resource_type: &ResourceType,
        id: &Id,
        members: &Attributes,
    ) -> Result<Written, Stop> {
        let mut patience = self.patience();
        loop {
            match self.replace(resource_type, id, members).await {
                Err(Stop::Refused(Refusal::Absent(_))) => {}
                outcome => return outcome,
            }
            match self.insert(resource_type, id, members).await {
                Err(Stop::Refused(Refusal::IdTaken(_))) => go_on(&mut patience).await?,
                outcome => return outcome,
            }
        }
    }

    pub(super) async fn delete(
        &mut self,
        resource_type: &ResourceType,
        id: &Id,
    ) -> Result<Written, Stop> {
        let mut patience = self.patience();
        loop {
            let mut filter = doc! { ids::ID: ids::to_bson(id) };
            if !resource_type.shard_key.is_empty() {
                let current = self.current(resource_type, id).await?;
                let before = current.ok_or_else(|| Refusal::Absent(id.clone()))?;
                filter = filter::targeted(resource_type, id, &before)?;
            }
            if self.remove(resource_type, filter).await? {
                return Ok(Written::Deleted);
            }
            look_again(resource_type, id, &mut patience).await?;
        }
    }
}

/// Nothing was found. Where the shard key was part of the question, another write may have changed
/// the key meanwhile; otherwise there is nothing.
async fn look_again(
    resource_type: &ResourceType,
    id: &Id,
    patience: &mut Patience,
) -> Result<(), Stop> {
    if resource_type.shard_key.is_empty() {
        return Err(Refusal::Absent(id.clone()).into());
    }
    go_on(patience).await
}
