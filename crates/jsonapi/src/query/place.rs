//! Places in the text of a parameter, and how errors show them.

use crate::Error;

/// How many characters an excerpt shows on either side of its mark.
const AROUND: usize = 30;

/// A mistake, and where it is: a byte offset into the text that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misplaced {
    pub(super) at: usize,
    /// A sentence without its full stop.
    pub(super) reason: String,
}

impl Misplaced {
    pub(super) fn new(at: usize, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { at, reason }
    }

    /// The same as an error about a parameter, where `text` was read.
    pub(super) fn in_parameter(&self, parameter: &str, text: &str) -> Error {
        super::parameters::invalid(parameter)
            .detail(format!("{}: {}", self.reason, excerpt(text, self.at)))
            .meta("column", column(text, self.at))
    }
}

/// The column of a byte offset: characters, from 1. An offset behind the end is the end.
#[must_use]
pub fn column(text: &str, at: usize) -> usize {
    let at = text.floor_char_boundary(at);
    text[..at].chars().count() + 1
}

/// The text around a byte offset, with `^` before the character there, such as
/// `equals(views,^'x')`. What is left out shows as `…`.
#[must_use]
pub fn excerpt(text: &str, at: usize) -> String {
    let at = text.floor_char_boundary(at);
    let (before, after) = text.split_at(at);
    let start = before
        .char_indices()
        .rev()
        .nth(AROUND - 1)
        .map_or(0, |(start, _)| start);
    let end = after
        .char_indices()
        .nth(AROUND)
        .map_or(after.len(), |(end, _)| end);
    let more = |is_more: bool| if is_more { "…" } else { "" };
    format!(
        "{}{}^{}{}",
        more(start > 0),
        &before[start..],
        &after[..end],
        more(end < after.len())
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_excerpt_marks_the_place_and_is_short() {
        assert_eq!(excerpt("equals(views,'x')", 13), "equals(views,^'x')");
        assert_eq!(excerpt("", 0), "^");
        assert_eq!(excerpt("äb", 99), "äb^");
        let long = "a".repeat(100);
        let part = "a".repeat(AROUND);
        assert_eq!(excerpt(&long, 50), format!("…{part}^{part}…"));
        assert_eq!((column("äb", 2), column("äb", 99)), (2, 3));
    }

    proptest! {
        #[test]
        fn any_place_in_any_text_can_be_shown(text in "\\PC{0,80}", at in 0_usize..200) {
            let shown = excerpt(&text, at);
            prop_assert!(shown.chars().count() <= 2 * AROUND + 3);
            prop_assert!(column(&text, at) <= text.chars().count() + 1);
        }
    }
}
