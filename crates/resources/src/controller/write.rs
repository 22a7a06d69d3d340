//! Writing: a draft becomes a write with its guard, and the write a unit in which every resource
//! that it links to is there.

use std::sync::Arc;

use super::draft::{LinkTarget, Pointers};
use super::{Controller, Draft, Failure, IdRule, Reason, id_of_url};
use crate::schema::{Attributes, Id, ResourceType};
use crate::store::{Resource, StoreError, Unit, Version, Write, WriteError, Written};
use crate::work;

/// The versions of which a resource must have one for a change; any will do for `None`.
pub(crate) type Versions = Option<Vec<Version>>;

impl Controller {
    /// Stores a new resource. Its id is the client's where the kind of the ids allows that, else
    /// the server's.
    pub async fn create(
        &self,
        resource_type: &Arc<ResourceType>,
        draft: Draft,
    ) -> Result<Resource, Failure> {
        draft.must_be_writable(resource_type, true)?;
        let id = match draft.new_id(resource_type, IdRule::Client)? {
            Some(id) => id,
            None => self.next_id(resource_type).await?,
        };
        let targets = draft.targets(resource_type)?;
        let (members, pointers) = valid(resource_type, draft, true).await?;
        let write = Write::insert(resource_type, id, members);
        self.store_one(&pointers, write, targets).await
    }

    /// Sets the fields that the draft names and leaves the others as they are. The result is
    /// checked inside the unit of work, where nobody else can change it.
    pub async fn update(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &str,
        draft: Draft,
        versions: Versions,
    ) -> Result<Resource, Failure> {
        let id = id_of_url(resource_type, id)?;
        draft.must_name(resource_type, &id)?;
        draft.must_be_writable(resource_type, false)?;
        let targets = draft.targets(resource_type)?;
        let (members, pointers) = draft.into_members(resource_type)?;
        let mut write = Write::update(resource_type, id, members);
        write.guard.versions = versions;
        self.store_one(&pointers, write, targets).await
    }

    /// Puts the draft's fields in the place of all that were there.
    pub async fn replace(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &str,
        draft: Draft,
        versions: Versions,
    ) -> Result<Resource, Failure> {
        let id = id_of_url(resource_type, id)?;
        draft.must_name(resource_type, &id)?;
        draft.must_be_writable(resource_type, false)?;
        let targets = draft.targets(resource_type)?;
        let (members, pointers) = valid(resource_type, draft, false).await?;
        let mut write = Write::replace(resource_type, id, members);
        write.guard.versions = versions;
        self.store_one(&pointers, write, targets).await
    }

    async fn next_id(&self, resource_type: &Arc<ResourceType>) -> Result<Id, Failure> {
        let ids = self.store.next_ids(resource_type, 1).await;
        let id = ids.and_then(|ids| {
            let none = || StoreError::Internal("one id was asked for, none was given".to_owned());
            ids.into_iter().next().ok_or_else(none)
        });
        id.map_err(|error| Failure::new(resource_type, error.into()))
    }

    /// Does a write that stores a resource, if all of these targets are there; a refusal points
    /// into the draft.
    pub(super) async fn store_one(
        &self,
        pointers: &Pointers,
        write: Write,
        targets: Vec<LinkTarget>,
    ) -> Result<Resource, Failure> {
        let resource_type = write.resource_type.clone();
        let written = self.write_linked(write, targets).await;
        match written.map_err(|failure| pointers.place(failure))? {
            Written::Stored(resource) => Ok(resource),
            other => {
                let text = format!("a write that stores left {other:?}");
                Err(Failure::new(
                    &resource_type,
                    StoreError::Internal(text).into(),
                ))
            }
        }
    }

    /// Does a write in a unit that demands its targets. The write comes first: a resource may link
    /// to itself.
    async fn write_linked(
        &self,
        write: Write,
        targets: Vec<LinkTarget>,
    ) -> Result<Written, Failure> {
        let resource_type = write.resource_type.clone();
        let failed = |reason| Failure::new(&resource_type, reason);
        let mut writes = vec![write];
        for LinkTarget {
            relationship, id, ..
        } in &targets
        {
            let target = self.types.target(relationship);
            writes.push(Write::exists(target, id.clone()));
        }
        let written = self.store.write(Unit::new(writes)).await;
        let written = written.map_err(|error| match error {
            WriteError::Refused { index: 0, refusal } => failed(refusal.into()),
            WriteError::Refused { index, refusal } => match targets.get(index - 1) {
                Some(target) => failed(target.absent()).at(&target.pointer),
                None => failed(refusal.into()),
            },
            WriteError::Store(error) => failed(error.into()),
        })?;
        let none = || StoreError::Internal("a unit of one write gave no result".to_owned());
        let written = written.into_iter().next();
        written.ok_or_else(|| failed(none().into()))
    }
}

impl LinkTarget {
    fn absent(&self) -> Reason {
        Reason::RelatedNotFound {
            resource_type: self.relationship.target.name.clone(),
            id: self.id.to_string(),
        }
    }
}

/// The members to store; those of a new resource with the defaults of its type.
async fn valid(
    resource_type: &Arc<ResourceType>,
    draft: Draft,
    is_new: bool,
) -> Result<(Attributes, Pointers), Failure> {
    let (mut members, pointers) = draft.into_members(resource_type)?;
    if is_new {
        resource_type.attributes.fill_defaults(&mut members);
    }
    let validated = resource_type.clone();
    let is_large = work::is_large(&members);
    let validate = move || validated.attributes.validate(members);
    let failed = |reason| pointers.place(Failure::new(resource_type, reason));
    match work::run(is_large, validate).await {
        Ok(Ok(members)) => Ok((members, pointers)),
        Ok(Err(violations)) => Err(failed(Reason::Invalid(violations))),
        Err(error) => Err(failed(error.into())),
    }
}
