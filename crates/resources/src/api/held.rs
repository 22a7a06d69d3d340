//! The memory of answers that clients have not taken yet.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::StoreError;

/// Smaller answers are not counted: what they hold is bounded by the number of connections.
const COUNTED_BYTES_MIN: usize = 16 << 10;

/// The unit of the count, in bytes.
const UNIT: usize = 1 << 10;

/// What all answers together may hold.
pub(super) struct Held {
    room: Arc<Semaphore>,
    units: usize,
}

/// The room of one answer, which is given back when the answer was sent or dropped.
pub(super) struct Room(Option<OwnedSemaphorePermit>);

impl Held {
    pub(super) fn new(bytes_max: usize) -> Self {
        let units = (bytes_max / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            room: Arc::new(Semaphore::new(units)),
            units,
        }
    }

    /// Room for an answer of so many bytes; all the room there is for a larger one.
    ///
    /// # Errors
    /// `Busy` while clients have not taken enough of the other answers.
    pub(super) fn room(&self, bytes: usize) -> Result<Room, StoreError> {
        if bytes < COUNTED_BYTES_MIN {
            return Ok(Room(None));
        }
        let units = u32::try_from((bytes / UNIT).min(self.units)).unwrap_or(u32::MAX);
        let permit = self.room.clone().try_acquire_many_owned(units);
        let busy = "clients have not taken enough of what was answered before";
        permit
            .map(|permit| Room(Some(permit)))
            .map_err(|_| StoreError::Busy(busy.to_owned()))
    }
}

impl Room {
    /// The room of an answer that must be given, since it tells of something that was done.
    pub(super) const fn uncounted() -> Self {
        Self(None)
    }

    /// Keeps the room for as long as any part of these bytes.
    pub(super) fn keep(self, document: Bytes) -> Bytes {
        let Self(Some(permit)) = self else {
            return document;
        };
        Bytes::from_owner(Kept {
            document,
            _permit: permit,
        })
    }
}

struct Kept {
    document: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_back_with_the_last_part_of_an_answer() {
        let held = Held::new(100 << 10);
        let mut answer = held.room(70 << 10).unwrap().keep(vec![1; 70 << 10].into());
        assert!(matches!(held.room(70 << 10), Err(StoreError::Busy(_))));
        assert!(held.room(30 << 10).is_ok() && held.room(1000).is_ok());
        drop(answer.split_to(10));
        assert!(held.room(70 << 10).is_err());
        drop(answer);
        // What is larger than all the room takes all of it.
        let all = held.room(1 << 30).unwrap();
        assert!(held.room(20 << 10).is_err());
        drop(all);
        assert!(held.room(100 << 10).is_ok());
    }
}
