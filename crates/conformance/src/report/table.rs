//! The report as text in columns.

use std::fmt::Write;

use super::{COLUMNS, Report, Row, count};

pub(super) fn text(report: &Report) -> String {
    let mut text = format!("{} after {} requests\n\n", report.base, report.requests);
    line(
        &mut text,
        "group",
        &COLUMNS.map(|(name, _)| name.to_owned()),
    );
    for (letters, title, rows) in report.groups() {
        let counts = COLUMNS.map(|(_, levels)| count(&rows, levels));
        line(&mut text, &format!("{letters} {title}"), &counts);
    }
    let all: Vec<&Row> = report.rows.iter().collect();
    line(
        &mut text,
        "all",
        &COLUMNS.map(|(_, levels)| count(&all, levels)),
    );
    for (letters, title, rows) in report.groups() {
        let _ = writeln!(text, "\n{letters} {title}");
        for Row {
            obligation,
            outcome,
        } in rows
        {
            let (id, level, name) = (obligation.id, obligation.level, outcome.name());
            let _ = writeln!(
                text,
                "  {id:<6} {level:<12} {name:<11} {}",
                obligation.expectation
            );
            if !outcome.text().is_empty() {
                let _ = writeln!(text, "{:33}{}", "", outcome.text());
            }
        }
    }
    for path in &report.left {
        let _ = writeln!(text, "\nleft behind: {path}");
    }
    text
}

fn line(text: &mut String, head: &str, cells: &[String; 3]) {
    let [first, second, third] = cells;
    let _ = writeln!(text, "{head:<36} {first:<22} {second:<22} {third}");
}
