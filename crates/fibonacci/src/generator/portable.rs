//! The safe form: each word looks back at its neighbor's inputs instead of waiting for its carry.
//!
//! A number is a row of words, most significant first, with a zero guard word after the last; a
//! word holds eight decimal digits, least significant in the lowest byte. Whether word `i + 1`
//! carries is found by adding its inputs a second time, without *its* carry. That is wrong only
//! if word `i + 1` is 99999999 and receives a carry itself, about once in 10^8 words, and shows:
//! the word then had bit 63 set before its own carry was added and has it no more. Such a number is
//! done again with the exact chain. So no step waits for another, and a plain loop over equally
//! long slices vectorizes.

use std::ops::Range;

use super::Kernel;

/// In every byte, so that a decimal carry overflows the byte.
const BIAS: u64 = 0xF6F6_F6F6_F6F6_F6F6;
const TOP_BITS: u64 = 0x8080_8080_8080_8080;
const ASCII_ZEROS: u64 = 0x3030_3030_3030_3030;
/// The digits of one word.
pub(super) const WORD: usize = 8;

/// Adds two rows of words, each with the guard or its successor at the end, into `sum`, writes
/// the digits to `text`, and returns a value whose bit 63 tells that the result is wrong.
pub(super) type Add = fn(Operands<'_>, &mut [u64], &mut [[u8; WORD]]) -> u64;

/// The rows to add: one word longer than their sum, for the look back.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    older: &'a [u64],
    newer: &'a [u64],
}

/// Two consecutive numbers, right-aligned in rows of equal length.
pub(super) struct Lookback {
    older: Vec<u64>,
    newer: Vec<u64>,
    sum: Vec<u64>,
    add: Add,
}

impl Lookback {
    pub(super) fn new(older: &[u8], newer: &[u8], digits_max: usize, add: Add) -> Self {
        let words = digits_max.max(newer.len()).div_ceil(WORD);
        Self {
            older: row(older, words),
            newer: row(newer, words),
            sum: vec![0; words + 1],
            add,
        }
    }
}

/// A row of words and its guard from digits, most significant first.
fn row(digits: &[u8], words: usize) -> Vec<u64> {
    let mut row = vec![0; words + 1];
    for (word, chunk) in row[..words].iter_mut().rev().zip(digits.rchunks(WORD)) {
        *word = chunk
            .iter()
            .fold(0, |word: u64, digit| word << 8 | u64::from(digit - b'0'));
    }
    row
}

impl Kernel for Lookback {
    fn stride(&self) -> usize {
        1
    }

    fn pass(&mut self, text: &mut [u8], slots: &[Range<usize>]) {
        for slot in slots {
            let text = &mut text[slot.clone()];
            let words = text.len().div_ceil(WORD);
            let start = self.sum.len() - 1 - words;
            let operands = Operands {
                older: &self.older[start..],
                newer: &self.newer[start..],
            };
            let sum = &mut self.sum[start..start + words];

            let (top, rest) = text.split_at_mut(text.len() - (words - 1) * WORD);
            let wrong = (self.add)(operands, sum, rest.as_chunks_mut().0);
            if wrong >> 63 != 0 {
                add_exactly(operands, sum, rest.as_chunks_mut().0);
            }
            let first = (sum[0] | ASCII_ZEROS).to_be_bytes();
            top.copy_from_slice(&first[WORD - top.len()..]);

            std::mem::swap(&mut self.older, &mut self.newer);
            std::mem::swap(&mut self.newer, &mut self.sum);
        }
    }
}

/// The body of every compiled variant; see [`Add`].
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "each caller compiles it for other instructions"
)]
pub(super) fn add(operands: Operands<'_>, sum: &mut [u64], text: &mut [[u8; WORD]]) -> u64 {
    let (top, rest) = sum.split_at_mut(1);
    let mut wrong = look_back(operands, 0, &mut top[0]);

    // Equal lengths, known before the loop, take the bounds checks out of it.
    let words = rest.len();
    let (older, older_next) = (&operands.older[1..=words], &operands.older[2..words + 2]);
    let (newer, newer_next) = (&operands.newer[1..=words], &operands.newer[2..words + 2]);
    let (sum, text) = (&mut rest[..words], &mut text[..words]);
    for i in 0..words {
        let next = older_next[i].wrapping_add(newer_next[i]).wrapping_add(BIAS);
        let before = older[i].wrapping_add(newer[i]).wrapping_add(BIAS);
        let after = before.wrapping_add(!next >> 63);
        wrong |= before & !after;
        sum[i] = normalized(after);
        text[i] = (sum[i] | ASCII_ZEROS).to_be_bytes();
    }
    wrong
}

/// The step of the loop, for the topmost word, whose digits do not all belong to the text.
fn look_back(operands: Operands<'_>, i: usize, sum: &mut u64) -> u64 {
    let next = operands.older[i + 1]
        .wrapping_add(operands.newer[i + 1])
        .wrapping_add(BIAS);
    let before = operands.older[i]
        .wrapping_add(operands.newer[i])
        .wrapping_add(BIAS);
    let after = before.wrapping_add(!next >> 63);
    *sum = normalized(after);
    before & !after
}

/// The same sum with the carry handed from word to word.
fn add_exactly(operands: Operands<'_>, sum: &mut [u64], text: &mut [[u8; WORD]]) {
    let mut carry = 0;
    for i in (0..sum.len()).rev() {
        let total = operands.older[i].wrapping_add(operands.newer[i]);
        let total = total.wrapping_add(BIAS).wrapping_add(carry);
        carry = !total >> 63;
        sum[i] = normalized(total);
        if i > 0 {
            text[i - 1] = (sum[i] | ASCII_ZEROS).to_be_bytes();
        }
    }
}

/// Takes the bias from the bytes that still have it: those that did not overflow.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "each caller compiles it for other instructions"
)]
fn normalized(biased: u64) -> u64 {
    let tops = biased & TOP_BITS;
    // 0xF6..=0xFF become 6..=15 and lose six more; 0..=9 stay.
    (biased & !(TOP_BITS | TOP_BITS >> 1 | TOP_BITS >> 2 | TOP_BITS >> 3)) - (tops >> 5 | tops >> 6)
}
