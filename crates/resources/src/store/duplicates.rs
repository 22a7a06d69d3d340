//! Values that a unique index forbids.

use std::fmt;

use crate::schema::{Id, Index};

/// Resources that have the same values in a unique index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicates {
    /// The index.
    pub index: Index,
    /// How many resources have these values, at least two.
    pub count: u64,
    /// One of them.
    pub one: Id,
    /// Another one.
    pub other: Id,
}

impl Duplicates {
    /// So many of them are named where an index cannot be made.
    pub const NAMED_MAX: usize = 3;

    /// What is to be said where an index cannot be made because of these; one more than
    /// [`Self::NAMED_MAX`] stands for any number.
    #[must_use]
    pub fn refuse(found: &[Self], type_name: &str) -> Option<String> {
        let more = found.len() > Self::NAMED_MAX;
        let found = &found[..found.len().min(Self::NAMED_MAX)];
        let first = found.first()?;
        let pairs: Vec<String> = found.iter().map(Self::to_string).collect();
        let (over, pairs) = (first.index.attribute_names(), pairs.join("; "));
        let values = match (found.len(), more) {
            (count, true) => format!("more than {count} values"),
            (1, false) => "one value".to_owned(),
            (count, false) => format!("{count} values"),
        };
        Some(format!(
            "the unique index over {over} of '{type_name}' cannot be made: {values} that several \
             resources have: {pairs}; change or delete some of them, or declare the index without \
             'unique'. 'monocoque check {type_name}' lists them"
        ))
    }
}

impl fmt::Display for Duplicates {
    /// Without the values, which may be personal data.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, other) = (&self.one, &self.other);
        match self.count {
            2 => write!(formatter, "the ids '{one}' and '{other}'"),
            count => write!(
                formatter,
                "{count} resources, such as '{one}' and '{other}'"
            ),
        }
    }
}
