//! Related resources beside others: level by level, with one request to the store for all that is
//! wanted of one type at a level.

mod children;
mod compound;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use self::children::linked;
use self::compound::key;
use super::{Controller, Failure, Reason};

pub(crate) use self::compound::{Compound, Linkage, Typed};
use crate::query::{Filter, Query};
use crate::schema::{Id, Link, Relationship, ResourceType};
use crate::store::{StoreError, for_each_member};

/// How many resources one answer includes.
pub(super) const INCLUDED_MAX: usize = 20_000;

/// A relationship whose resources are included, and which of them.
#[derive(Debug, Clone)]
pub struct Inclusion {
    /// The relationship.
    pub relationship: Arc<Relationship>,
    /// The type that it leads to.
    pub target: Arc<ResourceType>,
    /// Which of the related resources; `limit` is for each relationship, not for all together.
    pub query: Query,
    /// The names of the relationships that lead here from the primary data, with dots.
    pub path: String,
    /// What is included of the related resources.
    pub children: Vec<Inclusion>,
}

/// Resources, and what is to be included of each of them.
struct Level<'i> {
    inclusions: &'i [Inclusion],
    parents: Vec<Typed>,
}

impl Controller {
    /// Finds what is included beside these resources.
    pub async fn include(
        &self,
        primary: Vec<Typed>,
        inclusions: &[Inclusion],
    ) -> Result<Compound, Failure> {
        let mut compound = Compound::default();
        for one in &primary {
            let key = key(&one.resource_type, &one.resource.id);
            compound.known.insert(key.clone(), one.resource.clone());
            compound.in_document.insert(key);
        }
        self.include_levels(&mut compound, primary, inclusions)
            .await?;
        Ok(compound)
    }

    /// The same where the primary data are the linkage of a relationship, so that its resources
    /// are included themselves.
    pub async fn include_linked(
        &self,
        linked: Vec<Typed>,
        inclusions: &[Inclusion],
    ) -> Result<Compound, Failure> {
        let mut compound = Compound::default();
        for one in &linked {
            compound.include(one);
        }
        self.include_levels(&mut compound, linked, inclusions)
            .await?;
        Ok(compound)
    }

    async fn include_levels(
        &self,
        compound: &mut Compound,
        parents: Vec<Typed>,
        inclusions: &[Inclusion],
    ) -> Result<(), Failure> {
        let mut level = vec![Level {
            inclusions,
            parents,
        }];
        while !level.is_empty() {
            let mut next = Vec::new();
            self.find_linked(compound, &level).await?;
            for Level {
                inclusions,
                parents,
            } in &level
            {
                for inclusion in *inclusions {
                    let children = self.children(compound, inclusion, parents).await?;
                    for child in &children {
                        compound.include(child);
                    }
                    if compound.included.len() > INCLUDED_MAX {
                        let reason = Reason::TooManyIncluded(INCLUDED_MAX);
                        return Err(Failure::new(&inclusion.target, reason));
                    }
                    if !inclusion.children.is_empty() && !children.is_empty() {
                        next.push(Level {
                            inclusions: &inclusion.children,
                            parents: children,
                        });
                    }
                }
            }
            level = next;
        }
        Ok(())
    }

    /// Finds all resources that relationships of this level name by their ids: one request for
    /// each type, and one for each relationship that is filtered.
    async fn find_linked(
        &self,
        compound: &mut Compound,
        level: &[Level<'_>],
    ) -> Result<(), Failure> {
        let mut wanted: HashMap<&str, (&Arc<ResourceType>, Vec<Id>)> = HashMap::new();
        for Level {
            inclusions,
            parents,
        } in level
        {
            let plain = inclusions.iter().filter(|one| !one.is_narrowed());
            for inclusion in plain.filter(|one| one.relationship.own_member().is_some()) {
                let target = &inclusion.target;
                let (_, ids) = wanted.entry(&target.name).or_insert((target, Vec::new()));
                for parent in parents {
                    let linked = inclusion.linked_ids(parent)?;
                    ids.extend(inclusion.shown(&linked).iter().cloned());
                }
            }
        }
        for (target, mut ids) in wanted.into_values() {
            let mut seen = HashSet::new();
            ids.retain(|id| {
                seen.insert(id.clone()) && !compound.known.contains_key(&key(target, id))
            });
            if ids.is_empty() {
                continue;
            }
            let found = self.store.find(target, &ids, &Filter::Everything).await;
            let found = found.map_err(|error| Failure::new(target, error.into()))?;
            for resource in found.into_iter().flatten() {
                let key = key(target, &resource.id);
                compound.known.insert(key, Arc::new(resource));
            }
        }
        Ok(())
    }

    /// The related resources of all parents, each once, with the linkage noted.
    async fn children(
        &self,
        compound: &mut Compound,
        inclusion: &Inclusion,
        parents: &[Typed],
    ) -> Result<Vec<Typed>, Failure> {
        match &inclusion.relationship.link {
            Link::Inverse { .. } => self.inverse(compound, inclusion, parents).await,
            Link::One { .. } | Link::Many { .. } if inclusion.is_narrowed() => {
                self.narrowed(compound, inclusion, parents).await
            }
            Link::One { .. } | Link::Many { .. } => linked(compound, inclusion, parents),
        }
    }
}

impl Inclusion {
    /// Whether it takes a look at the related resources to know which are included.
    fn is_narrowed(&self) -> bool {
        self.query.filter != Filter::Everything || !self.query.order.is_creation()
    }

    fn linked_ids(&self, parent: &Typed) -> Result<Vec<Id>, Failure> {
        let Typed {
            resource_type,
            resource,
        } = parent;
        linked_ids(&self.relationship, resource_type, &resource.text)
    }

    /// Those of the related resources that are shown.
    fn shown<'i>(&self, ids: &'i [Id]) -> &'i [Id] {
        let limit = usize::try_from(self.query.limit).unwrap_or(usize::MAX);
        &ids[..limit.min(ids.len())]
    }

    fn linkage(&self, ids: Vec<Id>, total: u64) -> Linkage {
        Linkage {
            ids,
            total,
            size: self.query.limit,
            path: self.path.clone(),
        }
    }
}

/// The ids that a relationship of a resource names, in their order.
pub(super) fn linked_ids(
    relationship: &Relationship,
    resource_type: &Arc<ResourceType>,
    text: &str,
) -> Result<Vec<Id>, Failure> {
    let Some(member) = relationship.own_member() else {
        return Ok(Vec::new());
    };
    let mut ids = Vec::new();
    let read = for_each_member(text, &mut |name, value| {
        if name == member {
            ids = relationship.ids(value);
        }
    });
    read.map_err(|error| corrupt(resource_type, &error))?;
    Ok(ids)
}

/// A stored text that cannot be read.
pub(super) fn corrupt(resource_type: &Arc<ResourceType>, error: &serde_json::Error) -> Failure {
    let text = format!("a resource of '{}': {error}", resource_type.name);
    Failure::new(resource_type, StoreError::Corrupt(text).into())
}
