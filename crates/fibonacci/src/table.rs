//! The first numbers as one shared immutable text, of which answers are slices.

use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;

use crate::generator::{Form, Sequence};
use crate::length::DigitCounts;
use crate::listing::{JSON, Listing, Notation};

/// How many numbers are at hand from the start. Their text has a hundredth of the size of one with
/// ten times as many.
const BEGINNING_COUNT: u64 = 1000;

/// The first numbers. What lies beyond the beginning is made when it is first asked for, which
/// takes some milliseconds at the default settings: most processes never need its ten megabytes.
pub(crate) struct Table {
    form: Form,
    count: u64,
    beginning: Text,
    whole: OnceLock<Text>,
}

impl Table {
    pub(crate) fn new(form: Form, count: u64) -> Self {
        Self {
            form,
            count,
            beginning: Text::new(form, count.min(BEGINNING_COUNT)),
            whole: OnceLock::new(),
        }
    }

    /// The text of a JSON list without its tail, in one slice if it starts at zero and in two
    /// (head, numbers) if not. None if the list reaches beyond the table.
    pub(crate) fn slices(&self, listing: &Listing) -> Option<(Bytes, Bytes)> {
        if listing.notation != &JSON || listing.count == 0 {
            return None;
        }
        self.reaching(listing.end())?.slices(listing)
    }

    /// The digits of `F(n)`, if the table has them.
    pub(crate) fn number(&self, n: u64) -> Option<Bytes> {
        let text = self.reaching(n.checked_add(1)?)?;
        Some(text.text.slice(text.place(n)?))
    }

    /// A text with so many numbers.
    fn reaching(&self, count: u64) -> Option<&Text> {
        if count <= self.count.min(BEGINNING_COUNT) {
            return Some(&self.beginning);
        }
        let make = || Text::new(self.form, self.count);
        (count <= self.count).then(|| self.whole.get_or_init(make))
    }
}

/// `{"answer":[0,1,1,2,...` for the first numbers.
struct Text {
    text: Bytes,
    /// Where each number begins, and where one after the last would.
    starts: Vec<usize>,
}

impl Text {
    fn new(form: Form, count: u64) -> Self {
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

    fn slices(&self, listing: &Listing) -> Option<(Bytes, Bytes)> {
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
    fn what_lies_beyond_the_beginning_continues_it() {
        let count = BEGINNING_COUNT + 5;
        let table = Table::new(Form::best(), count);
        let beginning = joined(&table, 0, BEGINNING_COUNT).unwrap();
        assert!(table.whole.get().is_none());
        let whole = joined(&table, 0, count).unwrap();
        assert!(whole.starts_with(&format!("{beginning},")));
        assert_eq!(whole.matches(',').count() as u64, count - 1);
        let across = joined(&table, BEGINNING_COUNT - 1, 3).unwrap();
        let numbers = across.strip_prefix("{\"answer\":[").unwrap();
        assert!(whole.contains(&format!(",{numbers},")));
        assert_eq!(table.number(count), None);
        assert!(whole.ends_with(std::str::from_utf8(&table.number(count - 1).unwrap()).unwrap()));
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
