//! The obligations of the specification, numbered.

use std::fmt;
use std::sync::LazyLock;

/// How binding an obligation is, in the words of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// MUST
    Must,
    /// MUST NOT: the expectation says what holds instead.
    MustNot,
    /// SHOULD
    Should,
    /// SHOULD NOT
    ShouldNot,
    /// RECOMMENDED
    Recommended,
    /// Not in the specification itself: it follows from HTTP, or is the safe reading of a rule that
    /// can be read in several ways.
    Advised,
}

impl Level {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Must, "MUST"),
        (Self::MustNot, "MUST NOT"),
        (Self::Should, "SHOULD"),
        (Self::ShouldNot, "SHOULD NOT"),
        (Self::Recommended, "RECOMMENDED"),
        (Self::Advised, "ADVISED"),
    ];

    /// Whether a server that does otherwise does not conform.
    #[must_use]
    pub fn is_binding(self) -> bool {
        matches!(self, Self::Must | Self::MustNot)
    }

    fn read(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(level, _)| *level)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::ALL.iter().find(|(level, _)| level == self);
        formatter.pad(found.map_or("", |(_, name)| name))
    }
}

/// One obligation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obligation {
    /// The group and a number, such as `CN-1`.
    pub id: &'static str,
    /// How binding it is.
    pub level: Level,
    /// What a server does that keeps it, in one line.
    pub expectation: &'static str,
}

impl Obligation {
    /// The letters in front of the number.
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.id.split_once('-').map_or(self.id, |(group, _)| group)
    }
}

static LIST: &str = include_str!("obligations.txt");

static OBLIGATIONS: LazyLock<Vec<Obligation>> = LazyLock::new(|| {
    let lines = LIST.lines().filter(|line| !line.starts_with(['#', '=']));
    lines.filter_map(obligation).collect()
});

fn obligation(line: &'static str) -> Option<Obligation> {
    let mut parts = line.splitn(3, " | ");
    Some(Obligation {
        id: parts.next()?,
        level: Level::read(parts.next()?)?,
        expectation: parts.next()?,
    })
}

/// Every obligation, in the order of the groups.
#[must_use]
pub fn obligations() -> &'static [Obligation] {
    &OBLIGATIONS
}

/// The letters and the title of every group, in order.
pub(crate) fn groups() -> impl Iterator<Item = (&'static str, &'static str)> {
    let heads = LIST.lines().filter_map(|line| line.strip_prefix("= "));
    heads.filter_map(|head| head.split_once(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_an_obligation_of_the_group_that_it_stands_in() {
        let mut group = "";
        let mut count = 0;
        for line in LIST.lines().filter(|line| !line.starts_with('#')) {
            if let Some(head) = line.strip_prefix("= ") {
                group = head.split_once(" | ").unwrap().0;
                count = 0;
                continue;
            }
            count += 1;
            let found = obligation(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(found.id, format!("{group}-{count}"));
        }
        assert_eq!(groups().count(), 19);
    }
}
