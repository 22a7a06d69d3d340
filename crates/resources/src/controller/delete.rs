//! Deleting a resource, and what relationships demand of those that name it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::write::Versions;
use super::{Controller, Failure, Reason, id_of_url};
use crate::query::{Filter, MemberPath, Query, Test};
use crate::schema::{Attributes, Id, Link, OnDelete, Relationship, ResourceType};
use crate::store::{Absence, Change, Page, Presence, Refusal, StoreError, Unit, Write, WriteError};
use serde_json::Value;

/// How many resources one deletion deletes or changes.
const AFFECTED_MAX: usize = 10_000;

/// How often a deletion is planned again because others have linked to the resource meanwhile.
const TRIES_MAX: usize = 16;

/// A relationship through which resources of a type may name others.
#[derive(Debug, Clone)]
pub(super) struct Referrer {
    resource_type: Arc<ResourceType>,
    relationship: Arc<Relationship>,
}

/// By the name of a type: what may name its resources.
pub(super) type Referrers = HashMap<String, Vec<Referrer>>;

/// What may name the resources of each of these types.
pub(super) fn referrers<'t>(types: impl Iterator<Item = &'t Arc<ResourceType>>) -> Referrers {
    let mut referrers = Referrers::new();
    for resource_type in types {
        let stored = resource_type.relationships.iter();
        for relationship in stored.filter(|one| one.own_member().is_some()) {
            let of_target = referrers.entry(relationship.target.name.clone());
            of_target.or_default().push(Referrer {
                resource_type: resource_type.clone(),
                relationship: relationship.clone(),
            });
        }
    }
    referrers
}

impl Controller {
    /// Removes a resource and returns its id. Those that name it are changed or removed in the
    /// same unit, or keep it from being removed, as their relationships say.
    pub async fn delete(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &str,
        versions: Versions,
    ) -> Result<Id, Failure> {
        let id = id_of_url(resource_type, id)?;
        for _ in 0..TRIES_MAX {
            let mut write = Write::delete(resource_type, id.clone());
            write.guard.versions = versions.clone();
            let plan = self.plan(resource_type, &id, write).await?;
            match self.store.write(plan.unit()).await {
                Ok(_) => return Ok(id),
                Err(WriteError::Refused { index: 0, refusal })
                    if !matches!(refusal, Refusal::Referenced(_)) =>
                {
                    return Err(Failure::new(resource_type, refusal.into()));
                }
                // Others have linked to it, or changed what names it, since the plan was made.
                Err(WriteError::Refused { .. }) => {}
                Err(WriteError::Store(error)) => {
                    return Err(Failure::new(resource_type, error.into()));
                }
            }
        }
        let text = "others link to the resource again and again".to_owned();
        Err(Failure::new(resource_type, StoreError::Busy(text).into()))
    }

    async fn plan(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &Id,
        write: Write,
    ) -> Result<Plan, Failure> {
        let mut plan = Plan::new(write);
        let mut going = vec![(resource_type.clone(), id.clone())];
        plan.goes.insert((resource_type.name.clone(), id.clone()));
        let mut kept = Vec::new();
        while let Some((gone_type, gone)) = going.pop() {
            for referrer in self.referrers.get(&gone_type.name).into_iter().flatten() {
                let naming = self.naming(referrer, &gone, resource_type).await?;
                plan.absences.push(referrer.absence(&gone));
                for id in naming {
                    let key = (referrer.resource_type.name.clone(), id.clone());
                    match referrer.relationship.on_delete {
                        OnDelete::Restrict => kept.push(key),
                        OnDelete::Clear => plan.clears.push((key, referrer.clear(id, &gone))),
                        OnDelete::Cascade => {
                            if plan.goes.insert(key) {
                                let write = Write::delete(&referrer.resource_type, id.clone());
                                plan.writes.push(write);
                                going.push((referrer.resource_type.clone(), id));
                            }
                        }
                    }
                }
                if plan.writes.len() + plan.clears.len() > AFFECTED_MAX {
                    let reason = Reason::TooManyAffected(AFFECTED_MAX);
                    return Err(Failure::new(resource_type, reason));
                }
            }
        }
        match kept.into_iter().find(|key| !plan.goes.contains(key)) {
            Some((by, _)) => Err(Failure::new(resource_type, Reason::Referenced(by))),
            None => Ok(plan),
        }
    }

    /// The ids of the resources that name one.
    async fn naming(
        &self,
        referrer: &Referrer,
        gone: &Id,
        deleted: &Arc<ResourceType>,
    ) -> Result<Vec<Id>, Failure> {
        let query = Query {
            filter: referrer.filter(gone),
            limit: AFFECTED_MAX as u64 + 1,
            members: Some(Vec::new()),
            ..Query::default()
        };
        let failed = |error: StoreError| Failure::new(deleted, error.into());
        let found = self.store.list(&referrer.resource_type, &query).await;
        let Page {
            resources, rest, ..
        } = found.map_err(failed)?;
        let mut ids: Vec<Id> = resources.iter().map(|one| one.id.clone()).collect();
        if let Some(mut rest) = rest {
            while let Some(batch) = rest.next().await.map_err(failed)? {
                ids.extend(batch.iter().map(|one| one.id.clone()));
            }
        }
        Ok(ids)
    }
}

impl Referrer {
    /// The resources that name this one.
    fn filter(&self, id: &Id) -> Filter {
        let member = self.relationship.own_member().unwrap_or_default();
        Filter::member(MemberPath::linkage(member), Test::Links(vec![id.clone()]))
    }

    fn absence(&self, id: &Id) -> Absence {
        Absence {
            resource_type: self.resource_type.clone(),
            filter: self.filter(id),
        }
    }

    /// Takes the link to `gone` away from a resource.
    fn clear(&self, id: Id, gone: &Id) -> Write {
        let mut write = Write::update(&self.resource_type, id, Attributes::new());
        write.guard.validated = false;
        write.guard.presence = Presence::MustExist;
        write.change = match &self.relationship.link {
            Link::Many { member } => Change::Link {
                relationship: member.clone(),
                add: Vec::new(),
                remove: vec![gone.to_member()],
            },
            Link::One { member } | Link::Inverse { member, .. } => {
                Change::Update(Attributes::from_iter([(member.clone(), Value::Null)]))
            }
        };
        write
    }
}

/// What a deletion does.
struct Plan {
    /// The deletion itself, and those of the resources that go with it.
    writes: Vec<Write>,
    /// Changes of resources, of which some may go all the same.
    clears: Vec<(Key, Write)>,
    absences: Vec<Absence>,
    /// Everything that goes.
    goes: HashSet<Key>,
}

/// The name of a type, and the id of a resource of it.
type Key = (String, Id);

impl Plan {
    fn new(write: Write) -> Self {
        Self {
            writes: vec![write],
            clears: Vec::new(),
            absences: Vec::new(),
            goes: HashSet::new(),
        }
    }

    fn unit(self) -> Unit {
        let Self {
            mut writes,
            clears,
            absences,
            goes,
        } = self;
        let clears = clears.into_iter().filter(|(key, _)| !goes.contains(key));
        writes.extend(clears.map(|(_, write)| write));
        Unit::new(writes).with_absences(absences)
    }
}
