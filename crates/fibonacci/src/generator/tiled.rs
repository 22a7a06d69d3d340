//! Four numbers in one pass over two: most of the memory traffic of the portable form falls away.
//!
//! A pass loads one block of digits of two numbers, makes that block of the next four while it is
//! in registers, and writes four blocks of text; only the last two numbers go back to memory.
//! Where each text ends is known beforehand from the lengths. The sums stand beside their inputs,
//! which stay whole until the pass is known to be right.
//!
//! Every word is added as if it received a carry, and the surplus is taken back once its neighbor
//! is known not to have carried. Taking it back is wrong only if the word carried *because* of it:
//! if its eight digits add to all nines and no carry comes, once in 10^8 words. It then has bit 63
//! clear before and set after. Such a pass is done again exactly.

use std::ops::Range;

use super::{Kernel, STRIDE_MAX};

/// Digits of one number as text, least significant first.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Block(pub(super) [u8; BLOCK]);

/// The digits in one block: a cache line, and the widest vector.
pub(super) const BLOCK: usize = 64;

/// The place of each byte in a block.
pub(super) static PLACES: Block = places();

const fn places() -> Block {
    let mut places = [0; BLOCK];
    let mut place = 0;
    while (place as usize) < BLOCK {
        places[place as usize] = place;
        place += 1;
    }
    Block(places)
}

/// Two consecutive numbers in rows of equal length, padded with the digit zero.
pub(super) struct Pair {
    pub(super) older: Vec<Block>,
    pub(super) newer: Vec<Block>,
}

/// Adds on from the first pair: one number for each of one to four slots, its text right-aligned
/// in its slot of `text`, and the last two numbers (the second of the first pair and the new one,
/// if it is only one) in the second pair.
///
/// Returns false if the result is wrong and must be made exactly. Only the bytes in the slots are
/// written in any case. Panics unless the slots [`fit`].
pub(super) type Pass = fn(&Pair, &mut Pair, &mut [u8], &[Range<usize>]) -> bool;

/// The kernel around a [`Pass`].
pub(super) struct Tiled {
    known: Pair,
    next: Pair,
    pass: Pass,
}

impl Tiled {
    pub(super) fn new(older: &[u8], newer: &[u8], digits_max: usize, pass: Pass) -> Self {
        let blocks = digits_max.max(newer.len()).div_ceil(BLOCK);
        let empty = || vec![Block([b'0'; BLOCK]); blocks];
        let known = Pair {
            older: row(older, empty()),
            newer: row(newer, empty()),
        };
        let next = Pair {
            older: empty(),
            newer: empty(),
        };
        Self { known, next, pass }
    }

    fn advance(&mut self, text: &mut [u8], slots: &[Range<usize>]) {
        if !(self.pass)(&self.known, &mut self.next, text, slots) {
            pass_exactly(&self.known, &mut self.next, text, slots);
        }
        std::mem::swap(&mut self.known, &mut self.next);
    }
}

impl Kernel for Tiled {
    fn stride(&self) -> usize {
        STRIDE_MAX
    }

    fn pass(&mut self, text: &mut [u8], slots: &[Range<usize>]) {
        if slots.len() == STRIDE_MAX {
            self.advance(text, slots);
        } else {
            for slot in slots {
                self.advance(text, std::slice::from_ref(slot));
            }
        }
    }
}

/// How many blocks the numbers of a pass need.
pub(super) fn blocks(slots: &[Range<usize>]) -> usize {
    slots
        .iter()
        .map(ExactSizeIterator::len)
        .max()
        .unwrap_or(0)
        .div_ceil(BLOCK)
}

/// Whether every slot lies in `text`, fits into the rows, and reaches into the last block or up to
/// it, so that only the last block's text has to be cut.
pub(super) fn fit(from: &Pair, to: &Pair, text: &[u8], slots: &[Range<usize>]) -> bool {
    let blocks = blocks(slots);
    let lengths = (blocks.saturating_sub(1) * BLOCK)..=(blocks * BLOCK);
    let rows = [&from.older, &from.newer, &to.older, &to.newer];
    blocks > 0
        && rows.iter().all(|row| blocks <= row.len())
        && slots.iter().all(|slot| {
            slot.start < slot.end && slot.end <= text.len() && lengths.contains(&slot.len())
        })
}

fn row(digits: &[u8], mut row: Vec<Block>) -> Vec<Block> {
    let places = row.iter_mut().flat_map(|block| &mut block.0);
    places
        .zip(digits.iter().rev())
        .for_each(|(place, digit)| *place = *digit);
    row
}

/// The pass digit by digit: slow, and right where a fast one gave up. See [`Pass`].
#[cold]
fn pass_exactly(from: &Pair, to: &mut Pair, text: &mut [u8], slots: &[Range<usize>]) {
    to.older.copy_from_slice(&from.older);
    to.newer.copy_from_slice(&from.newer);
    for slot in slots {
        add_exactly(&mut to.older, &to.newer);
        std::mem::swap(&mut to.older, &mut to.newer);
        let digits = to.newer.iter().flat_map(|block| &block.0);
        let places = text[slot.clone()].iter_mut().rev();
        places
            .zip(digits)
            .for_each(|(place, digit)| *place = *digit);
    }
}

fn add_exactly(sum: &mut [Block], number: &[Block]) {
    let mut carry = 0;
    let places = sum.iter_mut().flat_map(|block| &mut block.0);
    for (place, digit) in places.zip(number.iter().flat_map(|block| &block.0)) {
        let total = *place - b'0' + digit - b'0' + carry;
        carry = u8::from(total >= 10);
        *place = b'0' + total - 10 * carry;
    }
}
