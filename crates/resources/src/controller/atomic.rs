//! Several operations at once: all of them or none.

use std::sync::Arc;

use super::link::relinked;
use super::unit::{Prepared, Step, Undone};
use super::write::{Versions, creation, update};
use super::{Controller, Done, Draft, Failure, IdRule, Linking, Reason};
use crate::schema::{Id, ResourceType};
use crate::store::{Key, Resource, StoreError};

/// One of several operations.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) resource_type: Arc<ResourceType>,
    pub(crate) action: Action,
    /// Where in the request it says what it is about: the place of what has no other.
    pub(crate) pointer: String,
}

/// What an operation does.
#[derive(Debug)]
pub(crate) enum Action {
    /// Stores a new resource, with the reserved id unless the draft has one.
    Create {
        draft: Draft,
        reserved: Option<Id>,
    },
    Update {
        id: Id,
        draft: Draft,
        versions: Versions,
    },
    Delete {
        id: Id,
        versions: Versions,
    },
    Link {
        id: Id,
        linking: Linking,
    },
}

impl Controller {
    /// Does operations in their order, each seeing those before it: all of them or none. Gives
    /// what each has stored.
    pub(crate) async fn operate(
        &self,
        operations: Vec<Operation>,
        key: Option<&Key>,
    ) -> Result<Done<Vec<Option<Resource>>>, Undone> {
        let mut steps = Vec::with_capacity(operations.len());
        let mut pointers = Vec::with_capacity(operations.len());
        for (position, operation) in operations.into_iter().enumerate() {
            pointers.push(operation.pointer.clone());
            let step = step(operation).await;
            steps.push(step.map_err(|failure| placed(Undone { position, failure }, &pointers))?);
        }
        let done = self.perform(&steps, key).await;
        done.map_err(|undone| placed(undone, &pointers))
    }
}

fn stored(prepared: Prepared) -> Step {
    Step::Store(Box::new(prepared))
}

async fn step(operation: Operation) -> Result<Step, Failure> {
    let Operation {
        resource_type,
        action,
        ..
    } = operation;
    Ok(match action {
        Action::Create { draft, reserved } => {
            draft.must_be_writable(&resource_type, true)?;
            let chosen = draft.new_id(&resource_type, IdRule::Client)?;
            let none = || StoreError::Internal("no id was reserved".to_owned());
            let id = chosen.or(reserved).ok_or_else(none);
            let id = id.map_err(|error| Failure::new(&resource_type, error.into()))?;
            stored(creation(&resource_type, id, draft).await?)
        }
        Action::Update {
            id,
            draft,
            versions,
        } => stored(update(&resource_type, id, draft, versions)?),
        Action::Delete { id, versions } => Step::Delete {
            resource_type,
            id,
            versions,
        },
        Action::Link { id, linking } => stored(relinked(&resource_type, id, linking)?),
    })
}

/// The same with the place of the operation, unless the cause has a place of its own.
fn placed(mut undone: Undone, pointers: &[String]) -> Undone {
    let Some(pointer) = pointers.get(undone.position) else {
        return undone;
    };
    match &mut undone.failure.reason {
        // The store fails whatever the operations are.
        Reason::Store(_) | Reason::Key(_) | Reason::Invalid(_) => {}
        Reason::Forbidden(fields) => {
            for field in fields.iter_mut().filter(|field| field.pointer.is_empty()) {
                field.pointer.clone_from(pointer);
            }
        }
        _ if undone.failure.pointer.is_none() => undone.failure.pointer = Some(pointer.clone()),
        _ => {}
    }
    undone
}
