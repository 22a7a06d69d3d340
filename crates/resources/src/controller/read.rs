//! Reading: what is asked of the store, and what its absence means.

use std::sync::Arc;

use jsonapi::Pagination;

use super::{Controller, Failure, Reason, id_of_url};
use crate::query::{Filter, Query};
use crate::schema::ResourceType;
use crate::store::{Page, Resource};

impl Controller {
    /// One page of a collection, and the size of the whole.
    pub async fn list(
        &self,
        resource_type: &Arc<ResourceType>,
        page: Pagination,
    ) -> Result<Page, Failure> {
        let query = Query {
            skip: page.offset(),
            ..Query::first(page.size)
        };
        let found = self.store.list(resource_type, &query).await;
        found.map_err(|error| Failure::new(resource_type, error.into()))
    }

    /// One resource, by its id as it stands in the URL.
    pub async fn find(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &str,
    ) -> Result<Resource, Failure> {
        let id = id_of_url(resource_type, id)?;
        let ids = std::slice::from_ref(&id);
        let found = self.store.find(resource_type, ids, &Filter::Everything);
        let found = found
            .await
            .map_err(|error| Failure::new(resource_type, error.into()))?;
        let resource = found.into_iter().next().flatten();
        resource.ok_or_else(|| Failure::new(resource_type, Reason::NotFound(id)))
    }
}
