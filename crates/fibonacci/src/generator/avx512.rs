//! The tiled pass in AVX-512 with VBMI: a block is one register, and text leaves as whole cache
//! lines.
//!
//! `vpermb` reverses a block and rotates it to where its text lies within a line, so two
//! neighboring blocks blend into one aligned line. Another `vpermb`, as a table, turns the biased
//! bytes of a sum back into digits.

#![expect(unsafe_code, reason = "vector loads and stores work on pointers")]

use std::arch::x86_64::{
    __m512i, __mmask64, _mm512_add_epi64, _mm512_alignr_epi64, _mm512_load_si512,
    _mm512_mask_blend_epi8, _mm512_mask_storeu_epi8, _mm512_permutexvar_epi8, _mm512_set1_epi8,
    _mm512_set1_epi64, _mm512_setzero_si512, _mm512_srli_epi64, _mm512_store_si512,
    _mm512_sub_epi8, _mm512_sub_epi64, _mm512_ternarylogic_epi64, _mm512_test_epi64_mask,
};
use std::ops::Range;

use super::STRIDE_MAX;
use super::tiled::{BLOCK, Block, PLACES, Pair, Pass, blocks, fit};

/// Two ASCII zeros and this are 0xF6 in every byte, and one more in the lowest: the carry that
/// every word is assumed to receive.
const BIAS: i64 = 0x9696_9696_9696_9697_u64.cast_signed();

/// The truth table of `a | (b & !c)`.
const OR_FIRST_NOT_SECOND: i32 = 0xF4;

/// The ASCII digit for the low six bits of a biased byte: 0 to 9 carried, 0xF6 to 0xFF did not.
static DIGITS: Block = digits();

const fn digits() -> Block {
    let mut table = [b'0'; BLOCK];
    let mut digit = 0;
    while digit < 10 {
        table[digit as usize] = b'0' + digit;
        table[0x36 + digit as usize] = b'0' + digit;
        digit += 1;
    }
    Block(table)
}

/// The pass, where this processor can run it.
pub(super) fn pass() -> Option<Pass> {
    fn pass(from: &Pair, to: &mut Pair, text: &mut [u8], slots: &[Range<usize>]) -> bool {
        assert!(fit(from, to, text, slots), "slots of impossible lengths");
        // SAFETY: the function is handed out only where its instructions have been detected, and
        // the slots lie in the text and fit the rows.
        unsafe {
            if let Ok(slots) = <&[_; STRIDE_MAX]>::try_from(slots) {
                tile(from, to, text, slots)
            } else if let Ok(slots) = <&[_; 1]>::try_from(slots) {
                tile(from, to, text, slots)
            } else {
                false
            }
        }
    }
    let detected = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi");
    detected.then_some(pass)
}

/// One number on its way to its text.
#[derive(Clone, Copy)]
struct Lane {
    /// In each word of the previous block: 1 if it did not carry, else 0.
    idle: __m512i,
    /// The previous block, reversed and rotated.
    rotated: __m512i,
    /// Which digit of a block goes to which place of a line.
    order: __m512i,
    /// The places of a line that come before the end of the text.
    before_end: __mmask64,
    /// The line in which the text ends; it may end before its first place.
    line: *mut u8,
    /// The first byte of the text.
    start: *mut u8,
}

