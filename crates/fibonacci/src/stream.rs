//! A body that makes its text while it is sent.
//!
//! Frames are generated when the connection asks for them: making one takes some 20 us, so it
//! needs no other thread, a slow reader costs no work, and a client that leaves stops it within
//! one frame.

mod frames;
mod reservation;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::generator::{STRIDE_MAX, Sequence};
use crate::length::{DigitCounts, digits};
use crate::listing::Listing;
use frames::{FRAMES_MAX, Frames};

pub(crate) use reservation::{Held, Reservation, Reservations};

/// The aim for the bytes of one frame.
const FRAME_BYTES: u64 = 192 << 10;

/// A part of the text of a list: everything, or one range of bytes.
pub(crate) struct SequenceBody {
    listing: Listing,
    sequence: Sequence,
    frames: Arc<Frames>,
    /// Bytes of the next frame that come before the part.
    skip: u64,
    /// Bytes of the part that are still to be sent.
    left: u64,
}

/// The bytes of memory that a stream of this list holds while it is under way.
pub(crate) fn memory(listing: &Listing) -> u64 {
    FRAMES_MAX as u64 * frame_bytes(listing) + 6 * listing.digits_max()
}

/// The bytes that one answer within these bounds may hold at most.
pub(crate) fn memory_of_largest(count_max: u64, index_max: u64) -> u64 {
    let notation = &crate::listing::CSV_STRINGS;
    let list = Listing {
        notation,
        from: 0,
        count: count_max,
    };
    memory(&list).max(number_memory(index_max))
}

/// The bytes that the answer with `F(n)` holds.
pub(crate) fn number_memory(n: u64) -> u64 {
    digits(n)
}

/// The size of the frame buffers: no more than the list, no less than one pass of its largest
/// numbers.
fn frame_bytes(listing: &Listing) -> u64 {
    let notation = listing.notation;
    let around = (notation.head.len() + notation.tail.len()) as u64;
    let pass = STRIDE_MAX as u64 * (listing.digits_max() + notation.separator.len() as u64);
    (pass + around)
        .max(FRAME_BYTES)
        .min(listing.bytes() + around)
}

impl SequenceBody {
    /// The `left` bytes of the list from `offset` on.
    ///
    /// `sequence` must stand at `listing.number_at(offset)` and reach to the end of the list.
    pub(crate) fn new(
        listing: Listing,
        sequence: Sequence,
        (offset, left): (u64, u64),
        reservation: Reservation,
    ) -> Self {
        let n = sequence.next();
        let start = if n == listing.from {
            0
        } else {
            listing.position(n)
        };
        let frames = Frames::new(narrow(frame_bytes(&listing)), reservation);
        Self {
            listing,
            sequence,
            frames,
            skip: offset - start,
            left,
        }
    }

    /// How many numbers the next frame takes, and how many bytes they have with their
    /// separators, the head and the tail.
    fn next_frame(&self) -> (u64, u64) {
        let Listing { notation, from, .. } = self.listing;
        let (first, end) = (self.sequence.next(), self.listing.end());
        let stride = self.sequence.stride() as u64;
        let (separator, tail) = (notation.separator.len() as u64, notation.tail.len() as u64);
        let wanted = self.skip + self.left;
        let room = self.frames.bytes() as u64 - tail;

        let mut counts = DigitCounts::starting_at(first);
        let mut bytes = if first == from {
            notation.head.len() as u64
        } else {
            0
        };
        let mut n = first;
        // At least one pass, which the buffer has room for; then what fits and is wanted.
        while n < end && (n == first || bytes < wanted) {
            let pass = stride.min(end - n);
            let numbers: u64 = (0..pass).map(|_| counts.advance() + separator).sum();
            if n > first && bytes + numbers > room {
                break;
            }
            bytes += numbers;
            n += pass;
        }
        if n == end {
            bytes = bytes - separator + tail;
        }
        (n - first, bytes)
    }

    fn fill(&mut self, buffer: &mut [u8], count: u64) {
        let Listing { notation, from, .. } = self.listing;
        let mut at = 0;
        if self.sequence.next() == from {
            at = notation.head.len();
            buffer[..at].copy_from_slice(notation.head);
        }
        at += self
            .sequence
            .write(&mut buffer[at..], count, notation.separator);
        let after = if self.sequence.next() == self.listing.end() {
            notation.tail
        } else {
            notation.separator
        };
        // The place of every byte was computed beforehand, so a miscount cannot go unnoticed.
        assert_eq!(
            at + after.len(),
            buffer.len(),
            "a frame of another length than computed"
        );
        buffer[at..].copy_from_slice(after);
    }
}

impl Body for SequenceBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let mut buffer = ready!(self.frames.poll_take(context));
        let (count, bytes) = self.next_frame();
        self.fill(buffer.resized(narrow(bytes)), count);

        let part = self.skip..bytes.min(self.skip + self.left);
        self.left -= part.end - part.start;
        self.skip = 0;
        let part = narrow(part.start)..narrow(part.end);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(buffer).slice(part)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// Frames are small enough for any address space.
fn narrow(bytes: u64) -> usize {
    usize::try_from(bytes).expect("a frame smaller than memory")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::*;
    use crate::generator::Form;
    use crate::listing::JSON;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn body(count: u64) -> (SequenceBody, Reservations) {
        let listing = Listing {
            notation: &JSON,
            from: 0,
            count,
        };
        let all = Reservations::new(memory(&listing));
        let reservation = all.reserve(memory(&listing)).expect("room for one");
        let sequence = Sequence::new(Form::best(), count - 1);
        (
            SequenceBody::new(listing, sequence, (0, listing.bytes()), reservation),
            all,
        )
    }

    fn poll(body: &mut SequenceBody, counted: &Arc<Wakes>) -> Poll<Option<Bytes>> {
        let waker = Waker::from(Arc::clone(counted));
        let polled = Pin::new(body).poll_frame(&mut Context::from_waker(&waker));
        polled.map(|frame| frame.map(|Ok(frame)| frame.into_data().expect("data")))
    }

    #[test]
    fn no_more_than_two_frames_are_out_and_a_returned_one_wakes_the_stream() {
        let wakes = Arc::new(Wakes::default());
        let (mut body, _all) = body(if cfg!(miri) { 4_000 } else { 20_000 });
        let first = poll(&mut body, &wakes);
        let second = poll(&mut body, &wakes);
        assert!(first.is_ready() && second.is_ready());
        assert_eq!(poll(&mut body, &wakes), Poll::Pending);
        assert_eq!(poll(&mut body, &wakes), Poll::Pending);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
        drop(first);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        assert!(poll(&mut body, &wakes).is_ready());
    }

    #[test]
    fn memory_is_given_back_with_the_last_frame() {
        let wakes = Arc::new(Wakes::default());
        let (mut body, all) = body(2_000);
        let frame = poll(&mut body, &wakes);
        assert!(all.reserve(1 << 18).is_none());
        drop(body);
        assert!(all.reserve(1 << 18).is_none());
        drop(frame);
        assert!(all.reserve(1 << 18).is_some());
    }

    #[test]
    fn sixty_four_streams_of_the_largest_list_hold_less_than_48_mib() {
        let listing = Listing {
            notation: &JSON,
            from: 0,
            count: 100_000,
        };
        assert!(64 * memory(&listing) < 48 << 20);
    }
}
