//! The report as tables in Markdown: the summary, and every id that did not pass.

use std::fmt::Write;

use super::{COLUMNS, Outcome, Report, Row, count};

pub(super) fn text(report: &Report) -> String {
    let mut text = String::from("| Group | MUST | SHOULD | ADVISED |\n| --- | --- | --- | --- |\n");
    for (letters, title, rows) in report.groups() {
        line(&mut text, &format!("{letters} {title}"), &rows);
    }
    line(&mut text, "All", &report.rows.iter().collect::<Vec<_>>());
    text.push_str("\n| Id | Level | Expected | Found |\n| --- | --- | --- | --- |\n");
    for Row {
        obligation,
        outcome,
    } in &report.rows
    {
        if *outcome == Outcome::Pass {
            continue;
        }
        let (id, level) = (obligation.id, obligation.level);
        let (expected, found) = (cell(obligation.expectation), cell(outcome.text()));
        let _ = writeln!(
            text,
            "| {id} | {level} | {expected} | {}: {found} |",
            outcome.name()
        );
    }
    text
}

fn line(text: &mut String, head: &str, rows: &[&Row]) {
    let [first, second, third] = COLUMNS.map(|(_, levels)| count(rows, levels));
    let _ = writeln!(text, "| {head} | {first} | {second} | {third} |");
}

/// What a cell of a table must not have.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}
