//! What waits to be sent to the collector: encoded already, in pieces of the size of a request.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// How much of one kind may wait. Beyond it, what comes is dropped and counted.
pub(super) const BYTES_MAX: usize = 8 * 1024 * 1024;
/// The size at which a piece is full.
const PIECE_BYTES: usize = 256 * 1024;

/// The spans or log records of a process that were not sent yet.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: Mutex<Waiting>,
    /// A piece is full.
    full: Notify,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    full: VecDeque<Piece>,
    filling: Piece,
    bytes: usize,
}

/// Some of them, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) count: u64,
    /// How often it was sent without being taken.
    pub(super) tries: u32,
}

impl Outbox {
    /// Adds one. It costs the caller a copy, and never a wait for the collector.
    pub(super) fn add(&self, encoded: &[u8]) {
        let mut waiting = self.lock();
        if waiting.bytes + encoded.len() > BYTES_MAX {
            drop(waiting);
            self.drop_counted(1);
            return;
        }
        waiting.bytes += encoded.len();
        waiting.filling.bytes.extend_from_slice(encoded);
        waiting.filling.count += 1;
        if waiting.filling.bytes.len() >= PIECE_BYTES {
            let piece = mem::take(&mut waiting.filling);
            waiting.filling.bytes.reserve(PIECE_BYTES + encoded.len());
            waiting.full.push_back(piece);
            drop(waiting);
            self.full.notify_one();
        }
    }

    /// The oldest piece, full or not.
    pub(super) fn take(&self) -> Option<Piece> {
        let mut waiting = self.lock();
        let piece = match waiting.full.pop_front() {
            Some(piece) => piece,
            None => mem::take(&mut waiting.filling),
        };
        waiting.bytes -= piece.bytes.len();
        (piece.count > 0).then_some(piece)
    }

    /// Keeps a piece for another try.
    pub(super) fn put_back(&self, piece: Piece) {
        let mut waiting = self.lock();
        waiting.bytes += piece.bytes.len();
        waiting.full.push_front(piece);
    }

    pub(super) async fn is_full(&self) {
        self.full.notified().await;
    }

    pub(super) fn drop_counted(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }

    /// How many were dropped, since they were too many or the collector did not take them.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_waits_than_may_and_what_is_too_much_is_counted() {
        let outbox = Outbox::default();
        let one = [1; 1000];
        let room = (BYTES_MAX / one.len()) as u64;
        for _ in 0..room + 7 {
            outbox.add(&one);
        }
        assert_eq!(outbox.dropped(), 7);
        let mut count = 0;
        while let Some(piece) = outbox.take() {
            assert!(piece.bytes.len() < PIECE_BYTES + one.len());
            count += piece.count;
        }
        assert_eq!((count, outbox.bytes()), (room, 0));
        outbox.add(&one);
        assert_eq!(outbox.take().unwrap().count, 1);
    }
}
