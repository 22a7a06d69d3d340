//! A list as asked for: which numbers, in which notation, and where each byte of it lies.

use crate::length::{digits, digits_of_first};

/// The bytes around the numbers of a list. The numbers themselves are the same in every notation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Notation {
    pub(crate) content_type: &'static str,
    /// Tells the notations apart in an entity tag.
    pub(crate) tag: &'static str,
    pub(crate) head: &'static [u8],
    pub(crate) separator: &'static [u8],
    pub(crate) tail: &'static [u8],
    /// The whole text of a list without numbers.
    pub(crate) empty: &'static [u8],
}

pub(crate) static JSON: Notation = Notation {
    content_type: "application/json",
    tag: "json",
    head: b"{\"answer\":[",
    separator: b",",
    tail: b"]}",
    empty: b"{\"answer\":[]}",
};

pub(crate) static JSON_STRINGS: Notation = Notation {
    content_type: "application/json",
    tag: "json-strings",
    head: b"{\"answer\":[\"",
    separator: b"\",\"",
    tail: b"\"]}",
    empty: b"{\"answer\":[]}",
};

pub(crate) static LINES: Notation = Notation {
    content_type: "application/x-ndjson",
    tag: "lines",
    head: b"",
    separator: b"\n",
    tail: b"\n",
    empty: b"",
};

pub(crate) static LINES_OF_STRINGS: Notation = Notation {
    content_type: "application/x-ndjson",
    tag: "lines-strings",
    head: b"\"",
    separator: b"\"\n\"",
    tail: b"\"\n",
    empty: b"",
};

/// One column named `answer`, lines as RFC 4180 wants them.
pub(crate) static CSV: Notation = Notation {
    content_type: "text/csv; charset=utf-8; header=present",
    tag: "csv",
    head: b"answer\r\n",
    separator: b"\r\n",
    tail: b"\r\n",
    empty: b"answer\r\n",
};

pub(crate) static CSV_STRINGS: Notation = Notation {
    content_type: "text/csv; charset=utf-8; header=present",
    tag: "csv-strings",
    head: b"answer\r\n\"",
    separator: b"\"\r\n\"",
    tail: b"\"\r\n",
    empty: b"answer\r\n",
};

/// The numbers `F(from)` to `F(from + count - 1)` in one notation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listing {
    pub(crate) notation: &'static Notation,
    pub(crate) from: u64,
    pub(crate) count: u64,
}

impl Listing {
    /// The index after the last one.
    pub(crate) fn end(&self) -> u64 {
        self.from + self.count
    }

    /// The exact length of the text in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        if self.count == 0 {
            return self.notation.empty.len() as u64;
        }
        self.position(self.end()) - self.notation.separator.len() as u64
            + self.notation.tail.len() as u64
    }

    /// Where the digits of `F(n)` begin, for `n` in the list; or would, for its end.
    pub(crate) fn position(&self, n: u64) -> u64 {
        self.notation.head.len() as u64
            + (digits_of_first(n) - digits_of_first(self.from))
            + (n - self.from) * self.notation.separator.len() as u64
    }

    /// The index of the number whose digits, or the separator after them, hold the byte at
    /// `offset`. The head counts to the first number and the tail to the last.
    pub(crate) fn number_at(&self, offset: u64) -> u64 {
        let (mut low, mut high) = (self.from, self.end());
        while high - low > 1 {
            let middle = low.midpoint(high);
            if self.position(middle) <= offset {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The digits of the largest number.
    pub(crate) fn digits_max(&self) -> u64 {
        digits(self.end().saturating_sub(1))
    }
}
