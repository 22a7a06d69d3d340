//! The tiled pass digit by digit: slow, safe, and right where the fast ones gave up.

use std::ops::Range;

use super::tiled::{Block, Pair};

/// As [`super::tiled::Pass`] says, and never wrong.
#[cold]
pub(super) fn pass(from: &Pair, to: &mut Pair, text: &mut [u8], slots: &[Range<usize>]) {
    to.older.copy_from_slice(&from.older);
    to.newer.copy_from_slice(&from.newer);
    for slot in slots {
        add(&mut to.older, &to.newer);
        std::mem::swap(&mut to.older, &mut to.newer);
        let digits = to.newer.iter().flat_map(|block| &block.0);
        let places = text[slot.clone()].iter_mut().rev();
        places
            .zip(digits)
            .for_each(|(place, digit)| *place = *digit);
    }
}

fn add(sum: &mut [Block], number: &[Block]) {
    let mut carry = 0;
    let places = sum.iter_mut().flat_map(|block| &mut block.0);
    for (place, digit) in places.zip(number.iter().flat_map(|block| &block.0)) {
        let total = *place - b'0' + digit - b'0' + carry;
        carry = u8::from(total >= 10);
        *place = b'0' + total - 10 * carry;
    }
}
