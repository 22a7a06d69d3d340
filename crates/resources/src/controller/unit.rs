//! Operations become one unit of work: each with what it demands of others, all or none done.

use std::sync::Arc;

use super::delete::Identity;
use super::draft::{LinkTarget, Pointers};
use super::write::Versions;
use super::{Controller, Done, Failure, Reason, timestamps};
use crate::schema::{Id, ResourceType};
use crate::store::{
    Absence, Change, Key, Presence, Refusal, Resource, StoreError, Unit, Write, WriteError, Written,
};

/// How often a unit is planned again because others have linked to what it deletes meanwhile.
const TRIES_MAX: usize = 16;

/// One operation, checked as far as it can be without the store.
pub(super) enum Step {
    /// Stores a resource, if all that it links to is there.
    Store(Box<Prepared>),
    /// Deletes a resource and does what relationships demand of those that name it.
    Delete {
        resource_type: Arc<ResourceType>,
        id: Id,
        versions: Versions,
    },
}

/// A write that stores a resource, with all that a refusal of it must know.
pub(super) struct Prepared {
    pub(super) write: Write,
    pub(super) pointers: Pointers,
    pub(super) targets: Vec<LinkTarget>,
}

/// Why a unit was not done, and because of which of its operations.
pub(crate) struct Undone {
    pub(crate) position: usize,
    pub(crate) failure: Failure,
}

impl Controller {
    /// Does one operation; see [`Self::perform`].
    pub(super) async fn perform_one(
        &self,
        step: Step,
        key: Option<&Key>,
    ) -> Result<Done<Option<Resource>>, Failure> {
        let done = self.perform(std::slice::from_ref(&step), key).await;
        let done = done.map_err(|undone| undone.failure)?;
        Ok(done.map(|stored| stored.into_iter().next().flatten()))
    }

    /// Does operations in their order, each seeing those before it: all of them or none. Gives
    /// what each has stored, also where that was done before under the same key.
    pub(super) async fn perform(
        &self,
        steps: &[Step],
        key: Option<&Key>,
    ) -> Result<Done<Vec<Option<Resource>>>, Undone> {
        match (self.perform_now(steps, key).await, key) {
            (Ok(stored), _) => Ok(Done::now(stored)),
            (Err(undone), None) => Err(undone),
            (Err(undone), Some(key)) => self.done_before(steps, key, undone).await,
        }
    }

    async fn perform_now(
        &self,
        steps: &[Step],
        key: Option<&Key>,
    ) -> Result<Vec<Option<Resource>>, Undone> {
        let Some(first) = steps.first() else {
            return Ok(Vec::new());
        };
        for _ in 0..TRIES_MAX {
            let making = self.plan_all(steps).await?;
            let (origins, mut writes) = (making.origins, making.writes);
            timestamps::stamp(&mut writes);
            let absences = making.absences.into_iter().map(|(_, absence)| absence);
            let mut unit = Unit::new(writes).with_absences(absences.collect());
            unit.key = key.map(|key| answering(key, &origins));
            match self.store.write(unit).await {
                Ok(written) => return Ok(stored(steps.len(), &origins, written)),
                Err(WriteError::Store(error)) => return Err(first.failed(0, error.into())),
                Err(WriteError::Key(refusal)) => return Err(first.failed(0, refusal.into())),
                Err(WriteError::Refused { index, refusal }) => {
                    if let Some(undone) = undone(steps, origins.get(index), refusal) {
                        return Err(undone);
                    }
                }
            }
        }
        let text = "others link to the resource again and again".to_owned();
        Err(first.failed(0, StoreError::Busy(text).into()))
    }

