//! Deleting a resource, and what relationships demand of those that name it.

mod earlier;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use self::earlier::Earlier;
use super::unit::Step;
use super::write::Versions;
use super::{Controller, Done, Failure, Reason, id_of_url};
use crate::query::{Filter, MemberPath, Query, Test};
use crate::schema::{Attributes, Id, Link, OnDelete, Relationship, ResourceType};
use crate::store::{Absence, Change, Key, Page, Presence, StoreError, Write};

/// How many resources one unit with deletions deletes or changes.
const AFFECTED_MAX: usize = 10_000;

/// A relationship through which resources of a type may name others.
#[derive(Debug, Clone)]
pub(super) struct Referrer {
    resource_type: Arc<ResourceType>,
    relationship: Arc<Relationship>,
}

/// By the name of a type: what may name its resources.
pub(super) type Referrers = HashMap<String, Vec<Referrer>>;

/// The name of a type, and the id of a resource of it.
pub(super) type Identity = (String, Id);

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

/// What a deletion does besides.
pub(super) struct Plan {
    /// What it does to those that name what goes.
    pub(super) writes: Vec<Write>,
    /// That nothing names what goes, for each resource that does.
    pub(super) absences: Vec<(Identity, Absence)>,
}

impl Controller {
    /// Removes a resource and returns its id. Those that name it are changed or removed in the
    /// same unit, or keep it from being removed, as their relationships say.
    pub async fn delete(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &str,
        versions: Versions,
        key: Option<&Key>,
    ) -> Result<Done<Id>, Failure> {
        let id = id_of_url(resource_type, id)?;
        let step = Step::Delete {
            resource_type: resource_type.clone(),
            id: id.clone(),
            versions,
        };
        let done = self.perform_one(step, key).await?;
        Ok(done.map(|_| id))
    }

    /// What the deletion of a resource does besides, after the earlier writes of the same unit.
    pub(super) async fn plan_deletion(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &Id,
        earlier: &[Write],
    ) -> Result<Plan, Failure> {
        let earlier = Earlier::new(earlier);
        let mut planning = Planning::default();
        let mut going = vec![(resource_type.clone(), id.clone())];
        planning
            .goes
            .insert((resource_type.name.clone(), id.clone()));
        while let Some((gone_type, gone)) = going.pop() {
            for referrer in self.referrers.get(&gone_type.name).into_iter().flatten() {
                let naming = self
                    .naming(referrer, &gone, resource_type, &earlier)
                    .await?;
                let key = (gone_type.name.clone(), gone.clone());
                planning.absences.push((key, referrer.absence(&gone)));
                for id in naming {
                    if planning.affect(referrer, &id, &gone) {
                        going.push((referrer.resource_type.clone(), id));
                    }
                }
                if planning.count() + earlier.count() > AFFECTED_MAX {
                    let reason = Reason::TooManyAffected(AFFECTED_MAX);
                    return Err(Failure::new(resource_type, reason));
                }
            }
        }
        match planning.kept_by() {
            None => Ok(planning.plan()),
            Some(by) => Err(self.kept(resource_type, id, by, &earlier).await),
        }
    }

    /// Why a resource is not deleted that resources of the type `by` name.
    async fn kept(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &Id,
        by: String,
        earlier: &Earlier<'_>,
    ) -> Failure {
        let reason = match self.find_one(resource_type, id).await {
            Err(failure) => return failure,
            Ok(found) if !earlier.is_there(resource_type, id, found.is_some()) => {
                Reason::NotFound(id.clone())
            }
            Ok(_) => Reason::Referenced(by),
        };
        Failure::new(resource_type, reason)
    }

    /// The ids of the resources that name one.
    async fn naming(
        &self,
        referrer: &Referrer,
        gone: &Id,
        deleted: &Arc<ResourceType>,
        earlier: &Earlier<'_>,
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
        Ok(earlier.naming(&referrer.resource_type, referrer.member(), gone, &ids))
    }
}

impl Referrer {
    /// The member of a stored object that names others.
    fn member(&self) -> &str {
        self.relationship.own_member().unwrap_or_default()
    }

    /// The resources that name this one.
    fn filter(&self, id: &Id) -> Filter {
        let test = Test::Links(vec![id.clone()]);
        Filter::member(MemberPath::linkage(self.member()), test)
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
        write.guard.scope = self.filter(gone);
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

/// A plan while it is made.
#[derive(Default)]
struct Planning {
    deletions: Vec<Write>,
    /// Changes of resources, of which some may go all the same.
    clears: Vec<(Identity, Write)>,
    /// What must not be deleted without these going too.
    kept: Vec<Identity>,
    absences: Vec<(Identity, Absence)>,
    /// Everything that goes.
    goes: HashSet<Identity>,
}

impl Planning {
    /// Does to a resource what its link to `gone` demands; says whether it goes too.
    fn affect(&mut self, referrer: &Referrer, id: &Id, gone: &Id) -> bool {
        let key = (referrer.resource_type.name.clone(), id.clone());
        match referrer.relationship.on_delete {
            OnDelete::Restrict => self.kept.push(key),
            OnDelete::Clear => {
                let clear = referrer.clear(id.clone(), gone);
                self.clears.push((key, clear));
            }
            OnDelete::Cascade if self.goes.insert(key) => {
                let mut deletion = Write::delete(&referrer.resource_type, id.clone());
                // Only while the link is there: others may lead it elsewhere meanwhile.
                deletion.guard.scope = referrer.filter(gone);
                self.deletions.push(deletion);
                return true;
            }
            OnDelete::Cascade => {}
        }
        false
    }

    fn count(&self) -> usize {
        self.deletions.len() + self.clears.len()
    }

    /// A type whose resources keep the deletion from being done.
    fn kept_by(&self) -> Option<String> {
        let kept = self.kept.iter().find(|key| !self.goes.contains(*key));
        kept.map(|(by, _)| by.clone())
    }

    fn plan(self) -> Plan {
        let goes = self.goes;
        let clears = self.clears.into_iter();
        let clears = clears.filter(|(key, _)| !goes.contains(key));
        let mut writes = self.deletions;
        writes.extend(clears.map(|(_, write)| write));
        Plan {
            writes,
            absences: self.absences,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use crate::store::{After, Refusal, WriteFailure, admit};

    #[test]
    fn a_resource_that_others_lead_elsewhere_meanwhile_is_left_alone() {
        let text = |kind: &str| {
            format!(
                "type: books\nid: integer\nattributes: {{type: object}}\nrelationships:\n  \
                 sequel: {{type: books, kind: {kind}, onDelete: cascade}}\n"
            )
        };
        let (gone, id) = (Id::Integer(7), Id::Integer(1));
        for (kind, named, elsewhere) in [
            ("one", r#"{"sequel":7}"#, r#"{"sequel":8}"#),
            ("many", r#"{"sequel":[8,7]}"#, r#"{"sequel":[8]}"#),
        ] {
            let resource_type = Arc::new(schema::parse(&text(kind)).unwrap());
            let referrer = Referrer {
                relationship: resource_type.relationships[0].clone(),
                resource_type,
            };
            let mut planning = Planning::default();
            assert!(planning.affect(&referrer, &id, &gone));
            let deletion = &planning.deletions[0];
            for write in [deletion, &referrer.clear(id.clone(), &gone)] {
                let is_absent = |outcome: Result<After, WriteFailure>| {
                    matches!(outcome, Err(WriteFailure::Refused(Refusal::Absent(_))))
                };
                assert!(admit(write, Some(named)).is_ok(), "{kind}");
                assert!(is_absent(admit(write, Some(elsewhere))), "{kind}");
            }
        }
    }
}
