//! The first numbers as one shared immutable text, of which answers are slices.

use std::ops::Range;

use bytes::Bytes;

use crate::generator::{Form, Sequence};
use crate::length::DigitCounts;
use crate::listing::{JSON, Listing, Notation};

/// `{"answer":[0,1,1,2,...` for the first numbers.
pub(crate) struct Table {
    text: Bytes,
    /// Where each number begins, and where one after the last would.
    starts: Vec<usize>,
}

impl Table {
    pub(crate) fn new(form: Form, count: u64) -> Self {
        let Notation {
            head, separator, ..
        } = JSON;
        let mut counts = DigitCounts::starting_at(0);
        let mut starts = vec![head.len()];
        for n in 0..narrow(count) {
            starts.push(starts[n] + narrow(counts.advance()) + separator.len());
        }
        let mut text = head.to_vec();
        text.resize(starts[narrow(count)], separator[0]);
        if count > 0 {
            let mut sequence = Sequence::new(form, count - 1);
            sequence.write(&mut text[head.len()..], count, separator);
        }
        Self {
            text: text.into(),
            starts,
        }
    }

    /// The text of a JSON list without its tail, in one slice if it starts at zero and in two
    /// (head, numbers) if not. None if the list reaches beyond the table.
    pub(crate) fn slices(&self, listing: &Listing) -> Option<(Bytes, Bytes)> {
        if listing.notation != &JSON || listing.count == 0 {
            return None;
        }
        let (first, last) = (self.place(listing.from)?, self.place(listing.end() - 1)?);
        Some(if listing.from == 0 {
            (Bytes::new(), self.text.slice(..last.end))
        } else {
            (
                Bytes::from_static(JSON.head),
                self.text.slice(first.start..last.end),
            )
        })
    }

    /// The digits of `F(n)`, if the table has them.
    pub(crate) fn number(&self, n: u64) -> Option<Bytes> {
        Some(self.text.slice(self.place(n)?))
    }

    fn place(&self, n: u64) -> Option<Range<usize>> {
        let n = usize::try_from(n).ok()?;
        let next = self.starts.get(n + 1)?;
        Some(self.starts[n]..next - JSON.separator.len())
    }
}

/// A position within the table, which is in memory.
fn narrow(position: u64) -> usize {
    usize::try_from(position).expect("a table smaller than memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(table: &Table, from: u64, count: u64) -> Option<String> {
        let (head, numbers) = table.slices(&Listing {
            notation: &JSON,
            from,
            count,
        })?;
        Some(String::from_utf8_lossy(&[head, numbers].concat()).into_owned())
    }

    #[test]
    fn lists_within_the_table_are_slices_of_it() {
        let table = Table::new(Form::best(), 10);
        assert_eq!(
            joined(&table, 0, 10).as_deref(),
            Some("{\"answer\":[0,1,1,2,3,5,8,13,21,34")
        );
        assert_eq!(joined(&table, 0, 1).as_deref(), Some("{\"answer\":[0"));
        assert_eq!(joined(&table, 7, 2).as_deref(), Some("{\"answer\":[13,21"));
        assert_eq!(table.number(9).as_deref(), Some(b"34".as_slice()));
    }

    #[test]
    fn what_reaches_beyond_the_table_is_not_in_it() {
        let table = Table::new(Form::best(), 10);
        assert_eq!(joined(&table, 0, 11), None);
        assert_eq!(joined(&table, 9, 2), None);
        assert_eq!(joined(&table, 10, 1), None);
        assert_eq!(table.number(10), None);
        assert_eq!(Table::new(Form::best(), 0).number(0), None);
    }
}