/// Makes `N` numbers. False if a word carried only by assumption.
///
/// # Safety
///
/// With `blocks` blocks in the longest slot, no row is shorter than that, and every slot lies in
/// `text` and has at least `BLOCK * (blocks - 1)` bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
unsafe fn tile<const N: usize>(
    from: &Pair,
    to: &mut Pair,
    text: &mut [u8],
    slots: &[Range<usize>; N],
) -> bool {
    let last = blocks(slots) - 1;
    let mut lanes = slots.each_ref().map(|slot| lane(text, slot));
    let digits = load(&DIGITS);
    let mut wrong = _mm512_setzero_si512();
    for block in 0..=last {
        // SAFETY: the rows are long enough.
        let (mut older, mut newer) = unsafe {
            (
                load(from.older.get_unchecked(block)),
                load(from.newer.get_unchecked(block)),
            )
        };
        let mut biased = newer;
        for (i, lane) in lanes.iter_mut().enumerate() {
            // The biased number serves two sums: as the newer of one and the older of the next.
            let assumed = if i % 2 == 0 {
                biased = _mm512_add_epi64(newer, _mm512_set1_epi64(BIAS));
                _mm512_add_epi64(older, biased)
            } else {
                _mm512_add_epi64(biased, newer)
            };
            let sum = settle(assumed, &mut lane.idle, &mut wrong);
            let sum = _mm512_permutexvar_epi8(sum, digits);
            let rotated = _mm512_permutexvar_epi8(lane.order, sum);
            let text = _mm512_mask_blend_epi8(lane.before_end, lane.rotated, rotated);
            lane.rotated = rotated;
            // SAFETY: the text has a byte for every digit but the topmost block's, so the line of
            // any block but the first and the last lies in it.
            unsafe {
                if block == 0 || block == last {
                    store_edge(lane, block, last, text);
                } else {
                    _mm512_store_si512(lane.line.sub(block * BLOCK).cast(), text);
                }
            }
            (older, newer) = (newer, sum);
        }
        // SAFETY: the rows are long enough.
        unsafe {
            store(to.older.get_unchecked_mut(block), older);
            store(to.newer.get_unchecked_mut(block), newer);
        }
    }
    _mm512_test_epi64_mask(wrong, _mm512_set1_epi64(i64::MIN)) == 0
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn lane(text: &mut [u8], slot: &Range<usize>) -> Lane {
    let text = text.as_mut_ptr();
    let end = text.wrapping_add(slot.end);
    let rest = end.addr() % BLOCK;
    let last_place = i8::try_from(rest).expect("less than a block") - 1;
    Lane {
        // The lowest word receives no carry.
        idle: _mm512_set1_epi64(1),
        rotated: _mm512_setzero_si512(),
        order: _mm512_sub_epi8(_mm512_set1_epi8(last_place), load(&PLACES)),
        before_end: (1 << rest) - 1,
        line: end.wrapping_sub(rest),
        start: text.wrapping_add(slot.start),
    }
}

/// The biased sum of one block with the carries that it really received, from the sum with those
/// that were assumed.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn settle(assumed: __m512i, idle: &mut __m512i, wrong: &mut __m512i) -> __m512i {
    let now_idle = _mm512_srli_epi64::<63>(assumed);
    // Each word's lower neighbor; the lowest word's is the top of the previous block.
    let neighbors = _mm512_alignr_epi64::<7>(now_idle, *idle);
    let sum = _mm512_sub_epi64(assumed, neighbors);
    *idle = now_idle;
    *wrong = _mm512_ternarylogic_epi64::<OR_FIRST_NOT_SECOND>(*wrong, sum, assumed);
    sum
}

/// The lines at both ends of a text, in which not every place belongs to it.
///
/// # Safety
///
/// The bytes from `lane.start` to the end of the text are writable.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
unsafe fn store_edge(lane: &Lane, block: usize, last: usize, text: __m512i) {
    let place = lane.line.wrapping_sub(block * BLOCK);
    let mut inside = if block == 0 { lane.before_end } else { !0 };
    if block == last {
        let below = place.wrapping_sub(BLOCK);
        let rest = !lane.before_end & from_start(below, lane.start);
        // SAFETY: only bytes between the start and the end of the text are selected.
        unsafe { _mm512_mask_storeu_epi8(below.cast(), rest, lane.rotated) };
        inside &= from_start(place, lane.start);
    }
    // SAFETY: as above.
    unsafe { _mm512_mask_storeu_epi8(place.cast(), inside, text) };
}

/// The places of a line at or after the start of the text.
fn from_start(line: *mut u8, start: *mut u8) -> __mmask64 {
    let before = start.addr().saturating_sub(line.addr());
    if before < BLOCK { !0 << before } else { 0 }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &Block) -> __m512i {
    // SAFETY: a block is 64 bytes, aligned to 64.
    unsafe { _mm512_load_si512(std::ptr::from_ref(block).cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(block: &mut Block, digits: __m512i) {
    // SAFETY: a block is 64 bytes, aligned to 64.
    unsafe { _mm512_store_si512(std::ptr::from_mut(block).cast(), digits) }
}
