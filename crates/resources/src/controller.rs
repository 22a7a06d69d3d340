//! What an operation means: which ids are possible, which attributes are valid, what is one unit
//! of work. Knows neither HTTP nor a driver.

mod draft;
mod failure;

use std::sync::Arc;

use crate::query::Query;
use crate::repository::{
    Check, NewResource, Operation, Page, Repository, RepositoryError, Resource, Write, Written,
};
use crate::schema::{Attributes, Id, IdKind, ResourceType};

pub use draft::{Draft, IdPlace};
pub use failure::Failure;

/// The operations on the resources of one type.
pub struct Controller {
    of: Arc<ResourceType>,
    repository: Arc<dyn Repository>,
}

impl Controller {
    /// Operations on `of`, kept in `repository`, which is prepared for it.
    #[must_use]
    pub fn new(of: Arc<ResourceType>, repository: Arc<dyn Repository>) -> Self {
        Self { of, repository }
    }

    /// The type whose resources these are.
    #[must_use]
    pub fn resource_type(&self) -> &Arc<ResourceType> {
        &self.of
    }

    /// Where the resources are kept, if clients may know it.
    #[must_use]
    pub fn store_place(&self) -> Option<&str> {
        self.repository.place()
    }

    /// A page of the collection.
    pub async fn list(&self, query: &Query) -> Result<Page, Failure> {
        Ok(self.repository.list(&self.of, query).await?)
    }

    /// One resource, by its id as it stands in the URL.
    pub async fn find(&self, id: &str) -> Result<Resource, Failure> {
        let id = self.id(id)?;
        let found = self.repository.find(&self.of, &id).await?;
        found.ok_or(Failure::NotFound(id))
    }

    /// Stores a new resource. Its id is the client's where the kind of the ids allows that, else
    /// the server's.
    pub async fn create(&self, draft: Draft) -> Result<Resource, Failure> {
        let (id, attributes) = draft.take_apart(&self.of)?;
        let id = match id {
            Some((_, place)) if !self.of.id.client_may_choose() => {
                return Err(Failure::IdNotAllowed { place });
            }
            Some((id, _)) => Some(id),
            None if self.of.id == IdKind::String => return Err(Failure::IdMissing),
            None => self.of.id.generate(),
        };
        let attributes = self.of.attributes.validate(attributes)?;
        self.store(Operation::Insert(NewResource { id, attributes }))
            .await
    }

    /// Sets the attributes that the draft names and leaves the others as they are. The result is
    /// checked inside the unit of work, where nobody else can change it.
    pub async fn update(&self, id: &str, draft: Draft) -> Result<Resource, Failure> {
        let id = self.id(id)?;
        let changes = self.attributes_of(&id, draft)?;
        let named = changes.keys().cloned().collect();
        let of = self.of.clone();
        let check: Check =
            Box::new(move |before, after| of.attributes.validate_change(&named, before, after));
        self.store(Operation::Update { id, changes, check }).await
    }

    /// Puts the draft's attributes in the place of all that were there.
    pub async fn replace(&self, id: &str, draft: Draft) -> Result<Resource, Failure> {
        let id = self.id(id)?;
        let attributes = self.attributes_of(&id, draft)?;
        let attributes = self.of.attributes.validate(attributes)?;
        self.store(Operation::Replace { id, attributes }).await
    }

    /// Removes a resource and returns its id.
    pub async fn delete(&self, id: &str) -> Result<Id, Failure> {
        let id = self.id(id)?;
        self.write(Operation::Delete { id: id.clone() }).await?;
        Ok(id)
    }

    /// An id as it stands in the URL.
    fn id(&self, text: &str) -> Result<Id, Failure> {
        let place = IdPlace::Url;
        self.of
            .id
            .parse(text)
            .map_err(|invalid| Failure::InvalidId { invalid, place })
    }

    /// The attributes of a draft that may name no other resource than this one.
    fn attributes_of(&self, id: &Id, draft: Draft) -> Result<Attributes, Failure> {
        match draft.take_apart(&self.of)? {
            (Some((named, place)), _) if named != *id => {
                let expected = id.clone();
                Err(Failure::IdDiffers {
                    expected,
                    from: "URL",
                    named,
                    place,
                })
            }
            (_, attributes) => Ok(attributes),
        }
    }

    async fn store(&self, operation: Operation) -> Result<Resource, Failure> {
        match self.write(operation).await? {
            Written::Stored(resource) => Ok(resource),
            Written::Deleted => {
                let text = "a write that stores has deleted".to_owned();
                Err(RepositoryError::Internal(text).into())
            }
        }
    }

    async fn write(&self, operation: Operation) -> Result<Written, Failure> {
        let write = Write {
            of: self.of.clone(),
            operation,
        };
        let written = self.repository.write(vec![write]).await?;
        let none = || RepositoryError::Internal("a unit of one write gave no result".to_owned());
        Ok(written.into_iter().next().ok_or_else(none)?)
    }
}
