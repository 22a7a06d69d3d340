//! What a run has found, and how it is shown.

mod markdown;
mod table;

use serde_json::{Value, json};

use crate::obligation::{Level, Obligation, groups};

/// What was found for one obligation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server keeps it.
    Pass,
    /// It does not: the request, what was expected and what was found.
    Fail(String),
    /// An advice that the server does not follow; it may.
    Differs(String),
    /// Nobody can say: the reason.
    Unjudged(String),
}

impl Outcome {
    /// One word for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "FAIL",
            Self::Differs(_) => "differs",
            Self::Unjudged(_) => "not judged",
        }
    }

    /// What was found, or the reason; empty for a pass.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Pass => "",
            Self::Fail(text) | Self::Differs(text) | Self::Unjudged(text) => text,
        }
    }
}

/// One obligation and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The obligation.
    pub obligation: Obligation,
    /// What was found.
    pub outcome: Outcome,
}

/// All that a run has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The server.
    pub base: String,
    /// One for each obligation of the groups that were asked for.
    pub rows: Vec<Row>,
    /// How many requests were sent.
    pub requests: usize,
    /// The paths of resources that the run created and could not remove.
    pub left: Vec<String>,
}

/// The columns of the summary.
const COLUMNS: [(&str, &[Level]); 3] = [
    ("MUST", &[Level::Must, Level::MustNot]),
    (
        "SHOULD",
        &[Level::Should, Level::ShouldNot, Level::Recommended],
    ),
    ("ADVISED", &[Level::Advised]),
];

impl Report {
    /// Whether an obligation with the level MUST or MUST NOT is not kept.
    #[must_use]
    pub fn fails(&self) -> bool {
        let mut failed = self
            .rows
            .iter()
            .filter(|row| matches!(row.outcome, Outcome::Fail(_)));
        failed.any(|row| row.obligation.level.is_binding())
    }

    /// The report for people at a terminal.
    #[must_use]
    pub fn to_table(&self) -> String {
        table::text(self)
    }

    /// The report for a page of documentation.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        markdown::text(self)
    }

    /// The report for programs.
    #[must_use]
    pub fn to_json(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            json!({
                "id": row.obligation.id,
                "level": row.obligation.level.to_string(),
                "expectation": row.obligation.expectation,
                "outcome": row.outcome.name().to_lowercase(),
                "text": row.outcome.text(),
            })
        });
        let report = json!({
            "base": self.base,
            "requests": self.requests,
            "fails": self.fails(),
            "leftBehind": self.left,
            "rows": rows.collect::<Vec<Value>>(),
        });
        format!("{report:#}\n")
    }

    /// The groups that have rows: letters, title and rows.
    fn groups(&self) -> impl Iterator<Item = (&'static str, &'static str, Vec<&Row>)> {
        groups().filter_map(|(letters, title)| {
            let rows = self.rows.iter();
            let rows: Vec<&Row> = rows
                .filter(|row| row.obligation.group() == letters)
                .collect();
            (!rows.is_empty()).then_some((letters, title, rows))
        })
    }
}

/// `passed/judged`, and how many could not be judged.
fn count(rows: &[&Row], levels: &[Level]) -> String {
    let rows = rows
        .iter()
        .filter(|row| levels.contains(&row.obligation.level));
    let (mut passed, mut judged, mut unjudged) = (0, 0, 0);
    for row in rows {
        match row.outcome {
            Outcome::Unjudged(_) => unjudged += 1,
            Outcome::Pass => {
                passed += 1;
                judged += 1;
            }
            Outcome::Fail(_) | Outcome::Differs(_) => judged += 1,
        }
    }
    match (judged, unjudged) {
        (0, 0) => "-".to_owned(),
        (_, 0) => format!("{passed}/{judged}"),
        _ => format!("{passed}/{judged} ({unjudged} not judged)"),
    }
}