    async fn plan_all(&self, steps: &[Step]) -> Result<Making, Undone> {
        let mut making = Making::default();
        for (position, step) in steps.iter().enumerate() {
            match step {
                Step::Store(prepared) => self.push_stored(&mut making, position, prepared),
                Step::Delete {
                    resource_type,
                    id,
                    versions,
                } => {
                    let plan = self.plan_deletion(resource_type, id, &making.writes).await;
                    let plan = plan.map_err(|failure| Undone { position, failure })?;
                    let mut write = Write::delete(resource_type, id.clone());
                    write.guard.versions.clone_from(versions);
                    making.push(write, Origin::Operation(position));
                    for write in plan.writes {
                        making.push(write, Origin::Planned);
                    }
                    making.absences.extend(plan.absences);
                }
            }
        }
        Ok(making)
    }

    /// The write comes before those that demand its targets: a resource may link to itself.
    fn push_stored(&self, making: &mut Making, position: usize, prepared: &Prepared) {
        making.push(prepared.write.clone(), Origin::Operation(position));
        for (number, target) in prepared.targets.iter().enumerate() {
            let resource_type = self.types.target(&target.relationship);
            let exists = Write::exists(resource_type, target.id.clone());
            making.push(exists, Origin::Target(position, number));
        }
    }
}

impl Step {
    pub(super) fn resource_type(&self) -> &Arc<ResourceType> {
        match self {
            Self::Store(prepared) => &prepared.write.resource_type,
            Self::Delete { resource_type, .. } => resource_type,
        }
    }

    pub(super) fn failed(&self, position: usize, reason: Reason) -> Undone {
        let failure = Failure::new(self.resource_type(), reason);
        Undone { position, failure }
    }
}

/// A unit while it is put together.
#[derive(Default)]
struct Making {
    writes: Vec<Write>,
    /// What each write is there for.
    origins: Vec<Origin>,
    /// What must hold afterwards, with the deleted resource for which it must.
    absences: Vec<(Identity, Absence)>,
}

#[derive(Clone, Copy)]
enum Origin {
    /// The operation at this position.
    Operation(usize),
    /// A target, by its number, of the operation at this position.
    Target(usize, usize),
    /// What a deletion does to others.
    Planned,
}

impl Making {
    fn push(&mut self, write: Write, origin: Origin) {
        let is_new = write.guard.presence == Presence::MustBeNew;
        if is_new && matches!(write.change, Change::Replace(_)) {
            // It may have been deleted before, and may be named again.
            let made = (write.resource_type.name.clone(), write.id.clone());
            self.absences.retain(|(gone, _)| *gone != made);
        }
        self.writes.push(write);
        self.origins.push(origin);
    }
}

/// Why the unit cannot be done; none if that may be otherwise with a new plan.
fn undone(steps: &[Step], origin: Option<&Origin>, refusal: Refusal) -> Option<Undone> {
    if matches!(refusal, Refusal::Referenced(_)) {
        return None;
    }
    match *origin? {
        Origin::Planned => None,
        Origin::Operation(position) => {
            let step = steps.get(position)?;
            let mut undone = step.failed(position, refusal.into());
            if let Step::Store(prepared) = step {
                undone.failure = prepared.pointers.place(undone.failure);
            }
            Some(undone)
        }
        Origin::Target(position, number) => {
            let step = steps.get(position)?;
            let Step::Store(prepared) = step else {
                return None;
            };
            let target = prepared.targets.get(number)?;
            let mut undone = step.failed(position, target.absent());
            undone.failure = undone.failure.at(&target.pointer);
            Some(undone)
        }
    }
}

/// The key of a unit whose answer tells what the operations have stored.
fn answering(key: &Key, origins: &[Origin]) -> Key {
    let positions = origins.iter().enumerate();
    let own = positions.filter(|(_, origin)| matches!(origin, Origin::Operation(_)));
    Key {
        answering: own.map(|(position, _)| position).collect(),
        ..key.clone()
    }
}

/// What each operation has stored.
fn stored(count: usize, origins: &[Origin], written: Vec<Written>) -> Vec<Option<Resource>> {
    let mut stored = vec![None; count];
    for (origin, written) in origins.iter().zip(written) {
        if let (Origin::Operation(position), Written::Stored(resource)) = (origin, written)
            && let Some(place) = stored.get_mut(*position)
        {
            *place = Some(resource);
        }
    }
    stored
}
