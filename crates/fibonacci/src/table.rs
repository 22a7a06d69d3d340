//! The first numbers as one shared immutable text, of which answers are slices.

use std::ops::Range;

use bytes::Bytes;

use crate::generator::{Form, Sequence};
use crate::length::digits;
use crate::listing::{JSON, Listing};

/// `{"answer":[0,1,1,2,...` for the first `count` numbers.
pub(crate) struct Table {
    text: Bytes,
    count: u64,
}

impl Table {
    pub(crate) fn new(form: Form, count: u64) -> Self {
        let listing = Listing {
            notation: &JSON,
            from: 0,
            count,
        };
        let mut text = listing.notation.head.to_vec();
        if count > 0 {
            let start = text.len();
            let end = listing.bytes() - listing.notation.tail.len() as u64;
            text.resize(
                usize::try_from(end).expect("a table smaller than memory"),
                0,
            );
            let mut sequence = Sequence::new(form, count - 1);
            sequence.write(&mut text[start..], count, listing.notation.separator);
        }
        Self {
            text: text.into(),
            count,
        }
    }

    /// The text of a JSON list without its tail, in one slice if it starts at zero and in two
    /// (head, numbers) if not. None if the list reaches beyond the table.
    pub(crate) fn slices(&self, listing: &Listing) -> Option<(Bytes, Bytes)> {
        if listing.notation != &JSON || listing.count == 0 || listing.end() > self.count {
            return None;
        }
        let numbers = self.place(listing.from).start..self.place(listing.end() - 1).end;
        Some(if listing.from == 0 {
            (Bytes::new(), self.text.slice(..numbers.end))
        } else {
            (Bytes::from_static(JSON.head), self.text.slice(numbers))
        })
    }

    /// The digits of `F(n)`, if the table has them.
    pub(crate) fn number(&self, n: u64) -> Option<Bytes> {
        (n < self.count).then(|| self.text.slice(self.place(n)))
    }

    fn place(&self, n: u64) -> Range<usize> {
        let whole = Listing {
            notation: &JSON,
            from: 0,
            count: self.count,
        };
        let start = usize::try_from(whole.position(n)).expect("a place in the table");
        let length = usize::try_from(digits(n)).expect("a number in the table");
        start..start + length
    }
}
