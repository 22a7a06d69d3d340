//! The buffers of one stream: few, lent to the connection, and used again when it has sent them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::Reservation;

/// The buffers of a stream. With two the next frame is made while the kernel still takes the
/// last; hyper alone would queue more.
pub(super) const FRAMES_MAX: usize = 2;

/// Lends at most [`FRAMES_MAX`] buffers at a time.
pub(super) struct Frames {
    bytes: usize,
    shelf: Mutex<Shelf>,
    /// Given back when the stream and all its lent frames are gone.
    _reservation: Reservation,
}

#[derive(Default)]
struct Shelf {
    idle: Vec<Vec<u8>>,
    lent: usize,
    waiting: Option<Waker>,
}

/// A buffer on loan. Dropping it brings it back and wakes the stream.
pub(super) struct Loan {
    buffer: Vec<u8>,
    used: usize,
    home: Arc<Frames>,
}

impl Frames {
    pub(super) fn new(bytes: usize, reservation: Reservation) -> Arc<Self> {
        Arc::new(Self {
            bytes,
            shelf: Mutex::default(),
            _reservation: reservation,
        })
    }

    /// The size of each buffer.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A buffer, once one is to be had.
    pub(super) fn poll_take(self: &Arc<Self>, context: &mut Context<'_>) -> Poll<Loan> {
        let mut buffers = self.shelf();
        if buffers.lent == FRAMES_MAX {
            buffers.waiting = Some(context.waker().clone());
            return Poll::Pending;
        }
        buffers.lent += 1;
        let buffer = buffers.idle.pop();
        drop(buffers);
        let buffer = buffer.unwrap_or_else(|| vec![0; self.bytes]);
        Poll::Ready(Loan {
            buffer,
            used: 0,
            home: Arc::clone(self),
        })
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // No code panics while it holds the lock, and every state of a shelf is a valid one.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loan {
    /// The first `used` bytes, to be filled; the loan then stands for these only.
    pub(super) fn resized(&mut self, used: usize) -> &mut [u8] {
        self.used = used;
        &mut self.buffer[..used]
    }
}

impl AsRef<[u8]> for Loan {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.used]
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let mut buffers = self.home.shelf();
        buffers.lent -= 1;
        buffers.idle.push(std::mem::take(&mut self.buffer));
        let waiting = buffers.waiting.take();
        drop(buffers);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}
