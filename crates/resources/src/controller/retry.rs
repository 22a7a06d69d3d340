//! What was done before under the same key is answered again.

use super::unit::{Step, Undone};
use super::{Controller, Reason};
use crate::store::{Key, KeyRefusal, Resource};

/// What came of a request.
#[derive(Debug)]
pub struct Done<T> {
    /// What it left.
    pub left: T,
    /// Whether it was done before, under the same key.
    pub is_repeated: bool,
}

impl<T> Done<T> {
    pub(super) fn now(left: T) -> Self {
        let is_repeated = false;
        Self { left, is_repeated }
    }

    pub(super) fn map<U>(self, map: impl FnOnce(T) -> U) -> Done<U> {
        Done {
            left: map(self.left),
            is_repeated: self.is_repeated,
        }
    }
}

impl Controller {
    /// What operations have left that cannot be done now: because they were done before, under the
    /// same key, or else because of `undone`. A resource that was deleted is not there, and one
    /// that was changed has another version, when the same is asked again.
    pub(super) async fn done_before(
        &self,
        steps: &[Step],
        key: &Key,
        undone: Undone,
    ) -> Result<Done<Vec<Option<Resource>>>, Undone> {
        let Some(first) = steps.first() else {
            return Ok(Done::now(Vec::new()));
        };
        let refusal = match undone.failure.reason {
            Reason::Key(refusal) => refusal,
            Reason::Store(_) => match self.store.recall(key).await {
                Ok(Some(refusal)) => refusal,
                Ok(None) | Err(_) => return Err(undone),
            },
            _ => match self.store.recall(key).await {
                Ok(Some(refusal)) => refusal,
                Ok(None) => return Err(undone),
                // Nobody knows whether it was done: no client must hear that it cannot be.
                Err(error) => return Err(first.failed(0, error.into())),
            },
        };
        let KeyRefusal::Done(answer) = refusal else {
            return Err(first.failed(0, refusal.into()));
        };
        let types: Vec<_> = steps.iter().map(|step| &**step.resource_type()).collect();
        let stored = answer.stored(&types);
        Ok(Done {
            left: stored.map_err(|error| first.failed(0, error.into()))?,
            is_repeated: true,
        })
    }
}
