//! The related resources of many parents, and the linkage of each.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::compound::key;
use super::{Compound, Inclusion, Typed, corrupt};
use crate::controller::{Controller, Failure};
use crate::query::{NoRelated, Total};
use crate::schema::{Id, ResourceType};
use crate::store::{Resource, stored_value};

impl Controller {
    pub(super) async fn inverse(
        &self,
        compound: &mut Compound,
        inclusion: &Inclusion,
        parents: &[Typed],
    ) -> Result<Vec<Typed>, Failure> {
        let (target, relationship) = (&inclusion.target, &inclusion.relationship);
        let ids: Vec<Id> = parents.iter().map(|one| one.resource.id.clone()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let pages = self
            .store
            .related(target, relationship, &ids, &inclusion.query)
            .await
            .map_err(|error| Failure::new(target, error.into()))?;
        let mut children = Children::new(target);
        for (parent, page) in parents.iter().zip(pages) {
            let mut shown = Vec::new();
            for one in page.resources.iter() {
                shown.push(one.id.clone());
                children.add(one.id, || {
                    let (id, text) = (one.id.clone(), one.text.to_owned());
                    Arc::new(Resource { id, text })
                });
            }
            let total = page.total.map_or(shown.len() as u64, Total::number);
            compound.link(parent, relationship, inclusion.linkage(shown, total));
        }
        Ok(children.all)
    }

    /// The resources that a filter, an order or both choose among those that are named by ids.
    pub(super) async fn narrowed(
        &self,
        compound: &mut Compound,
        inclusion: &Inclusion,
        parents: &[Typed],
    ) -> Result<Vec<Typed>, Failure> {
        let (target, query) = (&inclusion.target, &inclusion.query);
        let mut linked = Vec::new();
        for parent in parents {
            linked.push(inclusion.linked_ids(parent)?);
        }
        let wanted: HashSet<&Id> = linked.iter().flatten().collect();
        let wanted: Vec<Id> = wanted.into_iter().cloned().collect();
        let found = self.store.find(target, &wanted, &query.filter).await;
        let found = found.map_err(|error| Failure::new(target, error.into()))?;
        let mut places = HashMap::new();
        for resource in found.into_iter().flatten() {
            let values = if query.order.is_creation() {
                Vec::new()
            } else {
                let members =
                    stored_value(&resource.text).map_err(|error| corrupt(target, &error))?;
                query.order.values(&resource.id, &members, &NoRelated)
            };
            places.insert(resource.id.clone(), (values, Arc::new(resource)));
        }
        let mut children = Children::new(target);
        for (parent, ids) in parents.iter().zip(linked) {
            let mut passing: Vec<Id> = ids;
            passing.retain(|id| places.contains_key(id));
            passing.sort_by(|left, right| {
                let (left, right) = ((&*places[left].0, left), (&*places[right].0, right));
                query.order.compare(left, right)
            });
            let total = passing.len() as u64;
            let shown = inclusion.shown(&passing).to_vec();
            for id in &shown {
                children.add(id, || places[id].1.clone());
            }
            let relationship = &inclusion.relationship;
            compound.link(parent, relationship, inclusion.linkage(shown, total));
        }
        Ok(children.all)
    }
}

/// The resources that were found by the ids that the parents name.
pub(super) fn linked(
    compound: &mut Compound,
    inclusion: &Inclusion,
    parents: &[Typed],
) -> Result<Vec<Typed>, Failure> {
    let mut children = Children::new(&inclusion.target);
    for parent in parents {
        let ids = inclusion.linked_ids(parent)?;
        let shown = inclusion.shown(&ids).to_vec();
        for id in &shown {
            let key = key(&inclusion.target, id);
            // A link may lead to nothing where others have written.
            if let Some(found) = compound.known.get(&key) {
                children.add(id, || found.clone());
            }
        }
        let linkage = inclusion.linkage(shown, ids.len() as u64);
        compound.link(parent, &inclusion.relationship, linkage);
    }
    Ok(children.all)
}

/// Resources of one type, each once.
struct Children<'t> {
    resource_type: &'t Arc<ResourceType>,
    seen: HashSet<Id>,
    all: Vec<Typed>,
}

impl<'t> Children<'t> {
    fn new(resource_type: &'t Arc<ResourceType>) -> Self {
        Self {
            resource_type,
            seen: HashSet::new(),
            all: Vec::new(),
        }
    }

    fn add(&mut self, id: &Id, resource: impl FnOnce() -> Arc<Resource>) {
        if self.seen.insert(id.clone()) {
            self.all.push(Typed {
                resource_type: self.resource_type.clone(),
                resource: resource(),
            });
        }
    }
}
