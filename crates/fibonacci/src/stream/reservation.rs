//! The memory that unfinished answers may hold together.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory is counted in units of this many bytes, so that a permit count holds any size.
const UNIT: u64 = 1 << 10;

/// What is left of `streaming_bytes_max`.
pub(crate) struct Reservations {
    units: Arc<Semaphore>,
}

/// A part of the memory, given back when dropped.
pub(crate) struct Reservation {
    _units: OwnedSemaphorePermit,
}

impl Reservations {
    pub(crate) fn new(bytes: u64) -> Self {
        let units = usize::try_from(bytes / UNIT).unwrap_or(usize::MAX);
        Self {
            units: Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// None if that much is not left now.
    pub(crate) fn reserve(&self, bytes: u64) -> Option<Reservation> {
        let units = u32::try_from(bytes / UNIT).ok()?;
        let permit = Arc::clone(&self.units).try_acquire_many_owned(units).ok()?;
        Some(Reservation { _units: permit })
    }
}

/// Finished bytes that hold their reservation until the connection has sent them.
pub(crate) struct Held {
    bytes: Vec<u8>,
    _reservation: Reservation,
}

impl Held {
    pub(crate) fn shared(bytes: Vec<u8>, reservation: Reservation) -> Bytes {
        Bytes::from_owner(Self {
            bytes,
            _reservation: reservation,
        })
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
