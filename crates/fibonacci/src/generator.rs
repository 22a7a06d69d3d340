//! The seam between the service and the arithmetic: decimal text of consecutive Fibonacci
//! numbers, made without ever converting between bases.
//!
//! Every form keeps its numbers as decimal digits, one a byte, and adds eight digits in one
//! 64-bit word: with `0xF6` in every byte of the sum a decimal carry is exactly a byte overflow,
//! so the processor's own addition ripples it. The text is then a byte reversal. What differs is
//! how carries cross words, and how many numbers one pass over memory makes.

mod choice;
mod portable;
#[cfg(target_arch = "x86_64")]
mod compiled;
#[cfg(target_arch = "x86_64")]
mod tiled;
#[cfg(target_arch = "x86_64")]
#[cfg(target_arch = "x86_64")]
mod avx512;

use std::ops::Range;

pub use choice::{Form, Generator, UnavailableForm, UnknownGenerator};

use crate::length::{DigitCounts, digits};

/// The arithmetic of one form: two numbers and how to add them on.
trait Kernel: Send {
    /// How many numbers one pass makes at best.
    fn stride(&self) -> usize;

    /// Appends the next numbers to the sequence and writes each, right-aligned, to its slot of
    /// `text`. Writes to no other byte.
    ///
    /// There are one to `stride` slots, in ascending order without overlap. The length of a slot
    /// is the number of digits of its number: a shorter one would lose digits.
    fn pass(&mut self, text: &mut [u8], slots: &[Range<usize>]);
}

/// The most numbers that any form makes in one pass.
pub(crate) const STRIDE_MAX: usize = 4;

/// Consecutive Fibonacci numbers as text, from any index on.
///
/// Holds at most six bytes of memory per digit of the largest number. The form is a choice of
/// speed only: each makes the same text.
///
/// ```
/// use fibonacci::generator::{Form, Sequence};
///
/// let mut text = [0; 13];
/// Sequence::new(Form::best(), 6).write(&mut text, 7, b",");
/// assert_eq!(&text, b"0,1,1,2,3,5,8");
/// ```
pub struct Sequence {
    kernel: Box<dyn Kernel>,
    /// The numbers that the kernel starts from, latest first, until they have been written.
    opening: Vec<Vec<u8>>,
    next: u64,
    last: u64,
    counts: DigitCounts,
}

impl Sequence {
    /// The sequence from `F(0)`, of which no number above `F(last)` will be asked.
    #[must_use]
    pub fn new(form: Form, last: u64) -> Self {
        Self::starting_at(form, 0, (b"0".to_vec(), b"1".to_vec()), last)
    }

    /// The sequence from `F(index)`, given the digits of `F(index)` and `F(index + 1)`.
    pub(crate) fn starting_at(
        form: Form,
        index: u64,
        (first, second): (Vec<u8>, Vec<u8>),
        last: u64,
    ) -> Self {
        let digits_max = narrow(digits(last.max(index + 1)));
        let kernel = choice::kernel(form, &first, &second, digits_max);
        Self {
            kernel,
            opening: vec![second, first],
            next: index,
            last,
            counts: DigitCounts::starting_at(index),
        }
    }

    /// The index of the next number to be written.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// How many numbers to ask for at a time, or a multiple of it, for the best speed.
    pub(crate) fn stride(&self) -> usize {
        self.kernel.stride()
    }

    /// Writes the next `count` numbers with `separator` between them and returns the bytes used.
    ///
    /// # Panics
    ///
    /// If they do not fit into `text`, or go beyond the last index promised at construction.
    pub fn write(&mut self, text: &mut [u8], count: u64, separator: &[u8]) -> usize {
        assert!(
            self.next + count <= self.last + 1,
            "numbers beyond the promised last index"
        );
        let end = self.next + count;
        let mut at = 0;
        while self.next < end {
            let at_once = if self.opening.is_empty() {
                self.kernel.stride() as u64
            } else {
                1
            };
            let mut slots = [const { 0..0 }; STRIDE_MAX];
            let mut used = 0;
            for slot in &mut slots[..narrow(at_once.min(end - self.next))] {
                *slot = at..at + narrow(self.counts.advance());
                at = slot.end;
                used += 1;
                self.next += 1;
                if self.next < end {
                    at += put(&mut text[at..], separator);
                }
            }
            if let Some(number) = self.opening.pop() {
                text[slots[0].clone()].copy_from_slice(&number);
            } else {
                self.kernel.pass(text, &slots[..used]);
            }
        }
        at
    }
}

/// Writes the separator, mostly a single byte.
#[inline]
fn put(text: &mut [u8], separator: &[u8]) -> usize {
    match separator {
        [byte] => text[0] = *byte,
        _ => text[..separator.len()].copy_from_slice(separator),
    }
    separator.len()
}

/// A length or count of something that is in memory.
fn narrow(size: u64) -> usize {
    usize::try_from(size).expect("a size in memory")
}

#[cfg(test)]
mod tests;
