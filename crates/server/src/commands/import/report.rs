//! What came of an import, and how to go on where it has ended early.

use std::path::Path;

use resources::store::StoreError;
use transfer::{BATCH_ROWS, ImportError, Summary};

use super::super::{print, say};
use crate::command_line::{Import, Rejection};
use crate::failure::Failure;

/// What is to be said where the search for mistakes has ended before the file.
pub(super) fn and_more(arguments: &Import, rejected: u64) -> String {
    if rejected < arguments.rejections_max {
        return String::new();
    }
    format!("; the search ended with {rejected} of them (--rejections-max)")
}

/// Prints the closing count in every case, and says what went wrong.
pub(super) fn report(
    arguments: &Import,
    file: &Path,
    outcome: Result<Summary, ImportError>,
) -> Result<(), Failure> {
    let summary = match &outcome {
        Ok(summary)
        | Err(
            ImportError::Store { summary, .. }
            | ImportError::File { summary, .. }
            | ImportError::Stopped { summary },
        ) => *summary,
    };
    let Summary {
        stored, rejected, ..
    } = summary;
    print(&format!("{stored} stored, {rejected} rejected\n"))?;
    match outcome {
        Ok(_) => match arguments.on_error {
            _ if rejected == 0 => Ok(()),
            Rejection::Stop => Err(Failure::settings(format!(
                "nothing was stored, because rows were rejected; '--on-error skip' stores the \
                 others{}",
                and_more(arguments, rejected)
            ))),
            Rejection::Halt => Err(Failure::settings(
                "a row was rejected: those before it are stored, those after it are not",
            )),
            Rejection::Skip => Err(Failure::settings(
                "rows were rejected: the others are stored",
            )),
        },
        Err(error) => Err(failure(arguments, file, error, summary)),
    }
}

fn failure(arguments: &Import, file: &Path, error: ImportError, summary: Summary) -> Failure {
    let all_or_nothing = matches!(arguments.on_error, Rejection::Stop);
    match error {
        ImportError::File { reason, .. } => {
            Failure::settings(format!("{}: {reason}", file.display()))
        }
        ImportError::Stopped { .. } => {
            say(&how_to_go_on(arguments, summary, 0));
            Failure::unavailable("the import was told to stop before its end")
        }
        ImportError::Store { error, .. } => {
            let unknown = matches!(error, StoreError::OutcomeUnknown(_));
            if unknown && all_or_nothing {
                say("either all rows are stored or none: look before you run it again");
            } else {
                say(&how_to_go_on(arguments, summary, BATCH_ROWS));
            }
            error.into()
        }
    }
}

/// What is stored and how to run the import again. So many rows after the settled ones may be
/// stored too.
fn how_to_go_on(arguments: &Import, summary: Summary, unknown: usize) -> String {
    if matches!(arguments.on_error, Rejection::Stop) {
        return "nothing is stored: run it again".to_owned();
    }
    let (row, line) = (summary.settled.row, summary.settled.line);
    let mut parts = Vec::new();
    if row > 0 {
        parts.push(format!(
            "the first {row} rows of the file, up to line {line}, are settled: --skip-rows {row} \
             goes on after them"
        ));
    }
    match (row, unknown) {
        (0, 0) => parts.push("nothing is stored: run it again".to_owned()),
        (_, 0) => {}
        (0, unknown) => parts.push(format!(
            "of the first {unknown} rows of the file some may be stored"
        )),
        (_, unknown) => parts.push(format!(
            "of the {unknown} rows that follow some may be stored too"
        )),
    }
    if arguments.upsert {
        parts.push("with --upsert no row is stored twice that has an id".to_owned());
    }
    if !arguments.upsert_by.is_empty() {
        parts.push("no row is stored twice that has the values of --upsert-by".to_owned());
    }
    if arguments.restartable {
        parts.push("with --restartable no row is stored twice".to_owned());
    }
    parts.join("; ")
}
