//! Reading: what is asked of the store, and what its absence means.

use std::sync::Arc;

use super::include::{corrupt, linked_ids};
use super::{Controller, Failure, Reason, id_of_url};
use crate::query::{Bound, Filter, KeyPath, MemberPath, Order, Query, SortValue, Test};
use crate::schema::{Id, Link, Relationship, ResourceType, Types};
use crate::store::{Page, Plan, Resource, stored_value};

/// Where the resources of a relationship are found.
#[derive(Debug, Clone, PartialEq)]
pub enum Linked {
    /// To-one: the one with this id, if there is one.
    One(Option<Id>),
    /// To-many: those that have these ids, in their order.
    Many(Vec<Id>),
    /// To-many: those that pass a filter.
    Those(Filter),
}

impl Controller {
    /// One page of a collection.
    pub async fn list(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Page, Failure> {
        let found = self.store.list(resource_type, query).await;
        found.map_err(|error| Failure::new(resource_type, error.into()))
    }

    /// What the store would do for a page.
    pub async fn explain(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Plan, Failure> {
        let plan = self.store.explain(resource_type, query).await;
        plan.map_err(|error| Failure::new(resource_type, error.into()))
    }

    /// One resource, by its id as it stands in the URL.
    pub async fn find(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &str,
    ) -> Result<Resource, Failure> {
        let id = id_of_url(resource_type, id)?;
        let found = self.find_one(resource_type, &id).await?;
        found.ok_or_else(|| Failure::new(resource_type, Reason::NotFound(id)))
    }

    /// One resource, if there is one with this id.
    pub async fn find_one(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &Id,
    ) -> Result<Option<Resource>, Failure> {
        let ids = std::slice::from_ref(id);
        let found = self.find_all(resource_type, ids).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// The resource of each id, if there is one.
    pub async fn find_all(
        &self,
        resource_type: &Arc<ResourceType>,
        ids: &[Id],
    ) -> Result<Vec<Option<Resource>>, Failure> {
        self.find_passing(resource_type, ids, &Filter::Everything)
            .await
    }

    /// The resource of each id, if there is one and it passes a filter.
    pub async fn find_passing(
        &self,
        resource_type: &Arc<ResourceType>,
        ids: &[Id],
        filter: &Filter,
    ) -> Result<Vec<Option<Resource>>, Failure> {
        let found = self.store.find(resource_type, ids, filter).await;
        found.map_err(|error| Failure::new(resource_type, error.into()))
    }

    /// This resource, and where the resources of one of its relationships are found.
    pub async fn linked(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &str,
        relationship: &Arc<Relationship>,
    ) -> Result<(Resource, Linked), Failure> {
        let resource = self.find(resource_type, id).await?;
        let ids = linked_ids(relationship, resource_type, &resource.text)?;
        let linked = match &relationship.link {
            Link::One { .. } => Linked::One(ids.into_iter().next()),
            Link::Many { .. } => Linked::Many(ids),
            Link::Inverse { member, .. } => {
                let test = Test::Links(vec![resource.id.clone()]);
                Linked::Those(Filter::member(MemberPath::linkage(member), test))
            }
        };
        Ok((resource, linked))
    }

    /// The place of a resource in an order.
    pub async fn bound(
        &self,
        types: &Types,
        resource_type: &Arc<ResourceType>,
        order: &Order,
        resource: (&Id, &str),
    ) -> Result<Bound, Failure> {
        let (id, text) = resource;
        let mut values = Vec::new();
        for key in &order.keys {
            values.push(match &key.path {
                KeyPath::Id => SortValue::Nothing,
                KeyPath::Member { through, path } => {
                    let text = self.follow(types, resource_type, through, text).await?;
                    text.map_or(Ok(SortValue::Nothing), |text| sort_value(path, &text))
                        .map_err(|error| corrupt(resource_type, &error))?
                }
            });
        }
        let id = id.clone();
        Ok(Bound { values, id })
    }

    /// The text of the resource to which to-one relationships lead from one with this text.
    async fn follow(
        &self,
        types: &Types,
        resource_type: &Arc<ResourceType>,
        through: &[Arc<Relationship>],
        text: &str,
    ) -> Result<Option<String>, Failure> {
        let (mut current, mut text) = (resource_type, text.to_owned());
        for relationship in through {
            let ids = linked_ids(relationship, current, &text)?;
            let Some(id) = ids.into_iter().next() else {
                return Ok(None);
            };
            current = types.target(relationship);
            let Some(found) = self.find_one(current, &id).await? else {
                return Ok(None);
            };
            text = found.text;
        }
        Ok(Some(text))
    }
}

fn sort_value(path: &MemberPath, text: &str) -> serde_json::Result<SortValue> {
    let members = stored_value(text)?;
    Ok(path
        .value(&members)
        .map_or(SortValue::Nothing, SortValue::of))
}
