//! `monocoque import`

mod source;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use resources::schema::{IdKind, ResourceType};
use resources::store::{Store, StoreError};
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use transfer::{self, BATCH_ROWS, ImportError, ImportOptions, Importer, RowIds, Summary};

use self::source::Source;
use super::file_format::file_format;
use super::progress::Progress;
use super::say;
use crate::command_line::{Import, Rejection};
use crate::definitions;
use crate::failure::Failure;
use crate::settings::{self, Settings};
use crate::store;

/// Set by the first signal.
static STOP: AtomicBool = AtomicBool::new(false);

pub(super) fn run(arguments: &Import) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    let format = file_format(arguments.format, &arguments.file)?;
    if arguments.upsert && matches!(arguments.on_error, Rejection::Stop) {
        return Err(Failure::usage(
            "--upsert stores each row by itself, and cannot undo all: name --on-error skip or \
             --on-error halt",
        ));
    }
    let source = Source::open(&arguments.file, format)?;
    if arguments.dry_run {
        return dry_run(&settings, arguments, source);
    }
    super::runtime(Builder::new_multi_thread())?.block_on(async {
        let resource_type = definitions::find(&settings, &arguments.resource_type)?;
        let options = ImportOptions {
            skip_rows: arguments.skip_rows,
            row_ids: row_ids(arguments, &resource_type, &source)?,
            upsert: arguments.upsert,
            rejections_max: arguments.rejections_max,
            stop: Some(&STOP),
        };
        stop_on_signal()?;
        let store = store::open(&settings, std::slice::from_ref(&resource_type)).await?;
        if arguments.if_empty && !store::is_empty(&*store, &resource_type).await? {
            store.close().await;
            say("nothing is imported: the collection has resources already");
            return Ok(());
        }
        let outcome = import(&*store, &resource_type, arguments, options, source).await;
        store.close().await;
        report(arguments, outcome)
    })
}

/// Checks the rows against the definition alone.
fn dry_run(settings: &Settings, arguments: &Import, source: Source) -> Result<(), Failure> {
    let resource_type = definitions::find(settings, &arguments.resource_type)?;
    let format = source.format;
    let (file, _) = source.counted(&STOP);
    let unreadable = |reason| Failure::settings(format!("{}: {reason}", arguments.file.display()));
    let rows = transfer::rows(format, &resource_type, file).map_err(unreadable)?;
    let rejections_max = arguments.rejections_max;
    let mut rejected = |line, reason: &str| say(&format!("line {line} rejected: {reason}"));
    let checked = transfer::check(&resource_type, rows, rejections_max, &mut rejected);
    let Summary {
        stored, rejected, ..
    } = checked.map_err(|error| unreadable(error.to_string()))?;
    super::print(&format!(
        "{stored} fine, {rejected} rejected; nothing is stored\n"
    ))?;
    if rejected == 0 {
        return Ok(());
    }
    let more = and_more(arguments, rejected);
    Err(Failure::settings(format!("rows would be rejected{more}")))
}

/// What is to be said where the search for mistakes has ended before the file.
fn and_more(arguments: &Import, rejected: u64) -> String {
    if rejected < arguments.rejections_max {
        return String::new();
    }
    format!("; the search ended with {rejected} of them (--rejections-max)")
}

/// What makes the ids of rows that bring none, if `--restartable` is given.
fn row_ids(
    arguments: &Import,
    resource_type: &ResourceType,
    source: &Source,
) -> Result<Option<RowIds>, Failure> {
    // Rows of types with string ids always bring an id.
    if !arguments.restartable || resource_type.id == IdKind::String {
        return Ok(None);
    }
    if !RowIds::can_make(resource_type.id) {
        return Err(Failure::usage(format!(
            "--restartable is for ids that are objectId or uuid, but those of '{}' are {}; \
             --skip-rows goes on where an import ended",
            resource_type.name, resource_type.id
        )));
    }
    let name = arguments.file.file_name().unwrap_or_default();
    match source.changed {
        Some(changed) => Ok(Some(RowIds::new(&name.to_string_lossy(), changed))),
        None => Err(Failure::usage(
            "--restartable needs a file: its name and the time of its last change are in the ids",
        )),
    }
}

/// The first signal ends the import after the batch that is being stored, the second at once.
fn stop_on_signal() -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::internal(format!("signals cannot be received: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        STOP.store(true, Ordering::Relaxed);
        say("told to stop after what is being stored; a second signal stops at once");
        either(&mut terminate, &mut interrupt).await;
        std::process::exit(69);
    });
    Ok(())
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

/// Stores the rows and says on the standard error which are rejected.
async fn import(
    store: &dyn Store,
    resource_type: &Arc<ResourceType>,
    arguments: &Import,
    options: ImportOptions<'_>,
    source: Source,
) -> Result<Summary, ImportError> {
    let progress = RefCell::new(Progress::new(source.length));
    let format = source.format;
    let (file, position) = source.counted(&STOP);
    let summary = Summary::default();
    let rows = transfer::rows(format, resource_type, file).map_err(|reason| {
        if STOP.load(Ordering::Relaxed) {
            return ImportError::Stopped { summary };
        }
        ImportError::File { reason, summary }
    })?;
    let importer = Importer {
        store,
        resource_type,
        on_error: arguments.on_error.into(),
        options,
        rejected: &mut |line, reason| {
            progress
                .borrow()
                .say(&format!("line {line} rejected: {reason}"));
        },
        progress: &mut |rows| {
            progress
                .borrow_mut()
                .advance(position.load(Ordering::Relaxed), rows);
        },
    };
    let outcome = importer.run(rows).await;
    progress.borrow().finish();
    outcome
}

/// Prints the closing count in every case, and says what went wrong.
fn report(arguments: &Import, outcome: Result<Summary, ImportError>) -> Result<(), Failure> {
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
    super::print(&format!("{stored} stored, {rejected} rejected\n"))?;
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
        Err(error) => Err(failure(arguments, error, summary)),
    }
}

fn failure(arguments: &Import, error: ImportError, summary: Summary) -> Failure {
    let all_or_nothing = matches!(arguments.on_error, Rejection::Stop);
    match error {
        ImportError::File { reason, .. } => {
            Failure::settings(format!("{}: {reason}", arguments.file.display()))
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
    if arguments.restartable {
        parts.push("with --restartable no row is stored twice".to_owned());
    }
    parts.join("; ")
}
